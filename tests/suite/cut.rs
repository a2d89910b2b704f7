//! `custody convert` with options: what is left out of a video, what is added to it, and how fine it is.

use anyhow::{Context, ensure};
use harness::{Custody, Ended, Measure, data, recording};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn convert(name: &str, output: &Path, options: &[&str]) -> anyhow::Result<Ended> {
    let input = recording(name)?.path();
    let command = Custody::new([Path::new("convert"), "--quiet".as_ref(), &input, "-o".as_ref(), output])?;
    options.iter().fold(command, |command, option| command.arg(option)).run()
}

/// A video of a recording of `tests/data`.
fn video(name: &str, folder: &Path, options: &[&str]) -> anyhow::Result<PathBuf> {
    let output = folder.join(format!("{name}.mp4"));
    let converted = convert(name, &output, options)?;
    ensure!(converted.code() == Some(0), "{name} {options:?}: {}", converted.stderr);
    Ok(output)
}

/// What another program finds in a video.
fn probed(video: &Path) -> anyhow::Result<Value> {
    let options = ["-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_chapters"];
    let output = Command::new("ffprobe").args(options).arg(video).output()?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && complaints.is_empty(), "{}: {complaints}", video.display());
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn streams(probed: &Value) -> Vec<(&str, &str)> {
    let streams = probed["streams"].as_array().into_iter().flatten();
    streams.filter_map(|stream| stream["codec_type"].as_str().zip(stream["codec_name"].as_str())).collect()
}

/// The subtitles one after the other, as they stand in the file: a length of 16 bits before each.
fn subtitles(video: &Path) -> anyhow::Result<String> {
    let options = ["-map", "0:s:0", "-c", "copy", "-f", "data", "-"];
    let output = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(video).args(options).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (mut rest, mut texts) = (output.stdout.as_slice(), String::new());
    while let Some((length, behind)) = rest.split_first_chunk() {
        let (text, next) =
            behind.split_at_checked(u16::from_be_bytes(*length).into()).context("a whole subtitle")?;
        texts.push_str(std::str::from_utf8(text)?);
        rest = next;
    }
    Ok(texts)
}

#[test]
fn a_cut_video_sounds_when_it_flashes() -> anyhow::Result<()> {
    const NAME: &str = "vnc-audio-avsync";
    const FROM_MS: i64 = 8_000;
    const TO_MS: i64 = 31_000;
    const IDLE_MS: i64 = 1_000;
    let folder = tempfile::tempdir()?;
    let input = recording(NAME)?.path();
    let told = Custody::new([Path::new("inspect"), "--json".as_ref(), &input])?.run()?;
    let told: Value = serde_json::from_str(&told.stdout)?;
    let idle = told["idle"].as_array().context("idle stretches")?;
    let in_video = |at_ms: i64| {
        let skipped = idle.iter().filter_map(|span| {
            let (start_ms, end_ms) = (span["start_ms"].as_i64()?.max(FROM_MS), span["end_ms"].as_i64()?);
            (start_ms < end_ms && end_ms <= at_ms).then(|| (end_ms - start_ms - IDLE_MS).max(0))
        });
        at_ms - FROM_MS - skipped.sum::<i64>()
    };
    let mut truth: Value =
        serde_json::from_slice(&fs::read(data().join(format!("{NAME}.audio-truth.json")))?)?;
    let pairs = truth["pairs"].as_array_mut().context("pairs")?;
    pairs.retain(|pair| pair["flash_ms"].as_i64().is_some_and(|at_ms| (FROM_MS..TO_MS).contains(&at_ms)));
    for pair in pairs.iter_mut() {
        pair["flash_ms"] = json!(in_video(pair["flash_ms"].as_i64().context("a time")?));
    }
    let first_ms = pairs.first().and_then(|pair| pair["flash_ms"].as_i64()).context("a flash")?;
    assert!(first_ms < 14_717 - FROM_MS - 2_000, "nothing is skipped before the flash at {first_ms} ms");
    fs::write(folder.path().join(format!("{NAME}.audio-truth.json")), serde_json::to_vec(&truth)?)?;
    fs::copy(&input, folder.path().join(format!("{NAME}.guac.zst")))?;
    video(NAME, folder.path(), &["--from", "8", "--to", "0:31", "--skip-idle", "1000ms"])?;
    let measured = Measure::new("beeps.py", folder.path())?.videos(folder.path()).run()?;
    assert_eq!(measured.code(), Some(0), "{}{}", measured.stdout, measured.stderr);
    assert_eq!(measured.stdout.matches("beep - flash").count(), 4, "{}", measured.stdout);
    Ok(())
}

#[test]
fn a_video_that_begins_later_shows_what_the_recording_shows_then() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let options = ["--only", "telnet-1.0.0", "--from-s", "14.25", "--times", "12"];
    let compared = Measure::new("pictures.py", &data())?.args(options).videos(folder.path()).run()?;
    assert_eq!(compared.code(), Some(0), "{}{}", compared.stdout, compared.stderr);
    Ok(())
}

#[test]
fn keystrokes_are_subtitles_and_chapters_when_asked_and_nowhere_otherwise() -> anyhow::Result<()> {
    const NAME: &str = "telnet-1.0.0";
    let (asked, silent) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let with = video(NAME, asked.path(), &["--keystrokes", "--profile", "fast"])?;
    let facts = probed(&with)?;
    // A demuxer tells the chapter track apart as data, and reads it as chapters.
    assert_eq!(streams(&facts), [("video", "av1"), ("subtitle", "mov_text"), ("data", "bin_data")]);
    let chapters: Vec<_> = facts["chapters"].as_array().context("chapters")?.iter().collect();
    assert_eq!(chapters[0]["start"], json!(0));
    assert!(chapters.windows(2).all(|pair| pair[0]["end"] == pair[1]["start"]), "{chapters:?}");
    let titles: Vec<_> = chapters.iter().filter_map(|chapter| chapter["tags"]["title"].as_str()).collect();
    assert!(titles.iter().any(|title| title.contains("ls -l --color inventory logs")), "{titles:?}");

    let shown = subtitles(&with)?;
    let mut from = 0;
    for typed in recording(NAME)?.typed()? {
        let text = typed.text.replace('\n', "⏎");
        let found = shown.get(from..).and_then(|rest| rest.find(&text));
        from += found.with_context(|| format!("{text:?} behind byte {from} of {shown:?}"))? + text.len();
    }

    let without = video(NAME, silent.path(), &["--profile", "fast"])?;
    assert_eq!(streams(&probed(&without)?), [("video", "av1")]);
    let bytes = fs::read(&without)?;
    let is_in = |text: &[u8], bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    for trace in [&b"inventory"[..], b"tx3g", b"sbtl", b"chap", b"Keystrokes"] {
        assert!(is_in(trace, &fs::read(&with)?), "{}", trace.escape_ascii());
        assert!(!is_in(trace, &bytes), "{}", trace.escape_ascii());
    }
    Ok(())
}

#[test]
fn a_cut_video_has_the_same_bytes_with_any_number_of_workers() -> anyhow::Result<()> {
    let mut videos = Vec::new();
    for workers in ["1", "3"] {
        let folder = tempfile::tempdir()?;
        let options = [
            "--from",
            "3",
            "--to",
            "25",
            "--skip-idle",
            "1",
            "--keystrokes",
            "--profile",
            "fast",
            "--workers",
            workers,
        ];
        videos.push(fs::read(video("telnet-1.0.0", folder.path(), &options)?)?);
    }
    assert!(videos[0] == videos[1], "1 worker and 3 workers make different videos");
    Ok(())
}

#[test]
fn each_profile_is_an_ordinary_video() -> anyhow::Result<()> {
    let mut sizes = Vec::new();
    for (profile, av1, pixels) in
        [("fast", "Main", "yuv420p"), ("balanced", "Main", "yuv420p"), ("legible", "High", "yuv444p")]
    {
        let folder = tempfile::tempdir()?;
        let output = video("write-existing.before-overwrite", folder.path(), &["--profile", profile])?;
        let facts = probed(&output)?;
        let stream = &facts["streams"][0];
        assert_eq!((&stream["profile"], &stream["pix_fmt"]), (&json!(av1), &json!(pixels)));
        assert_eq!(facts["format"]["duration"], json!("12.360000"));
        sizes.push(fs::metadata(&output)?.len());
    }
    assert!(sizes.is_sorted() && sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
    Ok(())
}

#[test]
fn damage_behind_the_end_of_a_video_is_no_loss() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("out.mp4");
    let early = convert("vnc-truncated", &output, &["--to", "5", "--profile", "fast"])?;
    assert_eq!((early.code(), early.stderr.as_str()), (Some(0), ""));
    assert_eq!(probed(&output)?["format"]["duration"], json!("5.000000"));
    Ok(())
}

#[test]
fn times_that_make_no_video_are_refused_in_one_sentence() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("out.mp4");
    for (options, code, said) in [
        (
            &["--from", "1:00"][..],
            1,
            "custody: the video would begin at 60.000 s, expected a time within the recording, which lasts 12.360 s\n",
        ),
        (
            &["--from", "8", "--to", "7500ms"],
            1,
            "custody: the video would begin at 8.000 s and end at 7.500 s, expected an end behind its beginning\n",
        ),
        (
            &["--skip-idle", "long"],
            2,
            "error: invalid value 'long' for '--skip-idle <TIME>': expected a time such as",
        ),
    ] {
        let refused = convert("write-existing.before-overwrite", &output, options)?;
        assert_eq!(refused.code(), Some(code), "{options:?}");
        assert!(refused.stderr.starts_with(said), "{}", refused.stderr);
        assert!(!output.exists(), "{options:?}");
    }
    Ok(())
}
