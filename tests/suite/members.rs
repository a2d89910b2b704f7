//! Three members keep what any of them acknowledged, whatever becomes of their processes, links, disks and clocks.

use harness::{Fault, Members};

const SEED: u64 = 20_261_122;

/// One of each kind.
const FAULTS: u64 = 10;

#[test]
fn what_any_member_acknowledged_is_on_every_member_after_faults_of_processes_links_disks_and_clocks()
-> anyhow::Result<()> {
    let outcome = Members { seed: SEED, faults: FAULTS }.run()?;
    assert_eq!(outcome.losses, Vec::<String>::new(), "seed {SEED}");
    let struck: Vec<_> = outcome.history.iter().map(|struck| struck.fault).collect();
    assert!(Fault::ALL.iter().all(|fault| struck.contains(fault)), "seed {SEED}: {struck:?}");
    assert_eq!(outcome.flips, (1, 1), "seed {SEED}: a changed chunk is replaced");
    let compared = outcome.verdicts.iter().all(|verdict| verdict.lines > 0 && verdict.bytes > 0);
    assert!(compared, "seed {SEED}: {outcome:?}");
    Ok(())
}
