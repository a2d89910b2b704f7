//! The facts of many sessions are built again from a snapshot, found in any order, and reported.

use harness::ManySessions;

const SEED: u64 = 20_261_122;
const SESSIONS: u64 = 500;

#[test]
fn a_member_finds_its_way_in_the_facts_of_many_sessions() -> anyhow::Result<()> {
    let outcome = ManySessions { seed: SEED, sessions: SESSIONS }.run()?;
    assert!(outcome.lists.count > 0 && outcome.reports.count > 0, "{outcome:?}");
    assert!(outcome.compared > 0, "{outcome:?}");
    assert!(outcome.catalog_bytes > 0 && outcome.memory_kib > 0, "{outcome:?}");
    Ok(())
}
