//! Three members keep what any of them acknowledged, whatever becomes of their processes.

use harness::Members;

const SEED: u64 = 20_261_122;

#[test]
fn what_any_member_acknowledged_is_on_every_member_after_kills_and_stops() -> anyhow::Result<()> {
    let outcome = Members { seed: SEED, faults: 6 }.run()?;
    assert_eq!(outcome.losses, Vec::<String>::new(), "seed {SEED}");
    assert_eq!(outcome.faults.values().sum::<u64>(), 6, "seed {SEED}");
    let compared = outcome.verdicts.iter().all(|verdict| verdict.lines > 0 && verdict.bytes > 0);
    assert!(compared, "seed {SEED}: {outcome:?}");
    Ok(())
}
