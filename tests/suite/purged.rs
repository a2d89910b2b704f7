//! Once a session is said to be purged, nothing of its keys is left in any file of any member.

use harness::purges;

#[test]
fn once_a_session_is_purged_its_wrapped_keys_are_in_no_file_of_any_member() -> anyhow::Result<()> {
    let outcome = purges()?;
    assert!(outcome.before.iter().all(|count| *count >= 2), "{outcome:?}");
    assert_eq!(outcome.after, [0, 0, 0]);
    assert!(outcome.purged_ms <= outcome.complete_ms && outcome.purged_ms > 0, "{outcome:?}");
    assert_eq!(outcome.keks, [1, 1, 1]);
    assert_eq!(outcome.is_whole, [true; 3]);
    Ok(())
}
