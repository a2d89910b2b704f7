//! The file of sound of a session: brought once, kept as it came, and told of.

use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use actix_web::web::Bytes;
use cluster::catalog::{AuditKind, TokenKind};
use cluster::chunk::Hash;
use cluster::id::RecordingId;
use futures_util::Stream;
use futures_util::stream::{StreamExt, iter, pending};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::audit::told;
use super::harness::*;
use crate::Limits;

const SOUND: &[u8] = b"the sound of the room";

fn path(session: &str) -> String {
    format!("/v1/sessions/{session}/sound")
}

/// Brings a file; PUT of it needs no condition.
fn bring(token: &str, session: &str, query: &str, bytes: &[u8]) -> TestRequest {
    unconditional(Method::PUT, token, &format!("{}{query}", path(session)))
        .insert_header(("content-length", bytes.len().to_string()))
        .set_payload(bytes.to_vec())
}

/// A body that does not say how long it is.
fn body(pieces: impl Stream<Item = Result<Bytes, PayloadError>> + 'static) -> Option<Payload> {
    let payload: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(pieces);
    Some(Payload::Stream { payload })
}

/// How many objects derive from a recording.
fn streams(member: &Member, session: &str) -> u64 {
    let recording: RecordingId = session.parse().unwrap();
    let row = member.state.cluster.catalog().unwrap().object(recording.into()).unwrap();
    row.unwrap().newest_stream.0
}

#[actix_web::test]
async fn a_file_is_kept_once_and_given_back_as_it_came() {
    let member = Member::start().await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.sealed(&recorder, b"x").await;
    let absent = member.get(&auditor, &path(&session)).await;
    assert_eq!(absent.problem(), (404, "not-found".to_owned()));
    let report = member.get(&auditor, &format!("/v1/sessions/{session}")).await.json();
    assert_eq!(report["session"]["sound"], Value::Null);

    let brought = member.send(bring(&recorder, &session, "?offset_ms=-1500", SOUND)).await;
    assert_eq!((brought.status, brought.header("location")), (StatusCode::CREATED, path(&session).as_str()));
    let answer = brought.json();
    let root = answer["root"].clone();
    assert_eq!(root.as_str().map(str::len), Some(64));
    let sha256 = Hash::of(&[SOUND]).to_string();
    let expected = json!({ "size_bytes": 21, "offset_ms": -1500, "sha256": sha256, "root": root, "file": path(&session) });
    assert_eq!(answer, expected);
    let again = member.send(bring(&recorder, &session, "?offset_ms=-1500", SOUND)).await;
    assert_eq!((again.status, again.json()), (StatusCode::OK, expected.clone()));
    assert_eq!(streams(&member, &session), 1, "what is there already is not stored again");
    let report = member.get(&auditor, &format!("/v1/sessions/{session}")).await.json();
    assert_eq!(report["session"]["sound"], expected);

    let given = member.get(&auditor, &path(&session)).await;
    assert_eq!((given.status, given.bytes()), (StatusCode::OK, SOUND));
    assert_eq!(given.header("etag"), format!("\"{sha256}\""));
    let name = format!("attachment; filename=\"session-{session}-sound\"");
    assert_eq!((given.header("content-disposition"), given.header("accept-ranges")), (&*name, "bytes"));
    let part = asked(Method::GET, &auditor, &path(&session)).insert_header(("range", "bytes=4-8"));
    let part = member.send(part).await;
    assert_eq!((part.status, part.bytes()), (StatusCode::PARTIAL_CONTENT, &b"sound"[..]));
}

#[actix_web::test]
async fn another_file_of_a_session_is_a_conflict_and_changes_nothing() {
    let member = Member::start().await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    // While the session is live, too.
    let session = member.open(&recorder, &ssh()).await;
    assert_eq!(member.send(bring(&recorder, &session, "", SOUND)).await.status, StatusCode::CREATED);
    let other = [SOUND, b"s"].concat();
    let same_length = SOUND.to_ascii_uppercase();
    for (query, bytes) in [("?offset_ms=1", SOUND), ("", &other), ("", &same_length), ("?offset_ms=0", b"")] {
        let refused = member.send(bring(&recorder, &session, query, bytes)).await;
        assert_eq!(refused.problem(), (409, "sound-differs".to_owned()), "{query}");
    }
    assert_eq!(member.get(&auditor, &path(&session)).await.bytes(), SOUND);
    assert_eq!(streams(&member, &session), 1);
}

#[actix_web::test]
async fn what_cannot_be_heard_is_refused_and_leaves_nothing() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let session = member.sealed(&recorder, b"x").await;
    let refused = member.send(bring(&recorder, &session, "", b"no sound at all")).await;
    assert_eq!(refused.problem(), (422, "sound-refused".to_owned()));
    assert_eq!(refused.json()["detail"], "the sound cannot be heard: UNSUPPORTED: expected sound");
    assert_eq!(streams(&member, &session), 0);
    // A better one may come.
    assert_eq!(member.send(bring(&recorder, &session, "", SOUND)).await.status, StatusCode::CREATED);
}

#[actix_web::test]
async fn what_a_file_is_announced_as_is_checked_before_it_comes() {
    let limits = Limits { sound_bytes_max: 21, ..Limits::default() };
    let member = Member::start_ready(limits).await;
    let recorder = member.recorder().await;
    let session = member.sealed(&recorder, b"x").await;
    for query in
        ["?offset_ms=x", "?offset_ms=1.5", "?offset_ms=86400001", "?offset_ms=-86400001", "?offset=1"]
    {
        let refused = member.send(bring(&recorder, &session, query, SOUND)).await;
        assert_eq!(refused.problem(), (400, "invalid-query".to_owned()), "{query}");
    }
    let coded = bring(&recorder, &session, "", SOUND).insert_header(("content-encoding", "gzip"));
    assert_eq!(member.send(coded).await.problem(), (415, "unsupported-media-type".to_owned()));
    let too_large = (413, "too-large".to_owned());
    let long = [SOUND, b"s"].concat();
    assert_eq!(member.send(bring(&recorder, &session, "", &long)).await.problem(), too_large);
    let unsaid = unconditional(Method::PUT, &recorder, &path(&session));
    let pieces = long.chunks(5).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect::<Vec<_>>();
    assert_eq!(member.send_with(unsaid, body(iter(pieces))).await.problem(), too_large);
    assert_eq!(streams(&member, &session), 0);
    assert_eq!(member.send(bring(&recorder, &session, "", SOUND)).await.status, StatusCode::CREATED);

    let database = member.open(&recorder, &database("db-lines")).await;
    let refused = member.send(bring(&recorder, &database, "", SOUND)).await;
    assert_eq!(refused.problem(), (422, "database-format".to_owned()));
}

#[actix_web::test]
async fn who_sends_nothing_is_not_waited_for() {
    let limits = Limits { idle_s_max: 1, ..Limits::default() };
    let member = Member::start_ready(limits).await;
    let recorder = member.recorder().await;
    let session = member.sealed(&recorder, b"x").await;
    let request = unconditional(Method::PUT, &recorder, &path(&session));
    let silent = iter([Ok(Bytes::from_static(SOUND))]).chain(pending());
    let answer = timeout(Duration::from_secs(20), member.send_with(request, body(silent))).await;
    assert_eq!(answer.unwrap().problem(), (408, "recorder-idle".to_owned()));
    assert_eq!(streams(&member, &session), 0);
}

#[actix_web::test]
async fn sound_is_the_recorders_to_bring_and_gone_with_its_session() {
    let member = Member::start().await;
    let (recorder, administrator) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    let session = member.sealed(&recorder, b"x").await;
    let other = member.token(TokenKind::Recorder, "another", &[]).await;
    let auditor = member.user(AUDITOR).await;
    let hidden = member.send(bring(&other, &session, "", SOUND)).await;
    assert_eq!(hidden.problem(), (404, "not-found".to_owned()));
    let forbidden = member.send(bring(&auditor, &session, "", SOUND)).await;
    assert_eq!(forbidden.problem(), (403, "permission-missing".to_owned()));
    assert_eq!(member.send(bring(&recorder, &session, "", SOUND)).await.status, StatusCode::CREATED);
    // Who watches it does not get the file.
    let system = member.get(&member.user(SYSTEM).await, &path(&session)).await;
    assert_eq!(system.json()["permission"], "PAM.SessionManagement.Download");

    let purge = format!("/v1/sessions/{session}/purge");
    let purged = member.post(&administrator, &purge, &json!({ "reason": "asked" })).await;
    assert!(purged.status.is_success(), "{:?}", purged.body);
    let gone = (410, "session-purged".to_owned());
    assert_eq!(member.get(&auditor, &path(&session)).await.problem(), gone);
    assert_eq!(member.send(bring(&recorder, &session, "", SOUND)).await.problem(), gone);
    let report = member.get(&auditor, &format!("/v1/sessions/{session}")).await.json();
    assert_eq!(report["session"]["sound"], Value::Null);
}

#[actix_web::test]
async fn the_audit_log_tells_what_proves_a_file_and_who_had_it() {
    let member = Member::start().await;
    let (recorder, administrator) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    let session = member.sealed(&recorder, b"x").await;
    for _ in 0..2 {
        member.send(bring(&recorder, &session, "?offset_ms=7", SOUND)).await;
    }
    member.get(&administrator, &path(&session)).await;
    let of = format!("session/{session}");
    let kept = format!("sound of 21 bytes at 7 ms: {}", Hash::of(&[SOUND]));
    let leaves = told(&member, AuditKind::Change).into_iter().filter(|leaf| leaf[1] == "sound-kept");
    assert_eq!(leaves.collect::<Vec<_>>(), [["pam-proxy", "sound-kept", &of, &kept].map(str::to_owned)]);
    let seen = ["ada@example.org", "PAM.SessionManagement.Download", &of, "sound: bytes 0-20"];
    assert_eq!(told(&member, AuditKind::View), [seen.map(str::to_owned)]);
}
