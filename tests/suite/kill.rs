//! A member that is killed at any instant keeps what it acknowledged.

use harness::Kills;

const SEED: u64 = 20_261_121;

#[test]
fn what_was_acknowledged_survives_kills_at_work_and_in_recovery() -> anyhow::Result<()> {
    let outcome = Kills { seed: SEED, kills: 5 }.run()?;
    assert_eq!(outcome.losses, Vec::<String>::new(), "seed {SEED}");
    assert_eq!((outcome.at_work, outcome.verdicts.len()), (5, 5), "seed {SEED}");
    let compared = outcome.verdicts.iter().all(|verdict| verdict.lines > 0 && verdict.bytes > 0);
    assert!(compared, "seed {SEED}: {outcome:?}");
    Ok(())
}
