//! A member whose machine loses power keeps what it acknowledged.

use harness::{PowerCuts, PowerCutsOutcome};

const SEED: u64 = 20_261_121;

#[test]
fn what_was_acknowledged_survives_power_cuts() -> anyhow::Result<()> {
    let outcome = PowerCuts { seed: SEED, cuts: 3, is_synced: true }.run()?;
    assert_eq!(outcome.losses, Vec::<String>::new(), "seed {SEED}");
    assert_eq!(outcome.verdicts.len(), 3);
    // What is not there cannot be lost.
    let compared = outcome.verdicts.iter().all(|verdict| verdict.lines > 0 && verdict.bytes > 0);
    assert!(compared && outcome.acknowledged > 0, "seed {SEED}: {outcome:?}");
    // The machine was another one each time, so that nothing of the catalog's store was trusted.
    assert!(outcome.verdicts.iter().all(|verdict| verdict.rebuilt.is_some()), "seed {SEED}: {outcome:?}");
    Ok(())
}

/// The test of the test above: with a disk that does not sync, the same cuts must be seen to lose something.
#[test]
fn without_fsync_a_power_cut_loses_what_was_acknowledged() -> anyhow::Result<()> {
    for seed in SEED..SEED + 3 {
        let PowerCutsOutcome { acknowledged, losses, .. } =
            PowerCuts { seed, cuts: 1, is_synced: false }.run()?;
        assert!(acknowledged > 0, "seed {seed}");
        if !losses.is_empty() {
            return Ok(());
        }
    }
    panic!(
        "three power cuts from seed {SEED} lost nothing of a member that never synced: they prove nothing"
    );
}
