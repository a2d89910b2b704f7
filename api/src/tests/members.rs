//! Members that come and go, as a cluster of one sees them.

use actix_web::http::{Method, StatusCode};
use cluster::catalog::{AdmitMember, Command, DescribeMember, FoundCa, Outcome, RemoveMember, TokenId};
use cluster::id::MemberId;
use cluster::joining::JoinToken;
use serde_json::{Value, json};

use super::harness::*;

/// A CA, and where the only member is.
async fn found(member: &Member) {
    let ca = FoundCa { certificate: vec![1], sealed_key: vec![2], by: "tests".to_owned() };
    member.submit(Command::FoundCa(ca)).await;
    let own = DescribeMember {
        member: MemberId(1),
        name: Some("one".to_owned()),
        address: "one.example:8444".to_owned(),
        api_address: None,
        fingerprint: None,
    };
    member.submit(Command::DescribeMember(own)).await;
}

/// Somebody joins with a token.
async fn admit(member: &Member, token: &JoinToken) -> MemberId {
    let admission = AdmitMember {
        token: token.id,
        hash: JoinToken::hash(&token.secret),
        fingerprint: [7; 32],
        name: String::new(),
        address: "127.0.0.1:9".to_owned(),
        zone: "b".to_owned(),
        weight: 1,
    };
    let outcome = member.submit(Command::AdmitMember(admission)).await;
    let Outcome::Admitted { member } = outcome else { panic!("{outcome:?}") };
    member
}

async fn token(member: &Member, by: &str) -> JoinToken {
    let made = member.post(by, "/v1/cluster/join-tokens", &json!({})).await;
    assert_eq!(made.status, StatusCode::CREATED);
    made.json()["token"].as_str().unwrap().parse().unwrap()
}

/// A member of a cluster with a CA that was removed.
pub(super) async fn removed(member: &Member) -> MemberId {
    found(member).await;
    let system = member.user(SYSTEM).await;
    let joined = admit(member, &token(member, &system).await).await;
    let by = "tests".to_owned();
    let remove = RemoveMember { member: joined, is_lost: true, replaced_by: None, by };
    member.submit(Command::RemoveMember(remove)).await;
    joined
}

#[actix_web::test]
async fn a_join_token_names_the_members_and_is_kept_as_a_hash() {
    let member = Member::start().await;
    let system = member.user(SYSTEM).await;
    let none = member.post(&system, "/v1/cluster/join-tokens", &json!({})).await;
    assert_eq!(none.problem(), (409, "conflict".to_owned()), "without a CA nobody can join");
    found(&member).await;
    let token = token(&member, &system).await;
    assert_eq!(token.members, [(MemberId(1), "one.example:8444".to_owned())]);
    assert_eq!(token.ca, [1]);
    let row = member.state.cluster.catalog().unwrap().join_token(token.id).unwrap().unwrap();
    assert_eq!((row.hash, row.used), (JoinToken::hash(&token.secret), None));

    let joined = admit(&member, &token).await;
    let listed = member.get(&system, "/v1/cluster/join-tokens").await.json();
    assert_eq!(listed[0]["used_by"], json!(joined.0));
    let path = format!("/v1/cluster/join-tokens/{}", token.id);
    assert_eq!(member.send(asked(Method::DELETE, &system, &path)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(member.get(&system, "/v1/cluster/join-tokens").await.json(), json!([]));
    assert_eq!(member.state.cluster.catalog().unwrap().join_token(TokenId([0; 16])).unwrap(), None);
}

#[actix_web::test]
async fn a_removed_member_is_replaced_by_nobody_but_who_has_its_place() {
    let member = Member::start().await;
    let system = member.user(SYSTEM).await;
    let gone = removed(&member).await;
    let other = admit(&member, &token(&member, &system).await).await;
    let replace = async |by: u64| {
        let path = format!("/v1/cluster/members/{}/replace", gone.0);
        member.post(&system, &path, &json!({ "by": by })).await
    };
    let refused = replace(other.0).await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    let detail = format!("member {gone} was removed; an id is never used again");
    assert_eq!(refused.json()["detail"], json!(detail));
    assert_eq!(replace(gone.0).await.problem(), (422, "invalid-field".to_owned()), "by itself");
    assert_eq!(replace(1).await.status, StatusCode::NO_CONTENT, "it is in the layout");

    let remove = RemoveMember { member: other, is_lost: true, replaced_by: None, by: "tests".to_owned() };
    member.submit(Command::RemoveMember(remove)).await;
    assert_eq!(replace(other.0).await.problem(), (422, "invalid-field".to_owned()), "it was removed, too");
}

#[actix_web::test]
async fn members_are_listed_and_removed_only_when_nothing_is_lost_with_them() {
    let member = Member::start().await;
    let system = member.user(SYSTEM).await;
    found(&member).await;
    let joined = admit(&member, &token(&member, &system).await).await;
    let listed: Value = member.get(&system, "/v1/cluster/members").await.json();
    let seen = |at: usize| {
        let one = &listed[at];
        (one["id"].clone(), one["state"].clone(), one["is_voter"].clone(), one["is_reachable"].clone())
    };
    assert_eq!(seen(0), (json!(1), json!("member"), json!(true), json!(true)));
    assert_eq!(seen(1), (json!(joined.0), json!("joining"), json!(false), json!(false)));
    assert_eq!((&listed[0]["name"], &listed[1]["zone"]), (&json!("one"), &json!("b")));

    let remove = async |id: u64, body: Value| {
        member.post(&system, &format!("/v1/cluster/members/{id}/remove"), &body).await
    };
    member.sealed(&member.recorder().await, b"all of it").await;
    assert_eq!(remove(1, json!({})).await.problem(), (409, "member-not-drained".to_owned()));
    assert_eq!(remove(1, json!({ "dead": true })).await.problem(), (409, "member-reachable".to_owned()));
    assert_eq!(remove(9, json!({})).await.problem(), (404, "not-found".to_owned()));
    let replace = format!("/v1/cluster/members/{}/replace", joined.0);
    let by_nobody = member.post(&system, &replace, &json!({ "by": 9 })).await;
    assert_eq!(by_nobody.problem(), (422, "invalid-field".to_owned()));
    assert_eq!(remove(joined.0, json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(remove(joined.0, json!({})).await.status, StatusCode::NO_CONTENT, "it is gone already");
    let listed: Value = member.get(&system, "/v1/cluster/members").await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
}
