//! `custody inspect`: what a recording holds.

use anyhow::Context;
use harness::{Custody, Ended, Recording, recordings};
use serde_json::{Value, json};
use std::ffi::OsStr;

/// What fits an ordinary terminal.
const LINE_COLUMNS_MAX: usize = 80;

fn inspect(recording: &Recording, options: &[&str]) -> anyhow::Result<Ended> {
    let path = recording.path();
    let command = Custody::new([OsStr::new("inspect"), path.as_ref()])?;
    options.iter().fold(command, |command, option| command.arg(option)).run()
}

fn told(recording: &Recording) -> anyhow::Result<Value> {
    let inspected = inspect(recording, &["--json"])?;
    serde_json::from_str(&inspected.stdout).context(recording.name.clone())
}

/// All typed text of an inspection.
fn typed_in(told: &Value) -> anyhow::Result<String> {
    let batches = told["keystrokes"].as_array().context("keystrokes")?;
    batches.iter().map(|batch| batch["text"].as_str().context("a text")).collect()
}

#[test]
fn inspect_tells_the_known_facts_of_every_recording() -> anyhow::Result<()> {
    for recording in recordings()? {
        let inspected = inspect(&recording, &["--json"])?;
        let told: Value = serde_json::from_str(&inspected.stdout).context(recording.name.clone())?;
        let sizes: Vec<_> = recording
            .sizes
            .iter()
            .map(|size| json!({ "at_ms": size.at_ms, "width": size.width, "height": size.height }))
            .collect();
        let actual = json!({
            "bytes": told["bytes"],
            "sync_count": told["sync_count"],
            "sizes": told["sizes"],
            "key_presses": told["key_presses"],
            "sound": told["sound"],
            "position": told["ending"]["position"],
        });
        let expected = json!({
            "bytes": recording.bytes,
            "sync_count": recording.syncs,
            "sizes": sizes,
            "key_presses": recording.key_presses,
            "sound": recording.sound,
            "position": recording.unparsable_from,
        });
        assert_eq!(actual, expected, "{}", recording.name);
        let damaged = recording.unparsable_from.is_some();
        assert_eq!(inspected.code(), Some(if damaged { 3 } else { 0 }), "{}", recording.name);
    }
    Ok(())
}

#[test]
fn inspect_says_in_words_how_a_recording_ends() -> anyhow::Result<()> {
    for (name, end) in [
        ("ssh-terminal", "end         whole"),
        ("vnc-truncated", "end         cut inside an instruction at byte 1365998"),
        (
            "write-existing",
            "end         damaged, 58283 bytes cannot be read: byte 22831: expected the length of an element, found byte 0x6b",
        ),
    ] {
        let inspected = inspect(&harness::recording(name)?, &[])?;
        let lines: Vec<_> = inspected.stdout.lines().collect();
        let (last, others) = lines.split_last().context("a summary")?;
        assert_eq!(*last, end);
        assert!(others.iter().all(|line| line.chars().count() <= LINE_COLUMNS_MAX), "{}", inspected.stdout);
    }
    Ok(())
}

#[test]
fn all_that_was_typed_is_told_in_order() -> anyhow::Result<()> {
    let mut found = 0;
    for recording in recordings()? {
        let log = typed_in(&told(&recording)?)?;
        let mut rest = log.as_str();
        for typed in recording.typed()? {
            let (_, behind) = rest
                .split_once(&typed.text)
                .with_context(|| format!("{}: {:?} in {rest:?}", recording.name, typed.text))?;
            rest = behind;
            found += 1;
        }
    }
    assert_eq!(found, 53, "all texts of tests/data");
    Ok(())
}

#[test]
fn a_batch_begins_when_its_first_text_was_typed() -> anyhow::Result<()> {
    /// The client notes the time before it sends the key.
    const LATE_MS_MAX: i64 = 100;
    // Without a picture the client counts from the connection, and Custody from the first key.
    for recording in recordings()?.iter().filter(|recording| recording.syncs > 0) {
        let told = told(recording)?;
        let first_ms = told["keystrokes"][0]["t_ms"].as_i64().context("a time")?;
        let typed_ms = recording.typed()?.first().context("a text")?.at_ms;
        assert!((0..=LATE_MS_MAX).contains(&(first_ms - typed_ms)), "{}: {first_ms} ms", recording.name);
    }
    Ok(())
}

#[test]
fn what_was_typed_is_only_in_the_json() -> anyhow::Result<()> {
    let recording = harness::recording("ssh-terminal")?;
    let secret = "S3cret!pass#1";
    assert!(typed_in(&told(&recording)?)?.contains(secret));
    let summary = inspect(&recording, &[])?;
    assert!(!summary.stdout.contains(secret) && !summary.stderr.contains(secret));
    assert!(summary.stdout.contains("504 keys pressed in 4 batches"), "{}", summary.stdout);
    Ok(())
}

#[test]
fn behind_damage_the_older_session_is_told_when_asked() -> anyhow::Result<()> {
    let recording = harness::recording("write-existing")?;
    let older = harness::recording("write-existing.before-overwrite")?;
    let inspected = inspect(&recording, &["--json", "--resync"])?;
    assert_eq!(inspected.code(), Some(3), "something is missing");
    let told: Value = serde_json::from_str(&inspected.stdout)?;
    assert_eq!(told["ending"], json!({ "kind": "whole" }));
    assert_eq!((&told["readable_bytes"], &told["skipped_bytes"]), (&json!(recording.bytes), &json!(3838)));
    let both = [recording.typed()?, older.typed()?].concat();
    let last = both.last().context("a text")?;
    let expected = format!("{}{}", both[0].text, last.text);
    assert_eq!(typed_in(&told)?, expected, "what was typed last is behind the damage");
    let gap = json!({
        "at_ms": 6067,
        "kind": "gap",
        "cause": "damage",
        "from_timestamp_ms": 4_043_954,
        "to_timestamp_ms": 4_024_962,
        "skipped": {
            "position": 22_831,
            "bytes": 3838,
            "reason": "byte 22831: expected the length of an element, found byte 0x6b",
        },
    });
    assert_eq!(told["markers"], json!([gap]));
    Ok(())
}
