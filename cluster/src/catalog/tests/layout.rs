use super::*;
use std::collections::BTreeMap;

const VOTERS: [MemberId; 4] = [MemberId(1), MemberId(2), MemberId(3), MemberId(4)];

fn role(zone: &str, weight: u16) -> LayoutRole {
    LayoutRole { zone: zone.to_owned(), weight }
}

fn stage(member: u64, role: Option<LayoutRole>) -> Command {
    Command::StageLayout(StageLayout { member: MemberId(member), role, by: "ada".to_owned() })
}

pub(super) fn apply(version: u64, dead: &[u64]) -> Command {
    let dead = dead.iter().copied().map(MemberId).collect();
    Command::ApplyLayout(ApplyLayout { version, dead, by: "ada".to_owned() })
}

fn revert() -> Command {
    Command::RevertLayout { by: "ada".to_owned() }
}

pub(super) fn drain(member: u64) -> Command {
    Command::DrainMember { member: MemberId(member), by: "ada".to_owned() }
}

pub(super) fn undrain(member: u64) -> Command {
    Command::UndrainMember { member: MemberId(member), by: "ada".to_owned() }
}

pub(super) fn settled(member: u64, version: u64) -> Command {
    Command::LayoutSettled(LayoutSettled { member: MemberId(member), version })
}

fn world() -> World {
    let mut world = World::new();
    world.clock(77);
    world.voters(&VOTERS);
    world
}

fn members(world: &World) -> Vec<u64> {
    world.catalog.layout().unwrap().members.keys().map(|member| member.0).collect()
}

#[test]
fn without_a_layout_all_voters_hold_copies_alike() {
    let world = world();
    let layout = world.catalog.layout().unwrap();
    assert_eq!(layout.version, 0);
    assert_eq!(layout.members, VOTERS.map(|member| (member, role("", 1))).into());
    assert_eq!(world.catalog.unsettled().unwrap(), []);
    assert!(!world.catalog.is_settled_out(MemberId(9)).unwrap());
}

#[test]
fn a_layout_is_staged_seen_and_applied() {
    let mut world = world();
    assert_eq!(world.refused(apply(1, &[])), Refusal::LayoutNotStaged);
    world.done(revert());
    assert_eq!(world.done(stage(1, Some(role("east", 5)))), Outcome::Version(1));
    assert_eq!(world.done(stage(4, None)), Outcome::Version(2));
    let members = BTreeMap::from([
        (MemberId(1), role("east", 5)),
        (MemberId(2), role("", 1)),
        (MemberId(3), role("", 1)),
    ]);
    let (by, at_ms) = ("ada".to_owned(), 77);
    let staged = StagedLayout { version: 2, members: members.clone(), by: by.clone(), at_ms };
    assert_eq!(world.catalog.staged_layout().unwrap(), Some(staged));
    assert_eq!(world.catalog.layout().unwrap().version, 0);

    assert_eq!(world.refused(apply(1, &[])), Refusal::VersionDiffers { expected: 1, actual: 2 });
    assert_eq!(world.done(apply(2, &[])), Outcome::Version(2));
    let layout = Layout { version: 2, stamp: world.index, members };
    let row = LayoutRow { layout, leaving: vec![MemberId(4)], by, at_ms };
    assert_eq!(world.catalog.layout_row().unwrap(), Some(row));
    assert_eq!(world.catalog.staged_layout().unwrap(), None);

    world.done(stage(4, Some(role("", 1))));
    world.done(revert());
    assert_eq!(world.catalog.staged_layout().unwrap(), None);
    // A version is never given twice: what was reverted is not applied by who has seen it.
    assert_eq!(world.done(stage(4, Some(role("", 1)))), Outcome::Version(4));
}

#[test]
fn roles_and_members_have_limits() {
    let mut world = world();
    for weight in [0, WEIGHT_MAX + 1] {
        assert_eq!(
            world.refused(stage(1, Some(role("", weight)))),
            Refusal::LayoutWeight { limit: WEIGHT_MAX }
        );
    }
    let long = "z".repeat(ZONE_BYTES_MAX + 1);
    let too_long = Refusal::TextTooLong { field: "zone".to_owned(), limit_bytes: 64 };
    assert_eq!(world.refused(stage(1, Some(role(&long, 1)))), too_long);
    assert_eq!(world.refused(stage(9, None)), Refusal::NotInLayout { member: MemberId(9) });
    world.done(drain(4));
    world.voters(&(1..=65).map(MemberId).collect::<Vec<_>>());
    for member in 4..=64 {
        world.done(stage(member, Some(role("", 1))));
    }
    assert_eq!(world.refused(stage(65, Some(role("", 1)))), Refusal::TooManyLayoutMembers { limit: 64 });
}

#[test]
fn who_is_no_member_is_refused_when_it_is_staged() {
    let mut world = world();
    for nobody in [0, 99] {
        let unknown = Refusal::LayoutMemberUnknown { member: MemberId(nobody) };
        assert_eq!(world.refused(stage(nobody, Some(role("", 1)))), unknown);
    }
    assert_eq!(world.catalog.staged_layout().unwrap(), None);

    // One that the layout names already may be given another role, also when Raft knows it no more.
    world.done(stage(1, Some(role("east", 5))));
    world.done(apply(1, &[]));
    world.voters(&VOTERS[..3]);
    world.done(stage(4, Some(role("west", 7))));

    // One that Raft has let go since it was staged is refused when that is applied.
    world.done(revert());
    world.voters(&[VOTERS.as_slice(), &[MemberId(5)]].concat());
    world.done(stage(5, Some(role("", 1))));
    world.voters(&VOTERS);
    assert_eq!(world.refused(apply(3, &[])), Refusal::LayoutMemberUnknown { member: MemberId(5) });
}

#[test]
fn a_layout_is_not_smaller_than_a_majority_of_the_replicas() {
    let mut world = world();
    for (member, version) in [(1, 1), (2, 2)] {
        world.done(drain(member));
        for member in 1..=4 {
            world.done(settled(member, version));
        }
    }
    assert_eq!(members(&world), [3, 4]);
    assert_eq!(world.refused(drain(3)), Refusal::LayoutTooSmall { needed: 2 });
    world.done(put("replicas", ParameterValue::Number(1)));
    world.done(drain(3));
    (1..=4).for_each(|member| drop(world.done(settled(member, 3))));
    assert_eq!(world.refused(drain(4)), Refusal::LayoutTooSmall { needed: 1 });

    // A cluster that never had as many members may change the one that it has.
    let mut one = World::new();
    one.done(stage(MEMBER.0, Some(role("here", 1))));
    one.done(apply(1, &[]));
}

#[test]
fn the_next_layout_waits_until_all_are_settled() {
    let mut world = world();
    assert_eq!(world.done(drain(4)), Outcome::Version(1));
    assert_eq!(world.catalog.unsettled().unwrap(), VOTERS);
    assert_eq!(world.refused(settled(1, 7)), Refusal::VersionDiffers { expected: 7, actual: 1 });
    for member in [1, 2, 3] {
        let unsettled = Refusal::LayoutUnsettled { version: 1, member: MemberId(member) };
        assert_eq!(world.refused(drain(3)), unsettled);
        world.done(settled(member, 1));
    }
    assert_eq!(world.refused(drain(3)), Refusal::LayoutUnsettled { version: 1, member: MemberId(4) });
    assert!(!world.catalog.is_settled_out(MemberId(4)).unwrap());
    world.done(settled(4, 1));
    assert!(world.catalog.is_settled_out(MemberId(4)).unwrap());
    assert!(!world.catalog.is_settled_out(MemberId(1)).unwrap());
    assert_eq!(world.done(drain(3)), Outcome::Version(2));
    assert!(!world.catalog.is_settled_out(MemberId(4)).unwrap(), "it is to say so for each version");
}

#[test]
fn nobody_waits_for_the_dead_and_one_may_take_their_place() {
    let mut world = world();
    world.done(stage(2, Some(role("east", 5))));
    world.done(stage(4, None));
    world.done(apply(2, &[]));
    // Member 2 is gone before it is settled.
    for member in [1, 3, 4] {
        world.done(settled(member, 2));
    }
    world.done(stage(2, None));
    let left = Refusal::LayoutUnsettled { version: 2, member: MemberId(2) };
    assert_eq!(world.refused(apply(3, &[])), left);
    assert_eq!(world.refused(apply(3, &[1])), left);
    world.done(stage(3, Some(role("", 9))));
    assert_eq!(world.refused(apply(4, &[2])), left, "it changes more");
    world.done(stage(3, Some(role("", 1))));
    world.done(stage(4, Some(role("east", 5))));
    assert_eq!(world.done(apply(6, &[2])), Outcome::Version(6));
    assert_eq!(members(&world), [1, 3, 4]);
    assert_eq!(world.catalog.layout_row().unwrap().unwrap().leaving, []);

    // Member 4 leaves, and is gone before it has said that it has left.
    (1..=4).for_each(|member| drop(world.done(settled(member, 6))));
    world.done(drain(4));
    [1, 3].iter().for_each(|member| drop(world.done(settled(*member, 7))));
    assert_eq!(world.catalog.unsettled().unwrap(), [MemberId(4)]);
    assert_eq!(world.done(apply(7, &[4])), Outcome::Version(8));
    [1, 3].iter().for_each(|member| drop(world.done(settled(*member, 8))));
    assert_eq!(world.catalog.unsettled().unwrap(), []);
}

#[test]
fn who_is_taken_back_has_the_role_that_it_had_also_while_it_leaves() {
    let mut world = world();
    world.done(stage(4, Some(role("west", 7))));
    world.done(apply(1, &[]));
    (1..=4).for_each(|member| drop(world.done(settled(member, 1))));
    assert_eq!(world.refused(undrain(4)), Refusal::InLayout { member: MemberId(4) });
    world.done(drain(4));
    assert_eq!(world.refused(drain(4)), Refusal::NotInLayout { member: MemberId(4) });
    assert_eq!(world.done(undrain(4)), Outcome::Version(3));
    assert_eq!(world.catalog.layout().unwrap().members[&MemberId(4)], role("west", 7));
    assert_eq!(world.catalog.layout_row().unwrap().unwrap().leaving, []);
    assert_eq!(world.refused(undrain(9)), Refusal::LayoutMemberUnknown { member: MemberId(9) });
    world.done(stage(3, None));
    assert_eq!(world.refused(drain(2)), Refusal::LayoutStaged);
    assert_eq!(world.refused(undrain(9)), Refusal::LayoutStaged);
}
