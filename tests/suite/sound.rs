//! Sound is heard when it was heard.

use anyhow::Context;
use harness::{Custody, Measure, Sounds, data, video_of};
use serde_json::Value;
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

/// A recording whose stream 1 sounds on the left from 1 s to 3 s, and stream 3, if it is wanted, on the right from 2 s to 4 s.
fn tones(streams: usize) -> String {
    let mut recording = instruction(&["size", "0", "64", "64"]);
    recording += &instruction(&["audio", "1", "audio/L16;rate=44100,channels=2"]);
    recording += &instruction(&["audio", "3", "audio/L16;rate=44100,channels=2"]);
    let mut from_sample = 0;
    // Each piece ends at the sync behind it.
    for at_ms in (0..=5_000).step_by(50) {
        let tones = [("1", 441.0, 0, 1_000..3_000), ("3", 882.0, 1, 2_000..4_000)];
        for (stream, hz, side, time_ms) in tones.into_iter().take(streams) {
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
    recording
}

#[test]
fn two_streams_are_heard_each_on_its_side_and_at_its_time() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (input, video) = (folder.path().join("tones.guac"), folder.path().join("tones.mp4"));
    fs::write(&input, tones(2))?;
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

/// Makes a file of sound by ffmpeg: a tone of 882 Hz, on the right alone, and nothing behind it up to the end.
fn tone(file: &Path, sounds_s: u32, end_s: u32) -> anyhow::Result<()> {
    let source = format!("aevalsrc=0|0.4*sin(2*PI*882*t)*lt(t\\,{sounds_s}):s=44100:d={end_s}");
    let made =
        Command::new("ffmpeg").args(["-v", "error", "-f", "lavfi", "-i", &source]).arg(file).status()?;
    anyhow::ensure!(made.success(), "ffmpeg makes {}", file.display());
    Ok(())
}

/// Converts with a file of sound; returns the exit code and what was said.
fn converted(recording: &Path, sound: &Path, more: &[&str]) -> anyhow::Result<(Option<i32>, String)> {
    let video = recording.with_extension("mp4");
    let command =
        [Path::new("convert"), recording, Path::new("--output"), &video, Path::new("--sound"), sound];
    let run =
        more.iter().try_fold(Custody::new(command)?, |run, argument| anyhow::Ok(run.arg(argument)))?.run()?;
    Ok((run.code(), run.stderr))
}

#[test]
fn sound_of_a_file_is_mixed_with_the_recordings_own_at_its_offset() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (recording, sound) = (folder.path().join("tones.guac"), folder.path().join("tone.flac"));
    fs::write(&recording, tones(1))?;
    tone(&sound, 2, 2)?;
    let (code, said) = converted(&recording, &sound, &["--sound-offset", "2.5s"])?;
    assert_eq!(code, Some(0), "{said}");
    let samples = samples_of(&recording.with_extension("mp4"))?;
    // The last packet of Opus is whole.
    assert!((5_000..5_020).contains(&(samples.len() / 48)), "the recording is longer");
    for from_ms in (200..4_800).step_by(100) {
        let part = samples.get(from_ms * 48..(from_ms + 100) * 48).context("sound up to the end")?;
        let level = amplitude(part, 1, 882.0);
        let sounds = (2_500..4_500).contains(&from_ms);
        assert_eq!(level > 12_000.0, sounds, "{level} at {from_ms} ms");
        assert!(sounds || level < 100.0, "{level} at {from_ms} ms");
        let own = amplitude(part, 0, 441.0);
        assert_eq!(own > 11_000.0, (1_000..3_000).contains(&from_ms), "{own} at {from_ms} ms");
    }
    Ok(())
}

#[test]
fn sound_that_was_brought_beside_a_session_is_in_its_video_on_any_member_and_goes_with_it()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    let sounds = Sounds {
        recording: at("tones.guac"),
        sound: at("tone.wav"),
        offset: "2.5s",
        noise: at("noise"),
        video: at("video.mp4"),
    };
    fs::write(&sounds.recording, tones(1))?;
    fs::write(&sounds.noise, "no sound at all")?;
    tone(&sounds.sound, 2, 2)?;
    let outcome = sounds.run()?;
    let bytes = fs::metadata(&sounds.sound)?.len();
    assert_eq!((&outcome.told["size_bytes"], &outcome.told["offset_ms"]), (&bytes.into(), &2_500.into()));
    assert_eq!(outcome.is_given_back, [true; 3]);
    assert!(outcome.refused.contains("UNSUPPORTED: expected sound as WAVE"), "{}", outcome.refused);
    assert_eq!((outcome.told_of_refused, outcome.purged), (Value::Null, vec![410; 3]));
    let samples = samples_of(&sounds.video)?;
    for from_ms in (200..4_800).step_by(100) {
        let part = samples.get(from_ms * 48..(from_ms + 100) * 48).context("sound up to the end")?;
        let level = amplitude(part, 1, 882.0);
        let sounds = (2_500..4_500).contains(&from_ms);
        assert_eq!(level > 12_000.0, sounds, "{level} at {from_ms} ms");
        assert!(sounds || level < 100.0, "{level} at {from_ms} ms");
        let own = amplitude(part, 0, 441.0);
        assert_eq!(own > 11_000.0, (1_000..3_000).contains(&from_ms), "{own} at {from_ms} ms");
    }
    Ok(())
}

#[test]
fn a_terminal_is_seen_for_as_long_as_the_file_is_heard_and_its_pauses_are_skipped() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (recording, sound) = (folder.path().join("a.cast"), folder.path().join("tone.mp3"));
    fs::write(
        &recording,
        "{\"version\": 2, \"width\": 80, \"height\": 24}\n[0.5, \"o\", \"hello\"]\n[2.0, \"o\", \"!\"]\n",
    )?;
    tone(&sound, 3, 9)?;
    let (code, said) = converted(&recording, &sound, &["--sound-offset", "-500ms"])?;
    assert_eq!(code, Some(0), "{said}");
    let samples = samples_of(&recording.with_extension("mp4"))?;
    let end_ms = samples.len() / 48;
    assert!((8_500..8_520).contains(&end_ms), "what is before the beginning is not heard, {end_ms} ms are");
    let heard = |from_ms: usize| amplitude(&samples[from_ms * 48..(from_ms + 50) * 48], 1, 882.0) > 12_000.0;
    assert!([0, 100, 2_000, 2_400].into_iter().all(heard) && ![2_600, 5_000].into_iter().any(heard));
    // What is heard is no pause: only what is silent from 2.5 s on is skipped.
    let (code, said) = converted(&recording, &sound, &["--sound-offset", "-500ms", "--skip-idle", "1s"])?;
    assert_eq!(code, Some(0), "{said}");
    let skipped = samples_of(&recording.with_extension("mp4"))?.len() / 48;
    assert!((3_450..3_600).contains(&skipped), "{skipped} ms are left");
    Ok(())
}

#[test]
fn what_is_no_sound_is_refused_and_what_was_cut_is_heard_as_far_as_it_goes() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (recording, sound) = (folder.path().join("tones.guac"), folder.path().join("tone.flac"));
    fs::write(&recording, tones(1))?;
    fs::write(&sound, "no sound at all")?;
    let (code, said) = converted(&recording, &sound, &[])?;
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("UNSUPPORTED: ") && said.contains("tone.flac cannot be heard: expected sound as WAVE"),
        "{said}"
    );
    assert!(!recording.with_extension("mp4").exists());
    let (code, said) = converted(&recording, folder.path(), &[])?;
    assert!(code == Some(1) && said.contains("is no regular file"), "{said}");

    let whole = folder.path().join("whole.flac");
    tone(&whole, 4, 4)?;
    let bytes = fs::read(&whole)?;
    fs::write(&sound, &bytes[..bytes.len() / 2])?;
    let (code, said) = converted(&recording, &sound, &[])?;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("TRUNCATED"), "{said}");
    let samples = samples_of(&recording.with_extension("mp4"))?;
    assert!(amplitude(&samples[48_000..52_800], 1, 882.0) > 12_000.0, "its beginning is heard");
    // A file that makes the decoder ask for more memory than a worker has.
    let vast = [
        b"\x1A\x45\xDF\xA3\x80\x18\x53\x80\x67\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x16\x54\xAE\x6B".as_slice(),
        b"\x08\x7F\xFF\xFF\xFF",
    ]
    .concat();
    fs::write(&sound, vast)?;
    let (code, said) = converted(&recording, &sound, &[])?;
    assert_eq!(code, Some(1), "{said}");
    Ok(())
}
