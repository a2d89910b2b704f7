//! The end of purges.

use super::*;
use crate::chunk::key::KekCheck;

const NOW_MS: u64 = 1_790_000_000_000;
const TWO: KekId = KekId(2);

fn check(kek: KekId) -> KekCheck {
    [u8::try_from(kek.0).unwrap(); 16]
}

fn hold(member: MemberId, keks: &[KekId]) -> Command {
    let keks = keks.iter().map(|kek| (*kek, check(*kek))).collect();
    Command::HoldKeks(HoldKeks { member, keks })
}

fn purge() -> Command {
    let cause = PurgeCause::Person { by: "ada".to_owned(), reason: "asked".to_owned() };
    Command::Purge(Purge { recording: RECORDING, cause })
}

fn complete() -> Command {
    Command::CompletePurge { recording: RECORDING }
}

fn forgotten(member: MemberId, up_to: u64) -> Command {
    Command::Forgotten(Forgotten { member, up_to })
}

fn deleted(member: MemberId) -> Command {
    Command::DeletedBytes(DeletedBytes { member, recordings: vec![RECORDING] })
}

/// A sealed session of two members, which hold KEK 1.
fn world() -> World {
    let mut world = World::new();
    world.clock(NOW_MS);
    world.voters(&[MEMBER, OTHER]);
    world.done(Command::OpenSession(session(RECORDING)));
    world.write(OBJECT);
    world.done(Command::EndSession(ending()));
    world.done(hold(MEMBER, &[KekId(1)]));
    world.done(hold(OTHER, &[KekId(1)]));
    world
}

fn rotate(world: &mut World) {
    world.done(Command::NextKek(NextKek { kek: TWO, check: check(TWO), member: MEMBER, by: String::new() }));
    world.done(hold(OTHER, &[KekId(1), TWO]));
    world.done(Command::UseKek { kek: TWO });
    world.done(Command::RetireKek { kek: KekId(1) });
}

fn progress(world: &World) -> PurgeProgress {
    world.catalog.purge_progress(RECORDING).unwrap().unwrap()
}

#[test]
fn a_purge_ends_when_all_members_have_deleted_and_forgotten_it_and_its_kek_is_gone() {
    let mut world = world();
    assert_eq!(world.catalog.purge_progress(RECORDING).unwrap(), None);
    world.done(purge());
    let at = world.index;
    let all = vec![MEMBER, OTHER];
    let none = PurgeProgress {
        deleting: all.clone(),
        forgetting: all.clone(),
        keks: vec![KekId(1)],
        holding: all.clone(),
    };
    assert_eq!(progress(&world), none);
    world.done(deleted(MEMBER));
    world.done(deleted(OTHER));
    world.done(forgotten(MEMBER, at));
    world.done(forgotten(OTHER, at - 1));
    // Nobody has forgotten what is still to come.
    world.done(forgotten(OTHER, 0));
    assert_eq!(progress(&world), PurgeProgress { deleting: vec![], forgetting: vec![OTHER], ..none.clone() });
    world.done(forgotten(OTHER, at + 1));
    rotate(&mut world);
    assert_eq!(
        progress(&world),
        PurgeProgress { keks: vec![KekId(1)], holding: all, ..PurgeProgress::default() }
    );
    world.done(hold(MEMBER, &[TWO]));
    let incomplete = Refusal::PurgeIncomplete { recording: RECORDING };
    assert_eq!(world.refused(complete()), incomplete);
    world.done(hold(OTHER, &[TWO]));
    assert!(progress(&world).is_complete());

    // Who joins meanwhile may have got what stands in the log.
    world.voters(&[MEMBER, OTHER, MemberId(3)]);
    assert_eq!(progress(&world).forgetting, [MemberId(3)]);
    assert_eq!(world.refused(complete()), incomplete);
    world.done(forgotten(MemberId(3), at));
    let found = |world: &World| world.catalog.purging(None, 9).unwrap().0;
    assert_eq!(found(&world), [RECORDING]);
    world.done(complete());
    let row = world.catalog.session(RECORDING).unwrap().unwrap();
    let SessionState::Purged { tombstone, complete_ms } = row.state else { panic!("{:?}", row.state) };
    assert_eq!((tombstone.purged_ms, tombstone.root, complete_ms), (NOW_MS, HASH, NOW_MS));
    assert_eq!((found(&world), world.catalog.purge_progress(RECORDING).unwrap()), (vec![], None));
    assert_eq!(world.refused(complete()), incomplete);
    let gone = Refusal::SessionPurged { recording: RECORDING };
    assert_eq!(world.refused(purge()), gone);
    assert_eq!(world.refused(Command::OpenStream { recording: RECORDING, owner: MEMBER }), gone);
    assert_eq!(world.refused(Command::EndSession(ending())), gone);
}

#[test]
fn a_purge_of_an_older_log_ends_as_well() {
    let mut world = World::new();
    world.clock(NOW_MS);
    world.done(Command::OpenSession(session(RECORDING)));
    world.write(OBJECT);
    world.done(Command::EndSession(ending()));
    world.done(purge());
    assert_eq!(world.catalog.purge_progress(RECORDING).unwrap(), None);
    assert_eq!(world.refused(complete()), Refusal::PurgeIncomplete { recording: RECORDING });
    world.done(hold(MEMBER, &[KekId(1)]));
    world.done(deleted(MEMBER));
    world.done(forgotten(MEMBER, world.index));
    let waiting = PurgeProgress { keks: vec![KekId(1)], holding: vec![MEMBER], ..PurgeProgress::default() };
    assert_eq!(progress(&world), waiting);
}

#[test]
fn a_round_is_over_when_all_have_forgotten_and_the_next_one_is_about_newer_purges() {
    let mut world = world();
    world.done(purge());
    let at = world.index;
    let round = |world: &World| world.catalog.forget_round().unwrap().unwrap();
    assert_eq!((round(&world).target, round(&world).newest, round(&world).began_ms), (0, at, 0));
    world.done(Command::ForgetTurn { member: OTHER });
    assert_eq!((round(&world).target, round(&world).began_ms, round(&world).turn), (at, NOW_MS, Some(OTHER)));
    let left = |world: &World| round(world).left().collect::<Vec<_>>();
    assert_eq!(left(&world), [MEMBER, OTHER]);
    world.done(forgotten(OTHER, world.index));
    assert_eq!((left(&world), round(&world).turn), (vec![MEMBER], None));
    world.clock(NOW_MS + 1);
    world.done(Command::ForgetTurn { member: MEMBER });
    assert_eq!((round(&world).target, round(&world).began_ms), (at, NOW_MS));
    world.done(forgotten(MEMBER, world.index));
    assert_eq!(left(&world), []);
}
