//! Members come and go while recorders, readers and conversions are at work.

use harness::Moves;

const SEED: u64 = 20_261_122;

#[test]
fn a_member_that_is_drained_and_one_that_dies_are_followed_by_others_under_load_and_nothing_is_lost_or_fails()
-> anyhow::Result<()> {
    let outcome = Moves { seed: SEED, drains: 1, deaths: 1 }.run()?;
    assert_eq!(outcome.faults(), Vec::<String>::new(), "{outcome:?}");
    assert_eq!((outcome.drained.count, outcome.joined.count, outcome.replaced.count), (1, 1, 1));
    let load = &outcome.load;
    assert!(load.reads > 50 && load.videos > 2 && load.acknowledged_bytes > 1 << 20, "{outcome:?}");
    Ok(())
}
