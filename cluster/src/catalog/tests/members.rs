use super::*;
use crate::catalog::{
    AdmitMember, CreateJoinToken, DescribeMember, FoundCa, JOIN_TOKEN_MS, MemberState, RemoveMember,
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
    let lost =
        RemoveMember { member: MEMBER, is_lost: true, replaced_by: Some(member), by: "ada".to_owned() };
    world.done(Command::RemoveMember(lost));
    assert_eq!(world.catalog.layout().unwrap().members.into_keys().collect::<Vec<_>>(), [member]);
    world.done(remove(MEMBER, None));
    assert_eq!(world.catalog.member(MEMBER).unwrap().unwrap().state, MemberState::Removed);
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
