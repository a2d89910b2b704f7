use super::super::row;
use super::layout::{apply, drain, settled, undrain};
use super::*;
use crate::catalog::{
    AdmitMember, CreateJoinToken, DescribeMember, FoundCa, JOIN_TOKEN_MS, LayoutRole, LayoutRow, MemberState,
    RemoveMember, StageLayout,
};

const TOKEN: TokenId = TokenId([1; 16]);

fn found() -> Command {
    Command::FoundCa(FoundCa { certificate: vec![1], sealed_key: vec![2], by: "ada".to_owned() })
}

fn token(token: TokenId) -> Command {
    Command::CreateJoinToken(CreateJoinToken { token, hash: [token.0[0]; 32], by: "ada".to_owned() })
}

fn admission(token: TokenId, fingerprint: u8) -> AdmitMember {
    AdmitMember {
        token,
        hash: [token.0[0]; 32],
        fingerprint: [fingerprint; 32],
        name: "two".to_owned(),
        address: "two.example:8444".to_owned(),
        zone: "b".to_owned(),
        weight: 2,
    }
}

fn admit(token: TokenId, fingerprint: u8) -> Command {
    Command::AdmitMember(admission(token, fingerprint))
}

fn describe(member: MemberId, address: &str) -> Command {
    let (name, api_address, fingerprint) = (None, None, None);
    Command::DescribeMember(DescribeMember {
        member,
        name,
        address: address.to_owned(),
        api_address,
        fingerprint,
    })
}

fn remove(member: MemberId, replaced_by: Option<MemberId>) -> Command {
    Command::RemoveMember(RemoveMember { member, is_lost: false, replaced_by, by: "ada".to_owned() })
}

fn lost(member: MemberId, replaced_by: Option<MemberId>) -> Command {
    Command::RemoveMember(RemoveMember { member, is_lost: true, replaced_by, by: "ada".to_owned() })
}

/// Members 1 to 3, all of them voters; the second one has joined, and Raft names it whatever becomes of it.
fn joined(engine: Arc<MemoryEngine>) -> World {
    let mut world = World::on(engine);
    world.clock(1_000);
    world.done(found());
    world.voters(&[MEMBER, MemberId(3)]);
    for member in [MEMBER, MemberId(3)] {
        world.done(describe(member, "one.example:8444"));
    }
    world.done(token(TOKEN));
    world.done(admit(TOKEN, 7));
    world.voters(&[MEMBER, OTHER, MemberId(3)]);
    world.done(Command::SettleMember { member: OTHER });
    world
}

fn in_layout(world: &World) -> Vec<MemberId> {
    world.catalog.layout().unwrap().members.into_keys().collect()
}

/// A cluster with a CA, whose first member has said where it is.
fn founded() -> World {
    let mut world = World::new();
    world.clock(1_000);
    world.done(found());
    world.done(describe(MEMBER, "one.example:8444"));
    world
}

#[test]
fn a_token_makes_one_member_and_gives_who_asks_again_the_same_answer() {
    let mut world = founded();
    world.done(token(TOKEN));
    let member = MemberId(2);
    assert_eq!(world.done(admit(TOKEN, 7)), Outcome::Admitted { member });
    assert_eq!(world.done(admit(TOKEN, 7)), Outcome::Admitted { member });
    assert_eq!(world.refused(admit(TOKEN, 8)), Refusal::JoinTokenUsed { token: TOKEN, member });
    let row = world.catalog.member(member).unwrap().unwrap();
    assert_eq!(
        (row.name.as_str(), row.address.as_str(), row.zone.as_str(), row.weight, row.fingerprint),
        ("two", "two.example:8444", "b", 2, Some([7; 32]))
    );
    assert_eq!((row.state, row.since_ms, row.by.as_str()), (MemberState::Joining, 1_000, "ada"));
    world.done(Command::SettleMember { member });
    assert_eq!(world.catalog.member(member).unwrap().unwrap().state, MemberState::Member);
    // Whoever is removed does not come back by the token that made them.
    world.done(remove(member, None));
    assert_eq!(world.refused(admit(TOKEN, 7)), Refusal::JoinTokenUsed { token: TOKEN, member });
}

#[test]
fn a_token_is_refused_when_it_is_unknown_too_old_or_deleted() {
    let mut world = founded();
    let unknown = Refusal::JoinTokenUnknown { token: TOKEN };
    assert_eq!(world.refused(admit(TOKEN, 7)), unknown);
    world.done(token(TOKEN));
    let other_secret = AdmitMember { hash: [9; 32], ..admission(TOKEN, 7) };
    assert_eq!(world.refused(Command::AdmitMember(other_secret)), unknown);
    let expires_ms = 1_000 + JOIN_TOKEN_MS;
    world.clock(expires_ms);
    assert_eq!(world.refused(admit(TOKEN, 7)), Refusal::JoinTokenExpired { expires_ms, now_ms: expires_ms });
    world.done(Command::DeleteJoinToken { token: TOKEN, by: "ada".to_owned() });
    assert_eq!(world.refused(admit(TOKEN, 7)), unknown);
}

#[test]
fn without_a_ca_nobody_joins_and_there_is_one_ca() {
    let mut world = World::new();
    assert_eq!(world.refused(token(TOKEN)), Refusal::CaMissing);
    world.done(found());
    assert_eq!(world.refused(found()), Refusal::CaExists);
}

#[test]
fn tokens_are_few_and_old_ones_make_room() {
    let mut world = founded();
    for number in 0..64 {
        world.done(token(TokenId([number; 16])));
    }
    assert_eq!(world.refused(token(TokenId([64; 16]))), Refusal::TooManyJoinTokens { limit: 64 });
    world.clock(1_000 + JOIN_TOKEN_MS + 24 * 60 * MINUTE_MS);
    world.done(token(TokenId([64; 16])));
    assert_eq!(world.catalog.join_tokens().unwrap().len(), 1);
}

#[test]
fn an_id_is_never_given_twice() {
    let mut world = founded();
    world.voters(&[MEMBER, MemberId(3)]);
    for (number, member) in [(1, MemberId(2)), (2, MemberId(4))] {
        let token_id = TokenId([number; 16]);
        world.done(token(token_id));
        assert_eq!(world.done(admit(token_id, number)), Outcome::Admitted { member });
        world.done(remove(member, None));
    }
}

#[test]
fn who_raft_was_begun_with_says_where_it_is_and_nobody_else_does() {
    let mut world = founded();
    world.done(describe(MEMBER, "elsewhere.example:1"));
    let row = world.catalog.member(MEMBER).unwrap().unwrap();
    assert_eq!((row.address.as_str(), row.state), ("elsewhere.example:1", MemberState::Member));
    let member = MemberId(9);
    assert_eq!(world.refused(describe(member, "nine.example:1")), Refusal::MemberUnknown { member });
    world.done(token(TOKEN));
    world.done(admit(TOKEN, 7));
    world.done(remove(MemberId(2), None));
    let member = MemberId(2);
    assert_eq!(world.refused(describe(member, "two.example:1")), Refusal::MemberRemoved { member });
}

#[test]
fn the_last_member_stays_and_only_a_member_takes_a_place() {
    let mut world = founded();
    assert_eq!(world.refused(remove(MEMBER, None)), Refusal::LastMember { member: MEMBER });
    world.done(token(TOKEN));
    world.done(admit(TOKEN, 7));
    let member = MemberId(2);
    assert_eq!(world.refused(remove(MEMBER, None)), Refusal::LastMember { member: MEMBER }, "2 is joining");
    assert_eq!(world.refused(remove(MEMBER, Some(member))), Refusal::MemberNotThere { member });
    world.done(Command::SettleMember { member });
    assert_eq!(world.refused(remove(MEMBER, None)), Refusal::InLayout { member: MEMBER });
    world.voters(&[MEMBER, member]);
    world.done(lost(MEMBER, Some(member)));
    assert_eq!(world.catalog.layout().unwrap().members.into_keys().collect::<Vec<_>>(), [member]);
    world.done(remove(MEMBER, None));
    assert_eq!(world.catalog.member(MEMBER).unwrap().unwrap().state, MemberState::Removed);
}

#[test]
fn what_was_staged_with_a_member_goes_with_its_removal() {
    for command in [lost(OTHER, None), remove(OTHER, None)] {
        let mut world = joined(Arc::default());
        let staged = world.catalog.staged_layout().unwrap().unwrap();
        assert!(staged.members.contains_key(&OTHER));
        world.done(command);
        assert_eq!(world.catalog.staged_layout().unwrap(), None);
        assert_eq!(world.refused(apply(staged.version, &[])), Refusal::LayoutNotStaged);
        assert_eq!(in_layout(&world), [MEMBER, MemberId(3)]);
        let role = Some(LayoutRole::default());
        let stage = StageLayout { member: OTHER, role, by: "ada".to_owned() };
        let unknown = Refusal::LayoutMemberUnknown { member: OTHER };
        assert_eq!(world.refused(Command::StageLayout(stage)), unknown);
    }
}

#[test]
fn a_change_that_names_others_stays_when_a_member_goes() {
    let mut world = joined(Arc::default());
    world.done(Command::RevertLayout { by: "ada".to_owned() });
    let role = Some(LayoutRole { zone: "east".to_owned(), weight: 5 });
    world.done(Command::StageLayout(StageLayout { member: MEMBER, role, by: "ada".to_owned() }));
    world.done(remove(OTHER, None));
    assert!(world.catalog.staged_layout().unwrap().is_some());
}

#[test]
fn a_removed_member_is_not_taken_back() {
    let mut world = joined(Arc::default());
    let founding = world.catalog.layout().unwrap().version;
    (1..=3).for_each(|member| drop(world.done(settled(member, founding))));
    let version = world.catalog.staged_layout().unwrap().unwrap().version;
    world.done(apply(version, &[]));
    assert_eq!(in_layout(&world), [MEMBER, OTHER, MemberId(3)]);
    (1..=3).for_each(|member| drop(world.done(settled(member, version))));
    world.done(drain(OTHER.0));
    world.done(remove(OTHER, None));
    assert_eq!(world.refused(undrain(OTHER.0)), Refusal::LayoutMemberUnknown { member: OTHER });
    assert_eq!(in_layout(&world), [MEMBER, MemberId(3)]);
}

#[test]
fn a_layout_that_names_a_removed_member_is_mended_by_removing_it_again() {
    for (again, members) in [
        (remove(OTHER, None), vec![MEMBER, MemberId(3)]),
        (lost(OTHER, None), vec![MEMBER, MemberId(3)]),
        (lost(OTHER, Some(MemberId(4))), vec![MEMBER, MemberId(3), MemberId(4)]),
    ] {
        let engine = Arc::new(MemoryEngine::new());
        let mut world = joined(Arc::clone(&engine));
        world.voters(&[1, 2, 3, 4].map(MemberId));
        world.done(describe(MemberId(4), "four.example:8444"));
        world.done(remove(OTHER, None));
        let mut row = world.catalog.layout_row().unwrap().unwrap();
        row.layout.members.insert(OTHER, LayoutRole::default());
        let bytes = row::encode(LayoutRow::KEY, &row).unwrap();
        engine.load(vec![(Tree::Layouts, (LayoutRow::KEY.to_vec(), bytes))]).unwrap();
        assert_eq!(in_layout(&world), [MEMBER, OTHER, MemberId(3)]);
        world.done(again.clone());
        assert_eq!(in_layout(&world), members);
        let version = world.catalog.layout().unwrap().version;
        world.done(again);
        assert_eq!(world.catalog.layout().unwrap().version, version, "nothing is left to change");
    }
}

#[test]
fn who_came_and_went_and_by_whom_is_in_the_audit_log() {
    let mut world = World::new();
    world.done(super::audit::key(MEMBER));
    world.done(found());
    world.done(describe(MEMBER, "one.example:8444"));
    world.done(token(TOKEN));
    world.done(admit(TOKEN, 7));
    world.done(Command::SettleMember { member: MemberId(2) });
    let lost =
        RemoveMember { member: MemberId(2), is_lost: true, replaced_by: Some(MEMBER), by: "eve".to_owned() };
    world.done(Command::RemoveMember(lost));
    let name = format!("join-token/{TOKEN}");
    let leaves = super::audit::told(&world, 1);
    let told: Vec<[&str; 4]> = leaves
        .iter()
        .map(|[action, user, _, object, detail]| {
            [user.as_str(), action.as_str(), object.as_str(), detail.as_str()]
        })
        .collect();
    assert_eq!(
        told,
        [
            ["ada", "cluster-founded", "", ""],
            ["", "member-described", "member/1", "at one.example:8444"],
            ["ada", "System.Cluster.Manage", name.as_str(), "created"],
            ["ada", "member-joined", name.as_str(), "two at two.example:8444"],
            ["eve", "System.Cluster.Manage", "member/2", "removed as lost, replaced by member 1"],
        ]
    );
}
