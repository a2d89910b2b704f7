//! What a portal does with a session, from its first byte to its tombstone, and what two persons do at the same time.

use harness::Races;

#[test]
fn a_session_is_recorded_shown_converted_held_and_purged_through_the_api_of_three_members()
-> anyhow::Result<()> {
    let steps = harness::scenario()?;
    assert_eq!(steps.len(), 14, "{steps:#?}");
    Ok(())
}

#[test]
fn what_is_held_and_purged_at_the_same_time_is_either_and_every_view_has_its_leaf() -> anyhow::Result<()> {
    const SEED: u64 = 20_261_122;
    let outcome = Races { seed: SEED, sessions: 40 }.run()?;
    assert_eq!((outcome.wrong, outcome.without_leaf), (Vec::new(), 0), "seed {SEED}");
    assert_eq!((outcome.held + outcome.purged, outcome.waited), (40, 4), "seed {SEED}");
    Ok(())
}
