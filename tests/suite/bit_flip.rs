//! One byte that changes on a member's disk: it is told, and nothing wrong is given out.

use anyhow::Context;
use harness::{Acknowledged, Subject, Syncs, scratch_folder};
use std::fs;
use std::path::{Path, PathBuf};

const SEED: u64 = 20_261_121;
/// Enough for a log of many frames and for closed chunks.
const LINES: u64 = 120;
/// The longest frame that a member at work writes here: a few entries of 4 KiB at most.
const FRAME_BYTES_MAX: u64 = 64 << 10;

fn subject(folder: &tempfile::TempDir) -> Subject {
    let boot_id = "the only one".to_owned();
    Subject { folder: folder.path().join("member"), seed: SEED, boot_id, syncs: Syncs::Done }
}

/// A member that has worked and stopped in order.
fn stopped(subject: &Subject) -> anyhow::Result<Vec<Acknowledged>> {
    subject.append(0, Some(LINES))?.stopped()
}

/// Changes the byte in the middle of a file; returns where.
fn flip(file: &Path) -> anyhow::Result<u64> {
    let mut bytes = fs::read(file)?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).context("a file with a middle")? ^= 0x10;
    fs::write(file, bytes)?;
    Ok(u64::try_from(middle)?)
}

/// The largest file in a folder and those below it.
fn largest_file(folder: &Path) -> anyhow::Result<PathBuf> {
    let (mut folders, mut largest) = (vec![folder.to_owned()], None);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => folders.push(entry.path()),
                false => largest = largest.max(Some((entry.metadata()?.len(), entry.path()))),
            }
        }
    }
    Ok(largest.with_context(|| format!("no file in {}", folder.display()))?.1)
}

/// Flips a byte of the log; the member must not start and must say where.
fn assert_the_log_is_refused(subject: &Subject, acknowledged: &[Acknowledged]) -> anyhow::Result<()> {
    let log = largest_file(&subject.folder.join("facts/log"))?;
    let segment = log.file_stem().and_then(|name| name.to_str()).context("a segment has a name")?;
    let flipped = flip(&log)?;
    let refused = subject.verify(acknowledged, false).expect_err("a damaged log was taken").to_string();
    let said = format!("the raft log is damaged in segment {segment} at byte ");
    let (_, rest) = refused.split_once(&said).with_context(|| refused.clone())?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    // What is named is the frame that holds the byte.
    let offset: u64 = digits.parse().with_context(|| refused.clone())?;
    assert!((flipped.saturating_sub(FRAME_BYTES_MAX)..=flipped).contains(&offset), "{flipped}: {refused}");
    Ok(())
}

#[test]
fn after_a_stop_a_flipped_byte_in_the_middle_of_the_log_is_refused_by_its_place() -> anyhow::Result<()> {
    let folder = scratch_folder()?;
    let subject = subject(&folder);
    let acknowledged = stopped(&subject)?;
    assert!(subject.verify(&acknowledged, false)?.is_whole(), "before the flip");
    assert_the_log_is_refused(&subject, &acknowledged)
}

#[test]
fn after_a_kill_a_flipped_byte_in_the_middle_of_the_log_is_refused_by_its_place() -> anyhow::Result<()> {
    let folder = scratch_folder()?;
    let subject = subject(&folder);
    let mut member = subject.append(0, None)?;
    member.wait_lines(usize::try_from(LINES)?)?;
    let acknowledged = member.kill()?;
    assert_the_log_is_refused(&subject, &acknowledged)
}

#[test]
fn a_flipped_byte_in_a_closed_chunk_is_an_error_and_never_another_byte() -> anyhow::Result<()> {
    let folder = scratch_folder()?;
    let subject = subject(&folder);
    let acknowledged = stopped(&subject)?;
    flip(&largest_file(&subject.folder.join("bytes/chunks"))?)?;
    let verdict = subject.verify(&acknowledged, false)?;
    assert_eq!(verdict.wrong, Vec::<String>::new());
    assert!(!verdict.missing.is_empty(), "a damaged chunk was read");
    let is_typed = |missing: &String| missing.contains("is not as it was written");
    assert!(verdict.missing.iter().all(is_typed), "{:#?}", verdict.missing);
    Ok(())
}
