//! Copies that are damaged or deleted on a member's disk are found, never given out, and mended from the others.

use harness::Repairs;

const SEED: u64 = 20_261_122;
const RECORDINGS: u64 = 20;
const FLIPS: u64 = 24;
const DELETIONS: u64 = 6;

#[test]
fn changed_and_deleted_copies_are_found_not_served_and_repaired_and_an_independent_script_agrees()
-> anyhow::Result<()> {
    let hurt = Repairs { seed: SEED, recordings: RECORDINGS, flips: FLIPS, deletions: DELETIONS };
    let outcome = hurt.run()?;
    assert_eq!((outcome.bad, outcome.repaired, outcome.fetched), (FLIPS, FLIPS, DELETIONS), "{outcome:?}");
    assert!(outcome.manifests > 0 && outcome.reads >= usize::try_from(RECORDINGS)?, "{outcome:?}");
    assert_eq!((outcome.wrong, outcome.unlike), (Vec::<String>::new(), Vec::<String>::new()));
    assert_eq!(outcome.hurt.disagreements, Vec::<String>::new());
    assert!(outcome.hurt.states["bad"] > 0 && outcome.hurt.states["missing"] > 0, "{:?}", outcome.hurt);
    assert_eq!(outcome.whole.disagreements, Vec::<String>::new());
    assert_eq!((outcome.whole.states["good"], outcome.whole.synced), (outcome.whole.copies, RECORDINGS));
    Ok(())
}
