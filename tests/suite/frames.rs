//! `custody frame`: the picture that a person saw, beside what another client drew.

use anyhow::Context;
use harness::{Custody, Ended, Image, Pointer, Recording, psnr_db, recording, recordings};
use std::ffi::OsStr;
use std::path::Path;

/// A picture that differs from the reference by more than rounding is wrong.
const LEAST_DB: f64 = 45.0;

fn frame(recording: &Recording, at_ms: u64, options: &[&str], to: &Path) -> anyhow::Result<Ended> {
    let at = format!("{}.{:03}", at_ms / 1000, at_ms % 1000);
    let path = recording.path();
    let mut command = Custody::new([OsStr::new("frame"), path.as_ref(), "--at".as_ref(), at.as_ref()])?;
    for option in options {
        command = command.arg(option);
    }
    command.arg("--output").arg(to).run()
}

#[test]
fn a_frame_is_what_another_client_drew() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut compared = 0;
    for recording in recordings()? {
        for reference in recording.reference_frames()? {
            let at = format!("{} at {} ms", recording.name, reference.at_ms);
            let picture = folder.path().join("frame.png");
            let drawn = frame(&recording, reference.at_ms, &[], &picture)?;
            assert_eq!((drawn.code(), drawn.stderr.as_str()), (Some(0), ""), "{at}");
            let distance_db =
                psnr_db(&Image::read(&reference.file)?, &Image::read(&picture)?).context(at.clone())?;
            assert!(distance_db >= LEAST_DB, "{at}: {distance_db:.1} dB");
            compared += 1;
        }
    }
    assert_eq!(compared, 22, "all pictures of tests/data");
    Ok(())
}

#[test]
fn without_the_pointer_only_the_pointer_is_gone() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (with, without) = (folder.path().join("with.png"), folder.path().join("without.png"));
    let mut gone = 0;
    for name in ["rdp-audio", "vnc-1.5.5", "vnc-truncated"] {
        let recording = recording(name)?;
        for reference in recording.reference_frames()? {
            assert_eq!(frame(&recording, reference.at_ms, &[], &with)?.code(), Some(0));
            assert_eq!(frame(&recording, reference.at_ms, &["--no-cursor"], &without)?.code(), Some(0));
            let (with, without) = (Image::read(&with)?, Image::read(&without)?);
            let changed: Vec<_> = (0..with.pixels.len())
                .filter(|index| with.pixels[*index] != without.pixels[*index])
                .map(|index| (index % with.width, index / with.width))
                .collect();
            let outside = changed.iter().find(|(x, y)| !is_under(&reference.cursor, *x, *y));
            assert_eq!(outside, None, "{name} at {} ms", reference.at_ms);
            gone += changed.len();
        }
    }
    assert!(gone > 0, "a pointer was on one of the pictures");
    Ok(())
}

/// Whether a pixel lies under the image of the pointer.
fn is_under(pointer: &Pointer, x: usize, y: usize) -> bool {
    let inside = |at: usize, start: i64, length: i64| {
        i64::try_from(at).is_ok_and(|at| (start..start + length).contains(&at))
    };
    pointer.shown
        && inside(x, pointer.x - pointer.hotspot_x, pointer.width)
        && inside(y, pointer.y - pointer.hotspot_y, pointer.height)
}

#[test]
fn a_time_behind_the_end_gives_the_last_picture() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let recording = recording("write-existing.before-overwrite")?;
    let (last, behind) = (folder.path().join("last.png"), folder.path().join("behind.png"));
    assert_eq!(frame(&recording, 12_360, &[], &last)?.code(), Some(0));
    assert_eq!(frame(&recording, 99_999_999, &[], &behind)?.code(), Some(0));
    assert_eq!(Image::read(&last)?, Image::read(&behind)?);
    Ok(())
}

#[test]
fn a_time_behind_the_damage_gives_the_last_readable_picture_and_says_so() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let picture = folder.path().join("frame.png");
    let drawn = frame(&recording("write-existing")?, 60_000, &[], &picture)?;
    assert_eq!(drawn.code(), Some(3));
    assert!(drawn.stderr.contains("byte 22831"), "{}", drawn.stderr);
    assert_eq!(Image::read(&picture)?.width, 800);
    Ok(())
}

#[test]
fn without_a_picture_there_is_one_sentence_and_no_file() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let picture = folder.path().join("frame.png");
    let drawn = frame(&recording("exclude-output")?, 1_000, &[], &picture)?;
    let said = "custody: UNSUPPORTED: the recording shows no picture at that time or before it\n";
    assert_eq!((drawn.code(), drawn.stderr.as_str(), picture.exists()), (Some(1), said, false));
    Ok(())
}

#[test]
fn a_time_that_is_no_time_is_refused() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let picture = folder.path().join("frame.png");
    let recording = recording("write-existing")?;
    for at in ["noon", "1:75", "-1", ""] {
        let path = recording.path();
        let refused = Custody::new([OsStr::new("frame"), path.as_ref()])?
            .arg(format!("--at={at}"))
            .arg("--output")
            .arg(&picture)
            .run()?;
        assert_eq!(refused.code(), Some(2), "{at}");
        assert!(refused.stderr.contains("expected a time such as 90, 12.3"), "{}", refused.stderr);
    }
    assert!(!picture.exists());
    Ok(())
}

#[test]
fn behind_damage_the_older_session_is_shown_when_asked() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (found, older) = (folder.path().join("found.png"), folder.path().join("older.png"));
    let drawn = frame(&recording("write-existing")?, 60_000, &["--resync"], &found)?;
    let said = "custody: PARTIAL up to 15.212 s: MALFORMED: 3838 bytes cannot be read: the picture lacks what they drew\n";
    assert_eq!((drawn.code(), drawn.stderr.as_str()), (Some(3), said));
    assert_eq!(frame(&recording("write-existing.before-overwrite")?, 60_000, &[], &older)?.code(), Some(0));
    let distance_db = psnr_db(&Image::read(&found)?, &Image::read(&older)?)?;
    assert!(distance_db >= LEAST_DB, "{distance_db:.1} dB");
    Ok(())
}
