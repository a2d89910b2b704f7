//! Live sessions that are blocked, go on, and are dropped.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use cluster::catalog::{AuditKind, ObjectState};
use cluster::id::RecordingId;
use futures_util::future::join;
use futures_util::stream::{iter, pending};
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};

use super::artefacts::index;
use super::audit::told;
use super::harness::*;
use super::live::Following;

async fn head(member: &Member, token: &str, session: &str) -> (StatusCode, [String; 2]) {
    let answer = member.send(asked(Method::HEAD, token, &format!("/v1/sessions/{session}/recording"))).await;
    (answer.status, ["custody-session", "upload-offset"].map(|name| answer.header(name).to_owned()))
}

async fn control(member: &Member, token: &str, method: Method, path: &str) -> Answer {
    let request = asked(method.clone(), token, path);
    let body = json!({ "reason": "odd" });
    member.send(if method == Method::DELETE { request } else { request.set_json(body) }).await
}

/// Appends bytes, after which the body goes on without any.
async fn append_on(member: &Member, token: &str, session: &str, offset: u64, bytes: &'static [u8]) -> Answer {
    let body = iter([Ok(Bytes::from_static(bytes))]).chain(pending());
    let payload: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(body);
    let body = Payload::Stream { payload };
    member.send_with(patch(token, session, offset, b""), Some(body)).await
}

/// Waits until so much of a recording is durable.
async fn durable(member: &Member, session: &str, length: u64) {
    let object = session.parse::<RecordingId>().unwrap().into();
    while member.state.cluster.length(object).await.unwrap() < length {
        tokio::task::yield_now().await;
    }
}

fn texts(pairs: [&str; 2]) -> [String; 2] {
    pairs.map(str::to_owned)
}

#[actix_web::test]
async fn a_blocked_session_is_recorded_on_and_its_recorder_is_told() {
    let member = Member::start().await;
    let (recorder, boss) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    let session = member.open(&recorder, &ssh()).await;
    let path = format!("/v1/sessions/{session}");
    let block = format!("{path}/block");
    member.append(&recorder, &session, 0, b"0123").await;
    let stands = control(&member, &boss, Method::PUT, &block).await.json();
    let by = stands["blocked"]["by"].as_str().unwrap().to_owned();
    let blocked = json!({ "by": by, "at_ms": NOW_MS, "reason": "odd" });
    assert_eq!(stands, json!({ "state": "live", "blocked": blocked, "message": null }));
    assert_eq!(member.get(&boss, &path).await.json()["session_info"]["blocked"], blocked);

    assert_eq!(head(&member, &recorder, &session).await, (StatusCode::FORBIDDEN, texts(["blocked", "4"])));
    let told = member.append(&recorder, &session, 4, b"").await;
    assert_eq!((told.problem(), told.header("upload-offset")), ((403, "session-blocked".to_owned()), "4"));
    // What a body brings is kept, and seen by who watches.
    let kept = member.append(&recorder, &session, 4, b"4567").await;
    let headers = ["custody-session", "upload-offset"].map(|name| kept.header(name).to_owned());
    assert_eq!((kept.problem(), headers), ((403, "session-blocked".to_owned()), texts(["blocked", "8"])));
    let whole = member.get(&boss, &format!("{path}/recording")).await;
    assert_eq!(whole.bytes(), b"01234567");

    let goes_on = control(&member, &boss, Method::DELETE, &block).await.json();
    assert_eq!(goes_on, json!({ "state": "live", "blocked": null, "message": null }));
    assert_eq!(member.append(&recorder, &session, 8, b"89").await.status, StatusCode::NO_CONTENT);
    assert_eq!(head(&member, &recorder, &session).await, (StatusCode::OK, texts(["", "10"])));
    assert_eq!(member.seal(&recorder, &session).await.status, StatusCode::OK);
    for (method, path) in [(Method::PUT, &block), (Method::DELETE, &block)] {
        let late = control(&member, &boss, method, path).await;
        assert_eq!(late.problem(), (409, "session-not-live".to_owned()));
    }
}

#[actix_web::test]
async fn a_dropped_session_ends_with_what_was_acknowledged() {
    let member = Member::start().await;
    let (recorder, boss) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    let session = member.open(&recorder, &ssh()).await;
    let path = format!("/v1/sessions/{session}");
    member.append(&recorder, &session, 0, b"0123").await;
    let mut watching = Following::begin(&member, &boss, &format!("{path}/live?from=0")).await;
    control(&member, &boss, Method::PUT, &format!("{path}/block")).await;
    let missing = member.post(&boss, &format!("{path}/drop"), &json!({ "reason": " " })).await;
    assert_eq!(missing.problem(), (422, "invalid-field".to_owned()));
    let dropped = member.post(&boss, &format!("{path}/drop"), &json!({ "reason": "enough" })).await.json();
    let message = "You have been disconnected";
    assert_eq!(dropped, json!({ "state": "dropped", "blocked": null, "message": message }));
    assert_eq!(watching.rest().await, b"0123");
    let object = session.parse::<RecordingId>().unwrap().into();
    let state = member.state.cluster.catalog().unwrap().object(object).unwrap().unwrap().state;
    assert!(matches!(state, ObjectState::Sealed(facts) if facts.length == 4), "{state:?}");

    let late = member.append(&recorder, &session, 4, b"45").await;
    assert_eq!(late.problem(), (410, "session-dropped".to_owned()));
    assert_eq!(late.json()["detail"], message);
    assert_eq!(head(&member, &recorder, &session).await, (StatusCode::GONE, texts(["dropped", ""])));
    // A recorder that seals as ever does no harm.
    assert_eq!(member.seal(&recorder, &session).await.status, StatusCode::OK);
    let again = control(&member, &boss, Method::POST, &format!("{path}/drop")).await;
    assert_eq!(again.problem(), (409, "session-not-live".to_owned()));
    let info = member.get(&boss, &path).await.json()["session_info"].clone();
    assert_eq!((&info["state"], &info["reason"]), (&json!("dropped"), &json!("enough")));

    index(&member, &session).await;
    let log = member.get(&boss, &format!("{path}/logs")).await.json();
    let by = |kind: &str, text: &str| (kind.to_owned(), text.to_owned());
    let entries = log["entries"].as_array().unwrap().iter();
    let done: Vec<_> =
        entries.map(|entry| by(entry["kind"].as_str().unwrap(), entry["text"].as_str().unwrap())).collect();
    let name = member.get(&boss, "/v1/whoami").await.json()["name"].as_str().unwrap().to_owned();
    assert!(done.contains(&by("blocked", &format!("{name}: odd"))), "{done:?}");
    assert!(done.contains(&by("dropped", &format!("{name}: enough"))), "{done:?}");
    assert_eq!(done.last(), Some(&by("ended", "dropped: enough")));
    let leaves = told(&member, AuditKind::Change);
    for (action, detail) in [("Block", "blocked: odd"), ("Drop", "dropped: enough")] {
        let action = format!("PAM.SessionManagement.{action}");
        let leaf = [name.clone(), action, format!("session/{session}"), detail.to_owned()];
        assert!(leaves.contains(&leaf), "{leaves:?}");
    }
}

#[actix_web::test]
async fn who_waits_hears_what_is_done_to_the_session() {
    let member = Member::start().await;
    let (recorder, boss) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    let session = member.open(&recorder, &ssh()).await;
    let path = format!("/v1/sessions/{session}");
    let mut events = Following::begin(&member, &recorder, &format!("{path}/events")).await;
    let upload = append_on(&member, &recorder, &session, 0, b"0123");
    let acts = async {
        let mut heard = vec![event(&mut events).await];
        durable(&member, &session, 4).await;
        control(&member, &boss, Method::PUT, &format!("{path}/block")).await;
        heard.push(event(&mut events).await);
        heard
    };
    let (answer, mut heard) = join(upload, acts).await;
    let headers = ["custody-session", "upload-offset"].map(|name| answer.header(name).to_owned());
    assert_eq!((answer.problem(), headers), ((403, "session-blocked".to_owned()), texts(["blocked", "4"])));

    // A request that begins in a blocked session goes on until it is dropped.
    let upload = append_on(&member, &recorder, &session, 4, b"4567");
    let acts = async {
        durable(&member, &session, 8).await;
        control(&member, &boss, Method::POST, &format!("{path}/drop")).await;
        heard.push(event(&mut events).await);
    };
    let (answer, ()) = join(upload, acts).await;
    assert_eq!(answer.problem(), (410, "session-dropped".to_owned()));
    assert_eq!(events.next().await, None);
    let states: Vec<_> =
        heard.iter().map(|one| (one["state"].clone(), one["blocked"]["reason"].clone())).collect();
    let expected = [("live", Value::Null), ("live", json!("odd")), ("dropped", Value::Null)];
    assert_eq!(states, expected.map(|(state, reason)| (json!(state), reason)));
}

async fn event(events: &mut Following) -> Value {
    let text = String::from_utf8(events.next().await.unwrap().unwrap()).unwrap();
    let data = text.strip_prefix("event: session\ndata: ").unwrap();
    serde_json::from_str(data).unwrap()
}
