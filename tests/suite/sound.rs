//! Sound is heard when it was heard.

use anyhow::Context;
use harness::{Custody, Measure, data, video_of};
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn every_beep_is_heard_with_its_flash() -> anyhow::Result<()> {
    for name in ["rdp-audio", "vnc-audio-avsync"] {
        let video = video_of(name)?;
        let folder = video.parent().expect("a video lies in a folder");
        let measured = Measure::new("beeps.py", &data())?.args(["--only", name]).videos(folder).run()?;
        assert_eq!(measured.code(), Some(0), "{}{}", measured.stdout, measured.stderr);
    }
    Ok(())
}

/// An instruction as it stands in a recording.
fn instruction(elements: &[&str]) -> String {
    let elements: Vec<_> =
        elements.iter().map(|element| format!("{}.{element}", element.chars().count())).collect();
    elements.join(",") + ";"
}

/// 50 ms of a tone, as stereo at 44.1 kHz with the other side silent.
fn piece(hz: f64, from_sample: u32, side: usize) -> String {
    let level = |index: u32| (f64::from(index) / 44_100.0 * hz * std::f64::consts::TAU).sin() * 12_000.0;
    let bytes = (from_sample..from_sample + 2_205).flat_map(|index| {
        #[expect(clippy::as_conversions, reason = "a test tone needs no exact rounding")]
        let sample = (level(index) as i16).to_le_bytes();
        if side == 0 { [sample, [0; 2]].concat() } else { [[0; 2], sample].concat() }
    });
    base64(&bytes.collect::<Vec<_>>())
}

/// Base64 of a whole number of groups.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[bits >> shift & 63]))
    };
    bytes.chunks(3).flat_map(group).collect()
}

/// The sound of a file as 48 kHz stereo, by ffmpeg.
fn samples_of(video: &Path) -> anyhow::Result<Vec<[f64; 2]>> {
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(video)
        .args(["-map", "0:a", "-f", "s16le", "-ac", "2", "-ar", "48000", "-"])
        .output()?;
    let (samples, _) = decoded.stdout.as_chunks::<2>();
    let (moments, _) = samples.as_chunks::<2>();
    Ok(moments.iter().map(|moment| moment.map(|bytes| f64::from(i16::from_le_bytes(bytes)))).collect())
}

/// The amplitude of a tone on one side.
fn amplitude(samples: &[[f64; 2]], side: usize, hz: f64) -> f64 {
    let turn = hz / 48_000.0 * std::f64::consts::TAU;
    let (mut sine, mut cosine, mut half) = (0.0, 0.0, 0.0);
    for (index, moment) in (0_u32..).zip(samples) {
        let (sin, cos) = (f64::from(index) * turn).sin_cos();
        sine += moment[side] * sin;
        cosine += moment[side] * cos;
        half += 0.5;
    }
    f64::hypot(sine, cosine) / half
}

#[test]
fn two_streams_are_heard_each_on_its_side_and_at_its_time() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (input, video) = (folder.path().join("tones.guac"), folder.path().join("tones.mp4"));
    let mut recording = instruction(&["size", "0", "64", "64"]);
    recording += &instruction(&["audio", "1", "audio/L16;rate=44100,channels=2"]);
    recording += &instruction(&["audio", "3", "audio/L16;rate=44100,channels=2"]);
    let mut from_sample = 0;
    // The left tone from 1 s to 3 s, the right one from 2 s to 4 s; each piece ends at the sync behind it.
    for at_ms in (0..=5_000).step_by(50) {
        for (stream, hz, side, time_ms) in [("1", 441.0, 0, 1_000..3_000), ("3", 882.0, 1, 2_000..4_000)] {
            if time_ms.contains(&(at_ms - 50)) {
                let data = piece(hz, from_sample, side);
                let (head, tail) = data.split_at(8_000);
                recording += &instruction(&["blob", stream, head]);
                recording += &instruction(&["blob", stream, tail]);
            }
        }
        from_sample += 2_205;
        let color = (at_ms % 250).to_string();
        recording += &instruction(&["rect", "0", "0", "0", "64", "64"]);
        recording += &instruction(&["cfill", "14", "0", &color, "0", "0", "255"]);
        recording += &instruction(&["sync", &(7_000_000 + at_ms).to_string()]);
    }
    fs::write(&input, recording)?;
    let converted = Custody::new([Path::new("convert"), &input, Path::new("--output"), &video])?.run()?;
    assert_eq!(converted.code(), Some(0), "{}", converted.stderr);
    let samples = samples_of(&video)?;
    for from_ms in (200..4_800).step_by(100) {
        let part = samples.get(from_ms * 48..(from_ms + 100) * 48).context("sound up to the end")?;
        for (side, hz, other_hz, time_ms) in
            [(0, 441.0, 882.0, 1_000..3_000), (1, 882.0, 441.0, 2_000..4_000)]
        {
            let level = amplitude(part, side, hz);
            // The first and the last tenth of a second of a tone may be moved by half of it.
            let edge =
                [time_ms.start - 100, time_ms.start, time_ms.end - 100, time_ms.end].contains(&from_ms);
            let sounds = time_ms.contains(&from_ms);
            assert!(edge || (level > 11_000.0) == sounds, "{level} at {from_ms} ms of side {side}");
            assert!(edge || sounds || level < 100.0, "{level} at {from_ms} ms of side {side}");
            assert!(amplitude(part, side, other_hz) < 250.0, "the other side is heard at {from_ms} ms");
        }
    }
    Ok(())
}
