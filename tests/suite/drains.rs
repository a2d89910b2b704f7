//! A member is drained and taken back while recorders and viewers go on.

use harness::Drains;
use serde_json::json;

const SEED: u64 = 20_261_122;
const RECORDINGS: u64 = 12;

#[test]
fn a_drained_member_holds_nothing_and_nothing_is_lost_or_fails_meanwhile() -> anyhow::Result<()> {
    let outcome = Drains { seed: SEED, recordings: RECORDINGS }.run()?;
    assert_eq!(outcome.wrong, Vec::<String>::new());
    let [before, gone, again] = outcome.files;
    assert!(before > 0 && gone == 0 && again > 0, "{outcome:?}");
    let drained = json!({
        "state": "drained", "settled": true, "chunks": 0, "bytes": 0, "open": 0, "reason": null
    });
    assert_eq!(outcome.drained, drained);
    assert!(outcome.was_refused, "{outcome:?}");
    assert!(outcome.reads > 100 && outcome.appends > 100, "{outcome:?}");
    assert_eq!(outcome.synced, usize::try_from(RECORDINGS)? + 4);
    Ok(())
}
