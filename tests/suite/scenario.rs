//! What a portal does with a session, from its first byte to its tombstone.

#[test]
fn a_session_is_recorded_shown_converted_held_and_purged_through_the_api_of_three_members()
-> anyhow::Result<()> {
    let steps = harness::scenario()?;
    assert_eq!(steps.len(), 11, "{steps:#?}");
    Ok(())
}
