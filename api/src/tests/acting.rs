//! Users of an identity provider, and users whom services name.

use std::num::NonZeroU32;

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use cluster::catalog::TokenKind;
use serde_json::{Value, json};

use super::harness::*;
use super::signer::{Signer, claims, published, rules};
use super::videos::enable;
use crate::{IdentityProvider, IdentityRules, KeySet, Limits};

/// The cluster's time as tokens tell it.
const NOW_S: u64 = NOW_MS / 1000;

fn provider_of(signer: &Signer, rules: IdentityRules) -> IdentityProvider {
    let provider = IdentityProvider::new(rules);
    provider.keys.put(KeySet::parse(&published(&[signer.jwk()])).unwrap());
    provider.keys.rest();
    provider
}

fn acting(token: &str, user: &[u8], path: &str) -> TestRequest {
    let user = actix_web::http::header::HeaderValue::from_bytes(user).unwrap();
    asked(Method::GET, token, path).insert_header(("custody-act-for", user))
}

async fn whoami_for(member: &Member, token: &str, user: &[u8]) -> Answer {
    member.send(acting(token, user, "/v1/whoami")).await
}

fn permissions(who: &Value) -> Vec<&str> {
    who["permissions"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[actix_web::test]
async fn whoami_explains_a_user_of_the_provider() {
    let signer = Signer::ed25519("e");
    let member = Member::start_believing(provider_of(&signer, rules())).await;
    let mut said = claims("ada@example.org", &[AUDITOR, "Emperor"], NOW_S + 60);
    said["email"] = json!("somebody@example.org");
    let who = member.get(&signer.token(&said), "/v1/whoami").await.json();
    assert_eq!(permissions(&who).len(), 10);
    let permissions = who["permissions"].clone();
    let expected = json!({
        "kind": "user", "name": "ada@example.org", "service": null, "credential": "jwt", "token": null,
        "expires_ms": NOW_MS + 60_000, "roles": [AUDITOR], "permissions": permissions,
    });
    assert_eq!(who, expected);
    // Without a role that is ours, a valid token opens nothing else.
    let stranger = signer.token(&claims("eve", &["Emperor"], NOW_S + 60));
    assert_eq!(member.get(&stranger, "/v1/whoami").await.json()["permissions"], json!([]));
    assert_eq!(member.get(&stranger, "/v1/sessions").await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_service_acts_for_a_user_with_no_more_than_it_has() {
    let member = Member::start().await;
    let service = member.token(TokenKind::User, "portal", &[AUDITOR, SYSTEM]).await;
    let alone = member.get(&service, "/v1/whoami").await.json();
    let who = whoami_for(&member, &service, "ada@example.org".as_bytes()).await.json();
    assert_eq!((&alone["name"], &alone["service"]), (&json!("portal"), &Value::Null));
    assert_eq!(
        (&who["kind"], &who["name"], &who["service"]),
        (&json!("user"), &json!("ada@example.org"), &json!("portal"))
    );
    assert_eq!((&who["token"], &who["credential"]), (&alone["token"], &json!("token")));
    assert_eq!((&who["roles"], &who["expires_ms"]), (&json!([AUDITOR, SYSTEM]), &Value::Null));
    let expected: Vec<_> =
        permissions(&alone).into_iter().filter(|name| *name != "System.Users.ActFor").collect();
    assert_eq!(permissions(&who), expected);

    // What is done is done by the user.
    let set = acting(&service, "grün".as_bytes(), "/v1/parameters/retention_days").method(Method::PUT);
    let set = set.insert_header(("if-match", "*"));
    let set = member.send(set.set_json(json!({ "value": 7 }))).await.json();
    assert_eq!(set["changed_by"], "grün");
    enable(&member, true).await;
    let session = member.sealed(&member.recorder().await, b"x").await;
    let path = format!("/v1/sessions/{session}/videos");
    let video = acting(&service, b"ada@example.org", &path).method(Method::POST).set_json(json!({}));
    assert_eq!(member.send(video).await.status, StatusCode::ACCEPTED);
}

#[actix_web::test]
async fn who_may_not_act_for_users_is_refused_whatever_is_asked() {
    let signer = Signer::p256("p");
    let member = Member::start_believing(provider_of(&signer, rules())).await;
    let auditor = member.user(AUDITOR).await;
    let jwt = signer.token(&claims("eve", &[ADMINISTRATOR], NOW_S + 60));
    for token in [&auditor, &jwt, &member.recorder().await] {
        // Not even what is wrong with the name is told.
        for user in ["ada".as_bytes(), b"", b"\xff"] {
            let refused = whoami_for(&member, token, user).await;
            assert_eq!(refused.problem(), (403, "permission-missing".to_owned()));
            assert_eq!(refused.json()["permission"], "System.Users.ActFor");
        }
        let absent = format!("/v1/sessions/{}", "0".repeat(32));
        assert_eq!(member.send(acting(token, b"ada", &absent)).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(whoami_for(&member, "custody_0", b"ada").await.status, StatusCode::UNAUTHORIZED);
    // A JWT may act, too, if its roles permit it.
    let jwt = signer.token(&claims("portal", &[SYSTEM], NOW_S + 60));
    let who = whoami_for(&member, &jwt, b"ada").await.json();
    assert_eq!(
        (&who["name"], &who["service"], &who["credential"]),
        (&json!("ada"), &json!("portal"), &json!("jwt"))
    );
}

#[actix_web::test]
async fn names_that_cannot_be_shown_are_refused() {
    let member = Member::start().await;
    let service = member.user(SYSTEM).await;
    let long = "ä".repeat(128);
    assert_eq!(whoami_for(&member, &service, long.as_bytes()).await.json()["name"], long);
    let too_long = format!("{long}a");
    for user in ["".as_bytes(), b" ", b"a\tb", b"\xff", "a\u{85}b".as_bytes(), too_long.as_bytes()] {
        let refused = whoami_for(&member, &service, user).await;
        assert_eq!(refused.problem(), (400, "bad-request".to_owned()), "{user:?}");
    }
    let twice = acting(&service, b"ada", "/v1/whoami").append_header(("custody-act-for", "eve"));
    assert_eq!(member.send(twice).await.problem(), (400, "bad-request".to_owned()));
}

#[actix_web::test]
async fn no_refusal_repeats_the_token() {
    let signer = Signer::ed25519("e");
    let member = Member::start_believing(provider_of(&signer, rules())).await;
    let wrong = Signer::ed25519("e").token(&claims("ada", &[ADMINISTRATOR], NOW_S + 60));
    let long = format!("{wrong}.{}", "x".repeat(9000));
    for token in [wrong.as_str(), "a.b.c", "..", &long] {
        let answer = member.get(token, "/v1/whoami").await;
        assert_eq!(answer.problem(), (401, "unauthenticated".to_owned()));
        assert_eq!(answer.json()["detail"], "the token is not valid");
    }
}

#[actix_web::test]
async fn who_asks_too_often_is_told_to_come_again_and_nobody_else_is() {
    let limits = Limits { requests_per_s: NonZeroU32::MIN, ..Limits::default() };
    let member = Member::start_ready(limits).await;
    let (system, recorder) = (member.user(SYSTEM).await, member.recorder().await);
    let mut refused = None;
    for _ in 0..100 {
        let answer = member.get(&system, "/v1/whoami").await;
        if answer.status != StatusCode::OK {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.problem(), (429, "too-many-requests".to_owned()));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.json()["retry_after_s"], 1);
    let another = member.token(TokenKind::User, "grace", &[AUDITOR]).await;
    assert_eq!(member.get(&another, "/v1/whoami").await.status, StatusCode::OK);
    for _ in 0..20 {
        assert_eq!(member.get(&recorder, "/v1/whoami").await.status, StatusCode::OK);
    }
    assert_eq!(member.get("", "/livez").await.status, StatusCode::OK);
}
