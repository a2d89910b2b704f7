use super::*;
use crate::chunk::key::KekCheck;
use std::collections::BTreeSet;

const ONE: KekId = KekId(1);
const TWO: KekId = KekId(2);
const NOW_MS: u64 = 1_790_000_000_000;

fn check(kek: KekId) -> KekCheck {
    [u8::try_from(kek.0).unwrap(); 16]
}

fn hold(member: MemberId, keks: &[KekId]) -> Command {
    let keks = keks.iter().map(|kek| (*kek, check(*kek))).collect();
    Command::HoldKeks(HoldKeks { member, keks })
}

fn next(kek: KekId, check: KekCheck) -> Command {
    Command::NextKek(NextKek { kek, check, member: MEMBER, by: "ada".to_owned() })
}

fn rewrap(from: KekId, to: KekId) -> Command {
    let keys = WrappedKeys { kek: to, data: vec![3; 72], derived: vec![4; 72] };
    Command::Rewrap(Rewrap { from, keys: vec![(RECORDING, keys), (RecordingId([8; 16]), keys_of(to))] })
}

fn keys_of(kek: KekId) -> WrappedKeys {
    WrappedKeys { kek, data: vec![5; 72], derived: vec![6; 72] }
}

fn states(world: &World) -> Vec<(u64, KekState)> {
    world.catalog.keks().unwrap().into_iter().map(|(kek, row)| (kek.0, row.state)).collect()
}

/// Two members that hold KEK 1, and a session under it.
fn world() -> World {
    let mut world = World::new();
    world.clock(NOW_MS);
    world.voters(&[MEMBER, OTHER]);
    world.done(Command::OpenSession(session(RECORDING)));
    world.done(hold(MEMBER, &[ONE]));
    world.done(hold(OTHER, &[ONE]));
    world
}

#[test]
fn a_kek_comes_into_use_when_all_hold_it_and_goes_when_it_wraps_nothing() {
    let mut world = world();
    assert_eq!(states(&world), [(1, KekState::Current)]);
    world.done(next(TWO, check(TWO)));
    let missing = Refusal::KekNotHeld { kek: TWO, member: OTHER };
    assert_eq!(world.refused(Command::UseKek { kek: TWO }), missing);
    assert_eq!(world.refused(rewrap(ONE, TWO)), Refusal::KekNotCurrent { current: ONE });
    world.done(hold(OTHER, &[ONE, TWO]));
    world.done(Command::UseKek { kek: TWO });
    assert_eq!(states(&world), [(1, KekState::Old), (2, KekState::Current)]);

    let later = OpenSession { recording: RecordingId([8; 16]), ..session(RECORDING) };
    let refused = world.refused(Command::OpenSession(later.clone()));
    assert_eq!(refused, Refusal::KekNotCurrent { current: TWO });
    world.done(Command::OpenSession(OpenSession { keys: keys_of(TWO), ..later }));
    let older = |world: &World| world.catalog.wrapped_before(TWO, None, (9, 9)).unwrap();
    assert_eq!(older(&world).keys, [(RECORDING, keys())]);
    world.done(rewrap(ONE, TWO));
    let of = |number: u8| world.catalog.object(RecordingId([number; 16]).into()).unwrap().unwrap().keys;
    assert_eq!(of(7), Some(WrappedKeys { kek: TWO, data: vec![3; 72], derived: vec![4; 72] }));
    // It was not wrapped by the older one.
    assert_eq!(of(8), Some(keys_of(TWO)));
    assert_eq!((older(&world).keys, older(&world).next), (vec![], None));

    assert_eq!(world.refused(Command::RetireKek { kek: TWO }), Refusal::KekState { kek: TWO });
    world.done(Command::RetireKek { kek: ONE });
    world.done(hold(MEMBER, &[TWO]));
    let (_, row) = world.catalog.keks().unwrap().swap_remove(0);
    assert_eq!((row.state, row.holders, row.retired_ms), (KekState::Retired, vec![OTHER], Some(NOW_MS)));
}

#[test]
fn a_member_with_another_key_of_a_number_is_refused() {
    let mut world = world();
    let other = Command::HoldKeks(HoldKeks { member: OTHER, keks: vec![(ONE, [9; 16])] });
    assert_eq!(world.refused(other), Refusal::KekDiffers { kek: ONE });
    // What is left of a rotation that never was is not held.
    world.done(next(TWO, check(TWO)));
    let left = Command::HoldKeks(HoldKeks { member: OTHER, keks: vec![(ONE, check(ONE)), (TWO, [9; 16])] });
    world.done(left);
    let missing = Refusal::KekNotHeld { kek: TWO, member: OTHER };
    assert_eq!(world.refused(Command::UseKek { kek: TWO }), missing);
}

#[test]
fn a_next_kek_takes_the_place_of_one_that_is_not_in_use() {
    let mut world = world();
    assert_eq!(world.refused(next(ONE, check(ONE))), Refusal::KekNumber { next: TWO });
    world.done(next(TWO, check(TWO)));
    world.done(next(KekId(3), check(KekId(3))));
    assert_eq!(states(&world), [(1, KekState::Current), (2, KekState::GivenUp), (3, KekState::Next)]);
    assert_eq!(world.refused(Command::UseKek { kek: TWO }), Refusal::KekState { kek: TWO });
    let mut fresh = World::new();
    assert_eq!(fresh.refused(next(TWO, check(TWO))), Refusal::KekNumber { next: ONE });
}

#[test]
fn a_purged_session_gets_no_keys_again() {
    let mut world = world();
    world.write(OBJECT);
    world.done(Command::EndSession(ending()));
    let cause = PurgeCause::Person { by: "ada".to_owned(), reason: "asked".to_owned() };
    world.done(next(TWO, check(TWO)));
    world.done(hold(OTHER, &[ONE, TWO]));
    world.done(Command::UseKek { kek: TWO });
    world.done(Command::Purge(Purge { recording: RECORDING, cause }));
    world.done(rewrap(ONE, TWO));
    assert_eq!(world.catalog.object(OBJECT).unwrap().unwrap().keys, None);
}

#[test]
fn a_member_that_only_learns_is_to_hold_the_keks_as_well() {
    let mut world = world();
    let learner = MemberId(3);
    let nodes: std::collections::BTreeMap<_, _> =
        (1_u64..=3).map(|member| (member, openraft::EmptyNode {})).collect();
    let membership = openraft::Membership::new(vec![BTreeSet::from([1, 2])], nodes);
    let raft = postcard::to_stdvec(&openraft::StoredMembership::new(None, membership)).unwrap();
    world.entry(CommandEntry::Membership(MembershipRow { voters: vec![MEMBER, OTHER], raft }));
    assert_eq!(world.catalog.kek_members().unwrap(), [MEMBER, OTHER, learner]);
    world.done(next(TWO, check(TWO)));
    world.done(hold(OTHER, &[ONE, TWO]));
    let missing = Refusal::KekNotHeld { kek: TWO, member: learner };
    assert_eq!(world.refused(Command::UseKek { kek: TWO }), missing);
    world.done(hold(learner, &[ONE, TWO]));
    world.done(Command::UseKek { kek: TWO });
}
