use super::*;

fn put_if(condition: Condition, value: u64) -> Command {
    let row = Tagged::Parameter("replicas".to_owned());
    let command = Box::new(put("replicas", ParameterValue::Number(value)));
    Command::OnlyIf(OnlyIf { row, condition, command })
}

fn rule(days: Option<u64>) -> Command {
    let scope = RetentionScope::Device("db".to_owned());
    Command::PutRetention(PutRetention { scope, retention: days.map(Retention::Days), by: "ada".to_owned() })
}

#[test]
fn of_two_changes_of_one_row_the_first_is_made() {
    let mut world = World::new();
    let row = Tagged::Parameter("replicas".to_owned());
    let unset = world.catalog.tag(&row).unwrap().unwrap();
    assert_eq!(unset.to_string(), "0000000000000000");
    assert_eq!(world.done(put_if(Condition::Tag(unset), 2)), Outcome::Version(1));
    assert_eq!(world.refused(put_if(Condition::Tag(unset), 5)), Refusal::ConditionFailed);
    let set = world.catalog.tag(&row).unwrap().unwrap();
    assert_eq!(RowTag::from_text(&set.to_string()), Some(set));
    // Both stand in one entry of the log, as when two members proposed them at once.
    let both = [put_if(Condition::Tag(set), 3), put_if(Condition::Tag(set), 4)];
    let requests = both.map(|command| Request { id: None, command }).to_vec();
    let applied = world.entry(CommandEntry::Requests(requests));
    assert_eq!(applied, [Ok(Outcome::Version(2)), Err(Refusal::ConditionFailed)]);
    assert_eq!(world.done(put_if(Condition::Present, 5)), Outcome::Version(3));
}

#[test]
fn a_row_that_came_back_has_another_tag() {
    let mut world = World::new();
    let row = Tagged::Retention(RetentionScope::Device("db".to_owned()));
    let only_if = |condition, command: Command| {
        Command::OnlyIf(OnlyIf { row: row.clone(), condition, command: Box::new(command) })
    };
    assert_eq!(world.catalog.tag(&row).unwrap(), None);
    assert_eq!(world.refused(only_if(Condition::Present, rule(Some(7)))), Refusal::ConditionFailed);
    world.done(only_if(Condition::Absent, rule(Some(7))));
    assert_eq!(world.refused(only_if(Condition::Absent, rule(Some(7)))), Refusal::ConditionFailed);
    let first = world.catalog.tag(&row).unwrap().unwrap();
    world.done(only_if(Condition::Tag(first), rule(None)));
    world.clock(1);
    world.done(only_if(Condition::Absent, rule(Some(7))));
    assert_eq!(world.refused(only_if(Condition::Tag(first), rule(None))), Refusal::ConditionFailed);
}

#[test]
fn conditions_and_keys_stand_in_nothing_but_a_change_with_a_name() {
    let mut world = World::new();
    let nested = |command: Command| {
        let row = Tagged::Role("PAM Auditor".to_owned());
        Command::OnlyIf(OnlyIf { row, condition: Condition::Present, command: Box::new(command) })
    };
    assert_eq!(world.refused(nested(nested(Command::Seed))), Refusal::AskedTwice);
    assert_eq!(world.refused(nested(once::once(1, 1, Command::Seed))), Refusal::AskedTwice);
    assert_eq!(world.refused(once::once(1, 1, nested(Command::Seed))), Refusal::AskedTwice);
}

#[test]
fn texts_that_are_no_tags_are_none() {
    for text in ["", "0", "000000000000000G", "+000000000000000", "00000000000000000", "ABCDEF0123456789"] {
        assert_eq!(RowTag::from_text(text), None, "{text}");
    }
}
