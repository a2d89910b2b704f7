//! What takes two persons takes two, and who may no longer may nowhere.

use harness::{PersonsOutcome, persons};

#[test]
fn two_persons_are_two_and_ended_rights_end_on_every_member() -> anyhow::Result<()> {
    let everywhere = |status| vec![status; 3];
    let expected = PersonsOutcome {
        hold: [200, 409, 409, 200, 202],
        hold_states: ["release-asked".to_owned(), "released".to_owned()],
        approval: (everywhere(403), 409, 200, everywhere(200)),
        token: (everywhere(200), everywhere(401)),
        lock: (everywhere(200), 200, everywhere(401), 204),
        tries: (vec![401; 6], 429),
    };
    assert_eq!(persons()?, expected);
    Ok(())
}
