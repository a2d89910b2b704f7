//! What auditors say about a session, who has reviewed it, and what its log tells to whom.

use actix_web::http::{Method, StatusCode};
use cluster::catalog::TokenKind;
use serde_json::{Value, json};

use super::artefacts::index;
use super::harness::*;

#[actix_web::test]
async fn comments_are_shown_to_those_who_review() {
    let member = Member::start().await;
    let session = member.sealed(&member.recorder().await, b"evidence").await;
    let (auditor, system) = (member.user(AUDITOR).await, member.user(SYSTEM).await);
    let path = format!("/v1/sessions/{session}/comments");
    let words = json!({ "text": "who opened this port?", "t_ms": 12_300 });
    let said = member.post(&auditor, &path, &words).await;
    assert_eq!((said.status, said.header("location")), (StatusCode::CREATED, path.as_str()));
    let comment = said.json();
    assert_eq!((&comment["text"], &comment["t_ms"]), (&words["text"], &words["t_ms"]));
    assert_eq!(member.get(&auditor, &path).await.json(), json!([comment]));
    assert_eq!(member.get(&system, &path).await.problem(), (403, "permission-missing".to_owned()));
    let wrong = member.post(&auditor, &path, &json!({ "text": "" })).await;
    assert_eq!(wrong.problem(), (422, "invalid-field".to_owned()));

    let again = |key: &str| {
        unconditional(Method::POST, &auditor, &path).insert_header(("idempotency-key", key.to_owned()))
    };
    let first = member.send(again("k").set_json(&words)).await.json();
    assert_eq!(member.send(again("k").set_json(&words)).await.json(), first);
    assert_eq!(member.get(&auditor, &path).await.json().as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn the_report_says_who_has_reviewed_a_session() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let (ended, live) = (member.sealed(&recorder, b"x").await, member.open(&recorder, &ssh()).await);
    let auditor = member.user(AUDITOR).await;
    let review = async |method, session: &str| {
        let path = format!("/v1/sessions/{session}/review");
        member.send(unconditional(method, &auditor, &path)).await
    };
    assert_eq!(review(Method::PUT, &live).await.problem(), (409, "session-not-ended".to_owned()));
    let reviews = review(Method::PUT, &ended).await.json();
    let report = async || member.get(&auditor, &format!("/v1/sessions/{ended}")).await.json();
    assert_eq!((&report().await["reviews"], reviews.as_array().unwrap().len()), (&reviews, 1));
    assert_eq!(review(Method::DELETE, &ended).await.json(), json!([]));
    assert_eq!(report().await["reviews"], json!([]));
}

#[actix_web::test]
async fn the_log_tells_what_was_typed_to_those_alone_who_may_see_it() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let (session, live) = (member.sealed(&recorder, b"x").await, member.open(&recorder, &ssh()).await);
    let (auditor, grace) = (member.user(AUDITOR).await, member.token(TokenKind::User, "grace", &[]).await);
    let names =
        asked(Method::PUT, &member.user(ADMINISTRATOR).await, &format!("/v1/sessions/{session}/auditors"));
    member.send(names.set_json(json!({ "auditors": ["grace"] }))).await;
    let path = format!("/v1/sessions/{session}/logs");
    assert_eq!(member.get(&auditor, &path).await.problem(), (409, "index-not-ready".to_owned()));
    index(&member, &session).await;

    let entry = |t_ms: u64, kind: &str, text: &str| json!({ "t_ms": t_ms, "kind": kind, "text": text });
    let opened = entry(0, "opened", "ssh 10.0.0.7");
    let file = entry(900, "file", "dump.sql");
    let clipboard = entry(800, "clipboard", "text/plain, 7 bytes");
    let typed = entry(850, "keystrokes", "hunter2");
    let ended = entry(5000, "ended", "finished");
    let whole: Value = json!({ "entries": [opened, clipboard, typed, file, ended], "left_out": 3 });
    assert_eq!(member.get(&auditor, &path).await.json(), whole);
    let view = json!({ "entries": [opened, file, ended], "left_out": 0 });
    assert_eq!(member.get(&grace, &path).await.json(), view);

    let live = member.get(&auditor, &format!("/v1/sessions/{live}/logs")).await;
    assert_eq!(live.problem(), (409, "session-not-ended".to_owned()));
}
