//! `custody convert`: an ordinary video, whole or not at all.

use harness::{Custody, Ended, Measure, data, recording, recordings, video_of};
use shiguredo_mp4::TrackKind;
use shiguredo_mp4::boxes::SampleEntry;
use shiguredo_mp4::demux::{Input, Mp4FileDemuxer};
use std::fs;
use std::io::Write;
use std::path::Path;

fn convert(input: &Path, output: &Path, options: &[&str]) -> anyhow::Result<Ended> {
    let mut command = Custody::new([Path::new("convert"), input, Path::new("--output"), output])?;
    for option in options {
        command = command.arg(option);
    }
    command.run()
}

#[test]
fn every_recording_with_a_picture_becomes_an_ordinary_video() -> anyhow::Result<()> {
    let mut folder = None;
    for recording in recordings()?.iter().filter(|recording| recording.syncs > 0) {
        let video = video_of(&recording.name)?;
        folder = video.parent().map(Path::to_owned);
    }
    let folder = folder.expect("some recordings have a picture");
    let probed = Measure::new("probe.py", &data())?.videos(&folder).run()?;
    assert_eq!(probed.code(), Some(0), "{}{}", probed.stdout, probed.stderr);
    assert_eq!(probed.stdout.matches("  ok").count(), 8, "{}", probed.stdout);
    Ok(())
}

#[test]
fn sound_is_a_track_exactly_where_there_is_sound() -> anyhow::Result<()> {
    for (name, expected) in [
        ("rdp-audio", &[(TrackKind::Video, "av01"), (TrackKind::Audio, "Opus")][..]),
        ("write-existing", &[(TrackKind::Video, "av01")][..]),
    ] {
        let file = fs::read(video_of(name)?)?;
        let mut demuxer = Mp4FileDemuxer::new();
        demuxer.handle_input(Input { position: 0, data: &file });
        let mut tracks: Vec<_> = demuxer.tracks()?.iter().map(|track| (track.track_id, track.kind)).collect();
        let mut coded = Vec::new();
        let mut end = 0;
        while let Some(sample) = demuxer.next_sample()? {
            let first = tracks.first().is_some_and(|(id, _)| *id == sample.track.track_id);
            if let (true, Some(entry)) = (first, sample.sample_entry) {
                let (_, kind) = tracks.remove(0);
                coded.push((kind, coding(entry)));
            }
            end = end.max(usize::try_from(sample.data_offset)? + sample.data_size);
        }
        assert_eq!(coded, expected, "{name}");
        assert_eq!(end, file.len(), "the packets of {name} end the file");
    }
    Ok(())
}

fn coding(entry: &SampleEntry) -> &'static str {
    if matches!(entry, SampleEntry::Av01(_)) {
        "av01"
    } else if matches!(entry, SampleEntry::Opus(_)) {
        "Opus"
    } else {
        "another coding"
    }
}

/// The bytes of the video that some workers make, the exit code, and what is told of the recording.
fn with_workers(
    input: &Path,
    workers: &str,
    options: &[&str],
) -> anyhow::Result<(Vec<u8>, Option<i32>, String)> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("out.mp4");
    let ended = convert(input, &output, &[&["--quiet", "--workers", workers], options].concat())?;
    Ok((fs::read(&output)?, ended.code(), ended.stderr))
}

#[test]
fn the_bytes_are_the_same_with_any_number_of_workers() -> anyhow::Result<()> {
    for name in ["rdp-audio", "ssh-terminal"] {
        let input = recording(name)?.path();
        let alone = with_workers(&input, "1", &[])?;
        assert_eq!(alone.1, Some(0), "{name}: {}", alone.2);
        for workers in ["2", "4"] {
            assert!(
                with_workers(&input, workers, &[])? == alone,
                "{name}: another video of {workers} workers"
            );
        }
    }
    Ok(())
}

#[test]
fn what_is_prepared_and_refused_before_a_segment_is_known_to_who_codes_it() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("in.guac");
    let recording = prepared_and_refused();
    fs::write(&input, &recording)?;
    let alone = with_workers(&input, "1", &[])?;
    assert_eq!(alone.1, Some(3), "{}", alone.2);
    assert!(alone.2.contains("the first of 9 not drawn instructions"), "{}", alone.2);
    // Damage in the middle of all, read over when asked.
    let mut damaged = recording;
    let middle = damaged.len() / 2;
    damaged[middle..middle + 50].fill(b'!');
    let damaged_input = folder.path().join("damaged.guac");
    fs::write(&damaged_input, &damaged)?;
    let damaged_alone = with_workers(&damaged_input, "1", &["--resync"])?;
    assert_eq!(damaged_alone.1, Some(3), "{}", damaged_alone.2);
    for workers in ["2", "4"] {
        assert!(with_workers(&input, workers, &[])? == alone, "{workers} workers");
        let damaged = with_workers(&damaged_input, workers, &["--resync"])?;
        assert!(damaged == damaged_alone, "{workers} workers, damaged: {}", damaged.2);
    }
    Ok(())
}

/// A recording of several segments. Layers, a buffer, the pointer's image, clips, paths and streams that stand long
/// before them are used in all, and some images cannot be drawn.
fn prepared_and_refused() -> Vec<u8> {
    let mut text = String::new();
    let mut put = |elements: &[&str]| {
        let elements: Vec<_> = elements.iter().map(|text| format!("{}.{text}", text.len())).collect();
        text.push_str(&format!("{};", elements.join(",")));
    };
    for layer in ["0", "1", "2", "-1"] {
        put(&["size", layer, "160", "120"]);
        put(&["rect", layer, "10", "10", "100", "70"]);
        put(&["cfill", "14", layer, "90", "160", "20", "200"]);
    }
    put(&["size", "-2", "8", "8"]);
    put(&["rect", "-2", "0", "0", "8", "8"]);
    put(&["cfill", "14", "-2", "255", "255", "255", "255"]);
    put(&["cursor", "1", "1", "-2", "0", "0", "8", "8"]);
    put(&["move", "2", "1", "30", "20", "3"]);
    put(&["shade", "1", "130"]);
    put(&["rect", "1", "5", "5", "120", "90"]);
    put(&["clip", "1"]);
    put(&["push", "2"]);
    put(&["img", "4", "14", "0", "image/png", "20", "30"]);
    for frame in 0..1_500_u32 {
        let grey = (frame * 53 % 256).to_string();
        let place = (frame * 7 % 110).to_string();
        for layer in ["0", "1", "2"] {
            put(&["rect", layer, &place, &place, "30", "20"]);
            put(&["cfill", "14", layer, &grey, &place, "60", "180"]);
        }
        put(&["copy", "-1", "0", "0", "40", "30", "14", "0", &place, "50"]);
        put(&["mouse", &place, "60", "0", &(1_000 + frame * 110).to_string()]);
        if frame % 170 == 50 {
            put(&["img", "3", "14", "0", "image/png", "0", "0"]);
            put(&["blob", "3", "bm8gcGljdHVyZQ=="]);
            put(&["end", "3"]);
        }
        put(&["sync", &(1_000 + frame * 110).to_string()]);
    }
    text.into_bytes()
}

#[test]
fn a_pipe_gives_the_same_video_as_the_file() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let recording = recording("write-existing.before-overwrite")?;
    let expected = fs::read(video_of(&recording.name)?)?;
    for bytes in [recording.plain()?, fs::read(recording.path())?] {
        let output = folder.path().join("piped.mp4");
        let (reader, mut writer) = std::io::pipe()?;
        let command = Custody::new([Path::new("convert"), Path::new("-"), Path::new("-o"), &output])?;
        let running = command.input(reader).start()?;
        writer.write_all(&bytes)?;
        drop(writer);
        assert_eq!(running.wait()?.code(), Some(0));
        assert!(fs::read(&output)? == expected, "the video of the pipe differs");
    }
    Ok(())
}

#[test]
fn a_named_pipe_is_read_like_a_file() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (pipe, output) = (folder.path().join("pipe.guac"), folder.path().join("out.mp4"));
    let recording = recording("write-existing.before-overwrite")?;
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU)?;
    let running = Custody::new([Path::new("convert"), &pipe, Path::new("-o"), &output])?.start()?;
    fs::write(&pipe, recording.plain()?)?;
    assert_eq!(running.wait()?.code(), Some(0));
    assert!(fs::read(&output)? == fs::read(video_of(&recording.name)?)?, "the video of the pipe differs");
    Ok(())
}

#[test]
fn a_damaged_recording_becomes_a_video_up_to_the_damage() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    for (name, said) in [
        (
            "vnc-truncated",
            "custody: PARTIAL up to 13.309 s: TRUNCATED: byte 1365998: the recording ends inside an instruction: the \
             video ends there, 803 bytes are left out\n",
        ),
        (
            "write-existing",
            "custody: PARTIAL up to 6.067 s: MALFORMED: byte 22831: expected the length of an element, found byte 0x6b: \
             the video ends there, 58283 bytes are left out\n",
        ),
    ] {
        let output = folder.path().join("partial.mp4");
        let converted = convert(&recording(name)?.path(), &output, &["--quiet"])?;
        assert_eq!((converted.code(), converted.stderr.as_str()), (Some(3), said), "{name}");
        assert!(output.exists(), "{name}");
    }
    Ok(())
}

#[test]
fn behind_damage_pictures_and_sound_go_on_when_asked() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("in.guac"), folder.path().join("out.mp4"));
    let mut bytes = recording("rdp-audio")?.plain()?;
    bytes.truncate(bytes.len() / 4);
    // A whole start of an instruction is gone, and what follows it has none.
    let middle = bytes.len() / 2;
    let start = bytes[middle..].windows(7).position(|bytes| bytes == b";4.blob").expect("sound never ends");
    bytes[middle + start + 1..][..100].fill(b'!');
    fs::write(&input, &bytes)?;
    let inspected =
        Custody::new([Path::new("inspect"), &input, "--json".as_ref(), "--resync".as_ref()])?.run()?;
    let told: serde_json::Value = serde_json::from_str(&inspected.stdout)?;
    let converted = convert(&input, &output, &["--quiet", "--resync"])?;
    let skipped_bytes = told["skipped_bytes"].as_u64().expect("a number");
    let said = format!("MALFORMED: {skipped_bytes} bytes cannot be read: the video goes on behind them\n");
    assert!(skipped_bytes >= 100 && converted.stderr.contains(&said), "{}", converted.stderr);
    assert_eq!(converted.code(), Some(3));
    let file = fs::read(&output)?;
    let mut demuxer = Mp4FileDemuxer::new();
    demuxer.handle_input(Input { position: 0, data: &file });
    let tracks: Vec<_> = demuxer
        .tracks()?
        .iter()
        .map(|track| (track.kind, track.duration * 1000 / u64::from(track.timescale.get())))
        .collect();
    let [(TrackKind::Video, video_ms), (TrackKind::Audio, sound_ms)] = tracks[..] else {
        panic!("pictures and sound, {tracks:?}")
    };
    assert_eq!(Some(video_ms), told["media_duration_ms"].as_u64(), "pictures reach the end");
    assert!(Some(sound_ms) >= told["sound_end_ms"].as_u64(), "sound reaches its end, {sound_ms}");
    let unskipped = convert(&input, &output, &["--quiet"])?;
    assert!(unskipped.stderr.contains("the video ends there"), "{}", unskipped.stderr);
    Ok(())
}

#[test]
fn the_recording_is_left_as_it_was() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("in.guac"), folder.path().join("out.mp4"));
    let bytes = recording("write-existing")?.plain()?;
    fs::write(&input, &bytes)?;
    assert_eq!(convert(&input, &output, &[])?.code(), Some(3));
    assert_eq!(fs::read(&input)?, bytes);
    Ok(())
}

#[test]
fn a_refused_conversion_leaves_the_video_that_was_there() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("out.mp4");
    fs::write(&output, "an older video")?;
    let refused = convert(&recording("exclude-output")?.path(), &output, &[])?;
    assert_eq!(refused.code(), Some(1));
    assert!(
        refused.stderr.starts_with("custody: UNSUPPORTED: the recording never shows a picture"),
        "{}",
        refused.stderr
    );
    assert_eq!(fs::read_to_string(&output)?, "an older video");
    assert_eq!(fs::read_dir(folder.path())?.count(), 1, "nothing else is left");
    Ok(())
}

#[test]
fn a_folder_that_is_not_there_is_named_at_once() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("missing/out.mp4");
    let refused = convert(&recording("ssh-terminal")?.path(), &output, &["--quiet"])?;
    assert_eq!(refused.code(), Some(1));
    assert!(refused.stderr.contains(&*output.to_string_lossy()), "{}", refused.stderr);
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
    Ok(())
}
