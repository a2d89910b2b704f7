//! A member whose machine loses power keeps what it acknowledged.

use harness::{PowerCuts, Syncs};

const SEED: u64 = 20_261_121;

#[test]
fn what_was_acknowledged_survives_power_cuts() -> anyhow::Result<()> {
    let outcome = PowerCuts { seed: SEED, cuts: 3, syncs: Syncs::Done }.run()?;
    assert_eq!(outcome.losses, Vec::<String>::new(), "seed {SEED}");
    assert_eq!(outcome.verdicts.len(), 3);
    // What is not there cannot be lost.
    let compared = outcome.verdicts.iter().all(|verdict| verdict.lines > 0 && verdict.bytes > 0);
    assert!(compared && outcome.acknowledged > 0, "seed {SEED}: {outcome:?}");
    // The first cut meets a member at work, so that nothing of its catalog's store may be trusted. A later one may come
    // before a member that had stopped in order touches its store again.
    let rebuilt = outcome.verdicts.first().is_some_and(|verdict| verdict.rebuilt.is_some());
    assert!(rebuilt, "seed {SEED}: {outcome:?}");
    Ok(())
}

/// The tests of the test above: with a disk that drops syncs, the same cuts must be seen to lose something.
fn assert_a_loss_is_seen(syncs: Syncs) -> anyhow::Result<()> {
    for seed in SEED..SEED + 4 {
        let outcome = PowerCuts { seed, cuts: 1, syncs }.run()?;
        assert!(outcome.acknowledged > 0, "seed {seed}");
        if !outcome.losses.is_empty() {
            return Ok(());
        }
    }
    anyhow::bail!(
        "power cuts from seed {SEED} on lost nothing of a member with syncs {syncs:?}: they prove nothing"
    );
}

#[test]
fn without_fsync_a_power_cut_loses_what_was_acknowledged() -> anyhow::Result<()> {
    assert_a_loss_is_seen(Syncs::Dropped)
}

#[test]
fn without_fsync_of_bytes_a_power_cut_loses_what_was_acknowledged() -> anyhow::Result<()> {
    assert_a_loss_is_seen(Syncs::DroppedOfBytes)
}

#[test]
fn without_fsync_of_facts_a_power_cut_loses_what_was_acknowledged() -> anyhow::Result<()> {
    assert_a_loss_is_seen(Syncs::DroppedOfFacts)
}
