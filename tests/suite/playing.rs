//! Fragmented MP4: a video that plays while it is made.

use anyhow::ensure;
use harness::{Custody, Running, next_box, playing, recording, wait_until};
use std::fs;
use std::io::{ErrorKind, PipeReader, Read};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The first fragment is coded in less time.
const FRAGMENT_LIMIT: Duration = Duration::from_secs(120);

/// A conversion whose video comes through a pipe, that holds far less than all of it.
fn piped(input: &Path, options: &[&str]) -> anyhow::Result<(Running, PipeReader)> {
    let (reader, writer) = std::io::pipe()?;
    let mut command = Custody::new([Path::new("convert"), input, Path::new("-o"), Path::new("-")])?;
    for option in options {
        command = command.arg(option);
    }
    Ok((command.output(writer).start()?, reader))
}

/// The boxes of a file that are there from their first to their last byte.
fn whole_boxes(mut video: &[u8]) -> Vec<(String, Vec<u8>)> {
    std::iter::from_fn(|| next_box(&mut video).ok()).collect()
}

/// What ffprobe finds in the first stream of a file.
fn probed(video: &Path) -> anyhow::Result<String> {
    let entries = ["-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(entries).arg(video).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The hashes of the pictures that ffmpeg finds in a file, in order.
fn pictures(video: &Path) -> anyhow::Result<Vec<String>> {
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(video)
        .args(["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"])
        .output()?;
    let complaints = String::from_utf8_lossy(&decoded.stderr).into_owned();
    assert!(decoded.status.success() && complaints.is_empty(), "{complaints}");
    let lines = String::from_utf8(decoded.stdout)?;
    let hash = |line: &str| line.rsplit(',').next().map(|hash| hash.trim().to_owned());
    Ok(lines.lines().filter(|line| !line.starts_with('#')).filter_map(hash).collect())
}

#[test]
fn the_first_fragment_plays_while_the_conversion_waits_to_write_the_rest() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (begun, whole) = (folder.path().join("begun.mp4"), folder.path().join("whole.mp4"));
    let (mut running, mut video) = piped(&recording("ssh-terminal")?.path(), &["--quiet"])?;
    let mut bytes = Vec::new();
    for expected in ["ftyp", "moov", "moof", "mdat"] {
        let (kind, content) = next_box(&mut video)?;
        assert_eq!(kind, expected);
        bytes.extend(content);
    }
    fs::write(&begun, &bytes)?;
    let seen = pictures(&begun)?;
    // Nobody has read the second fragment, for which the pipe has no room.
    assert!(!running.has_ended()?);
    let (kind, content) = next_box(&mut video)?;
    assert_eq!(kind, "moof");
    bytes.extend(content);
    video.read_to_end(&mut bytes)?;
    assert_eq!(running.wait()?.code(), Some(0));
    fs::write(&whole, &bytes)?;
    let all = pictures(&whole)?;
    assert!(
        seen.len() > 100 && seen.len() < all.len() && all.starts_with(&seen),
        "{} of {}",
        seen.len(),
        all.len()
    );
    Ok(())
}

#[test]
fn a_video_is_read_from_any_member_while_one_of_them_makes_it() -> anyhow::Result<()> {
    let outcome = playing()?;
    assert!(outcome.is_broken_off, "what will not become a video is no whole answer");
    assert_eq!(outcome.begun, vec![["ftyp", "moov", "moof", "mdat"]; 3]);
    assert_eq!(outcome.told, vec![("pending".into(), true.into()); 3], "what was read was not all of it");
    assert_eq!(outcome.is_whole, [true; 3]);
    assert_eq!(outcome.is_ranged, [true; 3]);
    assert_eq!(outcome.refused, [[404, 403], [404, 403]]);
    Ok(())
}

#[test]
fn what_is_copied_from_the_growing_file_plays_and_is_how_the_whole_one_begins() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let [output, growing, copied, begun] =
        ["out.mp4", "out.mp4.part", "copied.mp4", "begun.mp4"].map(|name| folder.path().join(name));
    // Two segments: one worker needs as long for the second as it did for the first.
    let input = recording("ssh-terminal")?.path();
    let options = ["--container", "fragmented-mp4", "--quiet", "--workers", "1"];
    let command = Custody::new([Path::new("convert"), &input, Path::new("-o"), &output])?;
    let mut running = options.iter().fold(command, |command, option| command.arg(option)).start()?;
    let (mut copy, mut boxes) = (Vec::new(), Vec::new());
    wait_until("a whole fragment in the growing file", FRAGMENT_LIMIT, || {
        ensure!(!running.has_ended()?, "the conversion ended before a fragment of its file was seen");
        copy = match fs::read(&growing) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        boxes = whole_boxes(&copy);
        Ok(boxes.len() >= 4)
    })?;
    assert!(!output.exists() && !running.has_ended()?, "the conversion was over when its file was copied");
    let kinds: Vec<_> = boxes.iter().map(|(kind, _)| kind.as_str()).collect();
    assert!(kinds.starts_with(&["ftyp", "moov", "moof", "mdat"]), "{kinds:?}");
    fs::write(&copied, &copy)?;
    fs::write(&begun, boxes.into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<_>>())?;
    let (stream, seen) = (probed(&copied)?, pictures(&begun)?);

    let ended = running.wait()?;
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let whole = fs::read(&output)?;
    let lengths = format!("{} of {} bytes were there", copy.len(), whole.len());
    assert!(copy.len() < whole.len() && whole.starts_with(&copy), "{lengths}");
    assert!(!growing.exists(), "the growing file is left");
    let all = pictures(&output)?;
    assert_eq!(stream, probed(&output)?);
    assert!(
        seen.len() > 100 && seen.len() < all.len() && all.starts_with(&seen),
        "{} of {}",
        seen.len(),
        all.len()
    );
    Ok(())
}

#[test]
fn a_video_through_a_pipe_is_that_of_the_file_with_any_number_of_workers() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("out.mp4");
    for name in ["rdp-audio", "ssh-terminal"] {
        let input = recording(name)?.path();
        let options = ["--container", "fragmented-mp4", "--quiet", "--keystrokes", "--workers"];
        let command = Custody::new([Path::new("convert"), &input, Path::new("-o"), &output])?;
        let ended = options.iter().fold(command, |command, option| command.arg(option)).arg("1").run()?;
        assert_eq!(ended.code(), Some(0), "{name}: {}", ended.stderr);
        let file = fs::read(&output)?;
        for workers in ["1", "4"] {
            let (running, mut video) = piped(&input, &["--quiet", "--keystrokes", "--workers", workers])?;
            let mut bytes = Vec::new();
            video.read_to_end(&mut bytes)?;
            assert_eq!(running.wait()?.code(), Some(0), "{name}");
            assert!(bytes == file, "{name}: another video of {workers} workers");
        }
    }
    assert_eq!(fs::read_dir(folder.path())?.count(), 1, "nothing else is left");
    Ok(())
}

#[test]
fn who_reads_no_further_ends_the_conversion() -> anyhow::Result<()> {
    let (running, video) = piped(&recording("ssh-terminal")?.path(), &["--quiet"])?;
    drop(video);
    let ended = running.wait()?;
    assert_eq!(ended.code(), Some(1));
    assert_eq!(ended.stderr, "custody: cannot write the video: Broken pipe (os error 32)\n");
    Ok(())
}

#[test]
fn where_drawing_costs_too_much_the_video_ends_and_its_bytes_are_the_same() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("in.guac");
    fs::write(&input, too_costly_from(75))?;
    let mut videos = Vec::new();
    for workers in ["1", "4"] {
        let (running, mut video) = piped(&input, &["--quiet", "--workers", workers])?;
        let mut bytes = Vec::new();
        video.read_to_end(&mut bytes)?;
        let ended = running.wait()?;
        assert_eq!(ended.code(), Some(3), "{}", ended.stderr);
        assert!(ended.stderr.contains("TIMEBUDGET"), "{}", ended.stderr);
        videos.push((bytes, ended.stderr));
    }
    assert!(videos[0] == videos[1], "another video of 4 workers");
    let output = folder.path().join("out.mp4");
    fs::write(&output, &videos[0].0)?;
    // Some frames after the first of those that cost so much.
    let shown = pictures(&output)?.len();
    assert!((76..100).contains(&shown), "{shown} pictures");
    Ok(())
}

/// A recording of 100 frames that all change everywhere, so that there are two segments. From one of them on, large buffers are
/// combined that nobody sees.
fn too_costly_from(frame: u32) -> String {
    let mut text = String::new();
    let mut put = |elements: &[&str]| {
        let elements: Vec<_> = elements.iter().map(|text| format!("{}.{text}", text.len())).collect();
        text.push_str(&format!("{};", elements.join(",")));
    };
    put(&["size", "0", "160", "120"]);
    put(&["size", "-5", "4096", "2304"]);
    put(&["size", "-6", "4096", "2304"]);
    for number in 0..100_u32 {
        put(&["rect", "0", "0", "0", "160", "120"]);
        put(&["cfill", "14", "0", &(number * 53 % 256).to_string(), &number.to_string(), "60", "255"]);
        for _ in 0..if number >= frame { 12 } else { 0 } {
            put(&["transfer", "-5", "0", "0", "4096", "2304", "6", "-6", "0", "0"]);
        }
        put(&["sync", &(1_000 + number * 70).to_string()]);
    }
    text
}
