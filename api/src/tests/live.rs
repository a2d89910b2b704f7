//! Sessions that are watched while they run.

use std::future::poll_fn;
use std::pin::Pin;

use actix_web::App;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service};
use cluster::catalog::AuditKind;
use serde_json::json;

use super::audit::told;
use super::harness::*;
use crate::app;
use crate::guard::guard;

/// An answer that is still being sent.
pub(super) struct Following {
    headers: HeaderMap,
    body: BoxBody,
}

impl Following {
    pub(super) async fn begin(member: &Member, token: &str, path: &str) -> Self {
        Self::of(member, asked(Method::GET, token, path)).await
    }

    pub(super) async fn of(member: &Member, request: TestRequest) -> Self {
        let app = App::new().configure(app::api(member.state.clone())).wrap(from_fn(guard));
        let request = request.to_request();
        let (_, response) = call_service(&init_service(app).await, request).await.into_parts();
        assert_eq!(response.status(), StatusCode::OK);
        Self { headers: response.headers().clone(), body: response.into_body().boxed() }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What comes next; none at the end, an error where it breaks off.
    pub(super) async fn next(&mut self) -> Option<Result<Vec<u8>, String>> {
        let piece = poll_fn(|context| Pin::new(&mut self.body).poll_next(context)).await?;
        Some(piece.map(|bytes| bytes.to_vec()).map_err(|error| error.to_string()))
    }

    pub(super) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        while let Some(piece) = self.next().await {
            rest.extend(piece.unwrap());
        }
        rest
    }
}

#[actix_web::test]
async fn who_follows_gets_what_becomes_durable_and_the_end_of_the_session() {
    let member = Member::start().await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.open(&recorder, &ssh()).await;
    let path = format!("/v1/sessions/{session}/live");
    member.append(&recorder, &session, 0, b"0123").await;
    let mut all = Following::begin(&member, &auditor, &path).await;
    let mut later = Following::begin(&member, &auditor, &format!("{path}?from=4")).await;
    assert_eq!((all.header("custody-position"), later.header("custody-position")), ("0", "4"));
    assert_eq!((all.header("custody-key-state-bytes"), all.header("custody-key-state-ms")), ("0", ""));
    assert_eq!((all.header("cache-control"), all.header("content-length")), ("no-store", ""));
    assert_eq!(all.next().await, Some(Ok(b"0123".to_vec())));
    member.append(&recorder, &session, 4, b"4567").await;
    for following in [&mut all, &mut later] {
        assert_eq!(following.next().await, Some(Ok(b"4567".to_vec())));
    }
    member
        .state
        .cluster
        .interrupt(session.parse::<cluster::id::RecordingId>().unwrap().into())
        .await
        .unwrap();
    member.append(&recorder, &session, 8, b"89").await;
    assert_eq!(member.seal(&recorder, &session).await.status, StatusCode::OK);
    assert_eq!((all.rest().await, later.rest().await), (b"89".to_vec(), b"89".to_vec()));
    assert_eq!(member.get(&auditor, &path).await.problem(), (409, "session-ended".to_owned()));
}

#[actix_web::test]
async fn who_joins_begins_with_the_picture_and_goes_on_with_what_they_may_see() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let session = member.open(&recorder, &ssh()).await;
    let path = format!("/v1/sessions/{session}/live");
    let system = member.user(SYSTEM).await;
    let mut joined = Following::begin(&member, &system, &path).await;
    let headers = ["custody-position", "custody-key-state-bytes", "custody-key-state-ms"];
    assert_eq!(headers.map(|name| joined.header(name)), ["5", "21", "7"]);
    let object = format!("session/{session}");
    let leaves = told(&member, AuditKind::View);
    let details: Vec<_> =
        leaves.iter().map(|[_, action, of, detail]| [&**action, &**of, &**detail]).collect();
    let watch = "PAM.SessionManagement.Livestream";
    let expected = [[watch, &object, "frame: ms 7-7"], [watch, &object, "view: bytes 5-51"]];
    assert_eq!(details, expected, "before the first byte");
    member.seal(&recorder, &session).await;
    assert_eq!(joined.rest().await, [KEY_STATE, &VIEW[5..]].concat());
}

#[actix_web::test]
async fn who_may_not_watch_any_more_sees_no_more() {
    let member = Member::start().await;
    let (recorder, administrator) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    let system = member.token(cluster::catalog::TokenKind::User, "root", &[SYSTEM]).await;
    let session = member.open(&recorder, &ssh()).await;
    let path = format!("/v1/sessions/{session}/live?from=0");
    let body = json!({ "kind": "user", "subject": "bob", "roles": [AUDITOR] });
    let both = member.token(cluster::catalog::TokenKind::User, "both", &[ADMINISTRATOR, SYSTEM]).await;
    let made = member.post(&both, "/v1/tokens", &body).await.json();
    let bob = made["token"].as_str().unwrap();
    let mut revoked = Following::begin(&member, bob, &path).await;
    let mut denied = Following::begin(&member, &system, &path).await;
    let delete = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    let gone = member.send(asked(Method::DELETE, &both, &delete)).await.status;
    assert_eq!(gone, StatusCode::NO_CONTENT);
    let auditors = format!("/v1/sessions/{session}/auditors");
    let deny = asked(Method::PUT, &administrator, &auditors).set_json(json!({ "denied": ["root"] }));
    assert_eq!(member.send(deny).await.status, StatusCode::OK);
    let mut before = Vec::new();
    while before.len() < VIEW.len() {
        before.extend(denied.next().await.unwrap().unwrap());
    }
    assert_eq!(before, VIEW, "what was asked for before");
    for following in [&mut revoked, &mut denied] {
        assert!(matches!(following.next().await, Some(Err(_))), "it breaks off");
        assert_eq!(following.next().await, None);
    }
}

#[actix_web::test]
async fn what_is_followed_breaks_off_when_the_member_stops_and_begins_within_what_is_durable() {
    let member = Member::start().await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.open(&recorder, &ssh()).await;
    member.append(&recorder, &session, 0, b"0123").await;
    let path = |query: &str| format!("/v1/sessions/{session}/live{query}");
    let behind = member.get(&auditor, &path("?from=5")).await;
    assert_eq!(behind.problem(), (416, "range-not-satisfiable".to_owned()));
    assert_eq!(behind.header("content-range"), "bytes */4");
    for query in ["?from=-1", "?from=x", "?to=1"] {
        assert_eq!(member.get(&auditor, &path(query)).await.problem(), (400, "invalid-query".to_owned()));
    }
    let mut following = Following::begin(&member, &auditor, &path("")).await;
    assert_eq!(following.next().await, Some(Ok(b"0123".to_vec())));
    member.state.closing.set();
    assert!(matches!(following.next().await, Some(Err(_))));
}
