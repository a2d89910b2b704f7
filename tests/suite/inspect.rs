//! `custody inspect`: what a recording holds.

use anyhow::Context;
use harness::{Custody, recordings};
use serde_json::{Value, json};
use std::ffi::OsStr;

#[test]
fn inspect_tells_the_known_facts_of_every_recording() -> anyhow::Result<()> {
    for recording in recordings()? {
        let path = recording.path();
        let inspected = Custody::new([OsStr::new("inspect"), path.as_ref(), "--json".as_ref()])?.run()?;
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
        let path = harness::recording(name)?.path();
        let inspected = Custody::new([OsStr::new("inspect"), path.as_ref()])?.run()?;
        assert_eq!(inspected.stdout.lines().last(), Some(end));
    }
    Ok(())
}
