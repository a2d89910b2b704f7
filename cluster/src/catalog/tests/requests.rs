use super::*;

fn started(world: &mut World, member: MemberId) -> Incarnation {
    let outcome = world.done(Command::StartMember { member });
    let Outcome::Started(incarnation) = outcome else { panic!("{outcome:?}") };
    incarnation
}

fn days(days: u64) -> Command {
    put("retention_days", ParameterValue::Number(days))
}

#[test]
fn a_request_that_comes_again_has_its_first_outcome() {
    let mut world = World::new();
    let incarnation = started(&mut world, MEMBER);
    let id = |sequence| Some(RequestId { incarnation, sequence });
    assert_eq!(world.request(id(2), days(5)), Ok(Outcome::Version(1)));
    assert_eq!(world.request(id(1), days(6)), Ok(Outcome::Version(2)), "a late one is new all the same");
    for _ in 0..3 {
        assert_eq!(world.request(id(2), days(7)), Ok(Outcome::Version(1)));
    }
    let refused = world.request(id(3), days(0));
    assert!(refused.is_err());
    assert_eq!(world.request(id(3), days(8)), refused, "a refusal is kept too");
    assert_eq!(
        world.catalog.parameter(Parameter::named("retention_days").unwrap()).unwrap(),
        ParameterValue::Number(6)
    );
}

#[test]
fn the_last_outcomes_are_kept_and_older_ones_are_unknown() {
    let mut world = World::new();
    let incarnation = started(&mut world, MEMBER);
    let id = |sequence| Some(RequestId { incarnation, sequence });
    for sequence in 1..=OUTCOMES_KEPT + 2 {
        world.request(id(sequence), days(5)).unwrap();
    }
    assert_eq!(world.request(id(2), days(5)), Err(Refusal::OutcomeUnknown));
    assert_eq!(world.request(id(3), days(5)), Ok(Outcome::Version(3)));
    let kept = world.catalog.engine().scan(Tree::Outcomes, KeyRange::all(), usize::MAX).unwrap();
    assert_eq!(u64::try_from(kept.len()).unwrap(), OUTCOMES_KEPT);
    // A jump forgets all that is too old.
    world.request(id(9 * OUTCOMES_KEPT), days(5)).unwrap();
    assert_eq!(world.catalog.engine().scan(Tree::Outcomes, KeyRange::all(), usize::MAX).unwrap().len(), 1);
    assert_eq!(world.request(id(3), days(5)), Err(Refusal::OutcomeUnknown));
}

#[test]
fn a_new_incarnation_ends_the_one_before() {
    let mut world = World::new();
    let (first, other) = (started(&mut world, MEMBER), started(&mut world, OTHER));
    let id = |incarnation| Some(RequestId { incarnation, sequence: 1 });
    world.request(id(first), days(5)).unwrap();
    let second = started(&mut world, MEMBER);
    assert_ne!(first, second);
    assert_eq!(world.request(id(first), days(5)), Err(Refusal::IncarnationGone { member: MEMBER }));
    assert_eq!(world.request(id(second), days(5)), Ok(Outcome::Version(2)));
    assert_eq!(world.request(id(other), days(5)), Ok(Outcome::Version(3)));
}

#[test]
fn a_refused_request_leaves_nothing_but_its_refusal() {
    let mut world = World::new();
    let incarnation = started(&mut world, MEMBER);
    world.done(Command::OpenSession(session(RECORDING)));
    let before = world.catalog.dump(None).unwrap();
    let again =
        world.request(Some(RequestId { incarnation, sequence: 1 }), Command::OpenSession(session(RECORDING)));
    assert_eq!(again, Err(Refusal::RecordingExists { recording: RECORDING }));
    let changed: Vec<_> =
        world.catalog.dump(None).unwrap().into_iter().filter(|row| !before.contains(row)).collect();
    let trees: Vec<_> = changed.iter().map(|(tree, _)| *tree).collect();
    assert_eq!(trees, [Tree::Meta, Tree::Incarnations, Tree::Outcomes]);
}
