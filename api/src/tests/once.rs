use actix_web::http::{Method, StatusCode};
use cluster::catalog::TokenKind;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::harness::*;
use super::videos::enable;

const KEY: &str = "7f6c1c0a-8f5d-4c3c-9a30-0d5b5f0b9c11";

async fn post(member: &Member, token: &str, path: &str, key: &str, body: &Value) -> Answer {
    let request = asked(Method::POST, token, path).insert_header(("idempotency-key", key));
    member.send(request.set_json(body)).await
}

async fn count(member: &Member, token: &str, path: &str, list: &str) -> usize {
    let listed = member.get(token, path).await.json();
    let rows = if list.is_empty() { &listed } else { &listed[list] };
    rows.as_array().unwrap().len()
}

#[actix_web::test]
async fn what_is_asked_for_twice_under_a_key_is_there_once() {
    let member = Member::start().await;
    enable(&member, true).await;
    let owner = member.token(TokenKind::User, "ada@example.org", &[ADMINISTRATOR, SYSTEM]).await;
    let recorder = member.recorder().await;
    let session = member.sealed(&recorder, b"x").await;
    let of = |part: &str| format!("/v1/sessions/{session}{part}");
    let tokens = count(&member, &owner, "/v1/tokens", "").await;
    let cases = [
        (&recorder, "/v1/sessions".to_owned(), ssh(), database("db-lines")),
        (&owner, of("/holds"), json!({ "justification": "a" }), json!({ "justification": "b" })),
        (&owner, of("/videos"), json!({}), json!({ "keystrokes": true })),
        (
            &owner,
            "/v1/tokens".to_owned(),
            json!({ "kind": "user", "subject": "a" }),
            json!({ "kind": "user", "subject": "b" }),
        ),
    ];
    for (token, path, body, other) in &cases {
        let first = post(&member, token, path, KEY, body).await;
        assert!(first.status.is_success(), "{path}: {:?}", first.body);
        // With the quotes of a structured field or without.
        for key in [KEY, &format!("\"{KEY}\"")] {
            let again = post(&member, token, path, key, body).await;
            assert_eq!((again.status, again.bytes()), (first.status, first.bytes()), "{path}");
            assert_eq!(again.header("location"), first.header("location"), "{path}");
        }
        let reused = post(&member, token, path, KEY, other).await;
        assert_eq!(reused.problem(), (422, "idempotency-key-reused".to_owned()), "{path}");
    }
    assert_eq!(count(&member, &owner, "/v1/sessions", "sessions").await, 2);
    assert_eq!(count(&member, &owner, &of("/holds"), "").await, 1);
    assert_eq!(count(&member, &owner, "/v1/tokens", "").await, tokens + 1);

    let other = post(&member, &owner, &of("/holds"), "another", &json!({ "justification": "a" })).await;
    assert_eq!(other.status, StatusCode::CREATED);
    assert_eq!(count(&member, &owner, &of("/holds"), "").await, 2);
}

#[actix_web::test]
async fn a_token_that_was_made_under_a_key_is_told_to_its_maker_alone() {
    let member = Member::start().await;
    let owner = member.token(TokenKind::User, "owner", &[ADMINISTRATOR, SYSTEM]).await;
    let renewed = member.token(TokenKind::User, "owner", &[ADMINISTRATOR, SYSTEM]).await;
    let other = member.token(TokenKind::User, "other", &[ADMINISTRATOR, SYSTEM]).await;
    let body = json!({ "kind": "user", "subject": "linus" });
    let made = post(&member, &owner, "/v1/tokens", KEY, &body).await.json();
    let who = member.get(made["token"].as_str().unwrap(), "/v1/whoami").await.json();
    assert_eq!(who["name"], "linus");
    let renewed = post(&member, &renewed, "/v1/tokens", KEY, &body).await;
    assert_eq!(renewed.problem(), (409, "conflict".to_owned()));
    // Another caller's key is another key.
    let others = post(&member, &other, "/v1/tokens", KEY, &body).await;
    assert_eq!(others.status, StatusCode::CREATED);
    assert_ne!(others.json(), made);
}

#[actix_web::test]
async fn a_purge_under_a_key_is_answered_again() {
    let member = Member::start().await;
    let administrator = member.user(ADMINISTRATOR).await;
    let session = member.sealed(&member.recorder().await, b"x").await;
    let (path, body) = (format!("/v1/sessions/{session}/purge"), json!({ "reason": "asked" }));
    let first = post(&member, &administrator, &path, KEY, &body).await;
    let again = post(&member, &administrator, &path, KEY, &body).await;
    assert_eq!((first.status, again.status), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    for purged in [
        post(&member, &administrator, &path, "another", &body).await,
        member.post(&administrator, &path, &body).await,
    ] {
        assert_eq!(purged.problem(), (410, "session-purged".to_owned()));
    }
    let path = format!("/v1/audit?object=session/{session}");
    let auditor = member.user(AUDITOR).await;
    let leaves = member.get(&auditor, &path).await.json();
    let is_purge =
        |leaf: &&Value| leaf["action"] == "PAM.SessionManagement.Purge" && leaf["kind"] == "change";
    assert_eq!(leaves["leaves"].as_array().unwrap().iter().filter(is_purge).count(), 1);
}

#[actix_web::test]
async fn requests_under_a_key_that_race_on_two_members_are_one() {
    let (one, other, _wire) = Member::start_two().await;
    let recorder = one.recorder().await;
    other.state.cluster.read_index().await.unwrap();
    let body = ssh();
    for key in ["a", "b", "c", "d", "e"] {
        let racing = (0..6).map(|number| {
            let member = if number % 2 == 0 { &one } else { &other };
            post(member, &recorder, "/v1/sessions", key, &body)
        });
        let answers = join_all(racing).await;
        let first = answers[0].json();
        for answer in &answers {
            assert_eq!((answer.status, answer.json()), (StatusCode::CREATED, first.clone()), "{key}");
        }
    }
    let auditor = one.user(AUDITOR).await;
    assert_eq!(count(&one, &auditor, "/v1/sessions", "sessions").await, 5);
}

#[actix_web::test]
async fn what_is_no_key_is_refused() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    for key in ["", "\"\"", "a b", "a\"b", &"x".repeat(129)] {
        let refused = post(&member, &recorder, "/v1/sessions", key, &ssh()).await;
        assert_eq!(refused.problem(), (400, "bad-request".to_owned()), "{key}");
    }
    let twice = asked(Method::POST, &recorder, "/v1/sessions").append_header(("idempotency-key", "a"));
    let twice = member.send(twice.append_header(("idempotency-key", "b")).set_json(ssh())).await;
    assert_eq!(twice.problem(), (400, "bad-request".to_owned()));
}
