//! Recordings and videos come to all members that are to hold them, also to one that was away or takes a lost one's place.

use harness::Synchronisation;

const SEED: u64 = 20_261_122;
const RECORDINGS: u64 = 4;
const WHILE_AWAY: u64 = 2;

#[test]
fn recordings_and_videos_come_to_all_members_without_an_order_and_an_independent_script_agrees()
-> anyhow::Result<()> {
    let run = Synchronisation { seed: SEED, recordings: RECORDINGS, while_away: Some(WHILE_AWAY) };
    let outcome = run.run()?;
    assert_eq!(outcome.faults(), Vec::<String>::new(), "{outcome:?}");
    assert_eq!(outcome.made, RECORDINGS + WHILE_AWAY);
    assert_eq!((outcome.away.objects, outcome.replaced.objects), (2 * WHILE_AWAY, 2 * outcome.made));
    // Each has a chunk and a manifest on three members, and so has its video.
    assert!(outcome.agreement.copies >= 12 * outcome.made, "{outcome:?}");
    Ok(())
}
