//! What the index job makes of a recording: who gets what of it, and what is said before it is there.

use std::collections::BTreeSet;

use actix_web::http::{Method, StatusCode};
use cluster::catalog::{
    ClaimToken, Command, CompleteIndex, FailJob, FailureKind, IndexDone, IndexFacts, KeepView, ViewRow,
};
use cluster::chunk::key::KeyPurpose;
use cluster::id::{ObjectId, RecordingId};

use serde_json::json;

use super::harness::*;
use super::videos::claim;

const RAW: &[u8] = b"all that was received, the password too";
pub(super) const TIMELINE: &[u8] = br#"{"version":2,"key_presses":9,"media_duration_ms":5000,"markers":[{"at_ms":10,"kind":"resize","width":4,"height":3},{"at_ms":800,"kind":"clipboard","mimetype":"text/plain","bytes":7},{"at_ms":900,"kind":"file","name":"dump.sql","mimetype":"text/plain"}],"markers_left_out":2}"#;
pub(super) const VIEW_TIMELINE: &[u8] = br#"{"version":2,"key_presses":0,"media_duration_ms":5000,"markers":[{"at_ms":900,"kind":"file","name":"dump.sql","mimetype":"text/plain"}],"markers_left_out":0}"#;
pub(super) const KEYSTROKES: &[u8] = br#"{"keystrokes_version":1,"keystrokes":[{"t_ms":850,"end_ms":990,"text":"hunter2","display":"hunter2"}],"keystrokes_left_out":1}"#;

async fn stored(member: &Member, recording: RecordingId, purpose: KeyPurpose, bytes: &[u8]) -> ObjectId {
    let cluster = &member.state.cluster;
    let object = cluster.open_stream(recording, purpose).await.unwrap();
    cluster.append(object, 0, bytes.to_vec()).await.unwrap();
    cluster.seal(object).await.unwrap();
    object
}

fn facts(artefact: ObjectId) -> IndexFacts {
    IndexFacts { duration_ms: 5000, width: 4, height: 3, frames: 2, keystrokes: 9, statements: 0, artefact }
}

/// Does the newest job, which is the index of this sealed session.
pub(super) async fn index(member: &Member, session: &str) {
    let recording: RecordingId = session.parse().unwrap();
    let job = claim(member).await;
    let view = ViewRow {
        length: VIEW.len().try_into().unwrap(),
        index: stored(member, recording, KeyPurpose::Bytes, b"{}").await,
        timeline: stored(member, recording, KeyPurpose::Bytes, VIEW_TIMELINE).await,
    };
    member.submit(Command::KeepView(KeepView { claim: job, view })).await;
    complete(member, recording, job).await;
}

async fn complete(member: &Member, recording: RecordingId, claim: ClaimToken) {
    let facts = facts(stored(member, recording, KeyPurpose::Bytes, TIMELINE).await);
    let keystrokes = stored(member, recording, KeyPurpose::Text, KEYSTROKES).await;
    member.submit(Command::CompleteIndex(CompleteIndex { claim, facts, keystrokes })).await;
}

/// The answers of a session's recording, timeline and keystrokes.
async fn three(member: &Member, token: &str, session: &str) -> [Answer; 3] {
    let ask = async |of: &str| member.get(token, &format!("/v1/sessions/{session}/{of}")).await;
    [ask("recording").await, ask("timeline").await, ask("keystrokes").await]
}

#[actix_web::test]
async fn each_caller_gets_the_recording_and_the_timeline_that_belong_together() {
    let member = Member::start().await;
    let session = member.sealed(&member.recorder().await, RAW).await;
    index(&member, &session).await;
    let [recording, timeline, keystrokes] = three(&member, &member.user(AUDITOR).await, &session).await;
    let bytes = [recording.bytes(), timeline.bytes(), keystrokes.bytes()];
    assert_eq!(bytes, [RAW, TIMELINE, KEYSTROKES]);
    for (json, of) in [(&timeline, "timeline"), (&keystrokes, "keystrokes")] {
        let headers = ["content-type", "cache-control"].map(|name| json.header(name));
        assert_eq!(headers, ["application/json", "no-store"]);
        let name = format!("attachment; filename=\"session-{session}-{of}.json\"");
        assert_eq!(json.header("content-disposition"), name);
    }

    let system = member.user(SYSTEM).await;
    let [view, view_timeline, refused] = three(&member, &system, &session).await;
    assert_eq!([view.bytes(), view_timeline.bytes()], [VIEW, VIEW_TIMELINE]);
    assert_eq!(refused.problem(), (403, "permission-missing".to_owned()));
    assert_eq!(refused.json()["permission"], "PAM.SessionManagement.Keystrokes");
    let name = format!("attachment; filename=\"session-{session}-view.asciicast\"");
    assert_eq!((view.header("content-disposition"), view.header("accept-ranges")), (&*name, "bytes"));
    let tags: BTreeSet<_> =
        [&recording, &timeline, &keystrokes, &view, &view_timeline].map(|one| one.header("etag")).into();
    assert_eq!((tags.len(), tags.contains("")), (5, false));
}

#[actix_web::test]
async fn ranges_and_validators_of_the_view_are_its_own() {
    let member = Member::start().await;
    let session = member.sealed(&member.recorder().await, RAW).await;
    index(&member, &session).await;
    let (auditor, system) = (member.user(AUDITOR).await, member.user(SYSTEM).await);
    let path = format!("/v1/sessions/{session}/recording");
    let raw_tag = member.get(&auditor, &path).await.header("etag").to_owned();
    let tag = member.get(&system, &path).await.header("etag").to_owned();
    let ranged = async |token: &str, range: &str, name: &'static str, value: &str| {
        let request = asked(Method::GET, token, &path).insert_header(("range", range));
        member.send(request.insert_header((name, value))).await
    };
    let part = ranged(&system, "bytes=5-29", "if-range", &tag).await;
    assert_eq!((part.status, part.bytes()), (StatusCode::PARTIAL_CONTENT, &VIEW[5..30]));
    assert_eq!(part.header("content-range"), format!("bytes 5-29/{}", VIEW.len()));
    let behind = ranged(&system, &format!("bytes={}-", VIEW.len()), "x-none", "").await;
    assert_eq!(behind.header("content-range"), format!("bytes */{}", VIEW.len()));
    assert_eq!(behind.problem(), (416, "range-not-satisfiable".to_owned()));
    // Who has lost or won a permission begins anew.
    for (token, known, whole) in [(&system, &raw_tag, VIEW), (&auditor, &tag, RAW)] {
        let anew = ranged(token, "bytes=5-9", "if-range", known).await;
        assert_eq!((anew.status, anew.bytes()), (StatusCode::OK, whole));
        let request = asked(Method::GET, token, &path).insert_header(("if-none-match", &**known));
        let anew = member.send(request).await;
        assert_eq!((anew.status, anew.bytes()), (StatusCode::OK, whole));
    }
    let known = asked(Method::GET, &system, &path).insert_header(("if-none-match", &*tag));
    assert_eq!(member.send(known).await.status, StatusCode::NOT_MODIFIED);
}

#[actix_web::test]
async fn what_grows_is_shown_as_far_as_it_is_durable_and_what_is_sealed_once_it_is_indexed() {
    let member = Member::start().await;
    let (recorder, auditor, system) =
        (member.recorder().await, member.user(AUDITOR).await, member.user(SYSTEM).await);
    let session = member.open(&recorder, &ssh()).await;
    member.append(&recorder, &session, 0, RAW).await;
    for is_interrupted in [false, true] {
        if is_interrupted {
            let recording: RecordingId = session.parse().unwrap();
            member.state.cluster.interrupt(recording.into()).await.unwrap();
        }
        let [recording, timeline, keystrokes] = three(&member, &auditor, &session).await;
        let so_far: [&[u8]; 3] = [RAW, b"Timeline(Received) so far", b"Keystrokes so far"];
        assert_eq!([recording.bytes(), timeline.bytes(), keystrokes.bytes()], so_far);
        let [view, view_timeline, refused] = three(&member, &system, &session).await;
        assert_eq!([view.bytes(), view_timeline.bytes()], [VIEW, b"Timeline(View) so far"]);
        assert_eq!(refused.problem(), (403, "permission-missing".to_owned()));
        for growing in [recording, timeline, keystrokes, view, view_timeline] {
            assert_eq!((growing.header("etag"), growing.header("accept-ranges")), ("", "bytes"));
        }
        let part = asked(Method::GET, &system, &format!("/v1/sessions/{session}/recording"));
        let part = member.send(part.insert_header(("range", "bytes=7-"))).await;
        assert_eq!((part.status, part.bytes()), (StatusCode::PARTIAL_CONTENT, &VIEW[7..]));
    }

    member.seal(&recorder, &session).await;
    let [recording, timeline, keystrokes] = three(&member, &auditor, &session).await;
    assert_eq!(recording.bytes(), RAW);
    let [view, view_timeline, _] = three(&member, &system, &session).await;
    for early in [timeline, keystrokes, view, view_timeline] {
        assert_eq!(early.problem(), (409, "index-not-ready".to_owned()));
        assert_eq!((early.header("retry-after"), early.header("etag")), ("2", ""));
    }
}

#[actix_web::test]
async fn what_cannot_be_indexed_has_no_view_and_no_timeline() {
    let member = Member::start().await;
    let (auditor, system) = (member.user(AUDITOR).await, member.user(SYSTEM).await);
    let failed = (422, "index-failed".to_owned());
    let none_of = async |session: &str| {
        let [recording, timeline, keystrokes] = three(&member, &auditor, session).await;
        assert_eq!(recording.bytes(), RAW);
        let [view, view_timeline, _] = three(&member, &system, session).await;
        for answer in [timeline, keystrokes, view, view_timeline] {
            assert_eq!(answer.problem(), failed);
        }
    };
    let recorder = member.recorder().await;
    let session = member.sealed(&recorder, RAW).await;
    for _ in 0..2 {
        let (claim, detail) = (claim(&member).await, "no".to_owned());
        member.submit(Command::FailJob(FailJob { claim, failure: FailureKind::Malformed, detail })).await;
    }
    none_of(&session).await;
    // The timeline of an old index held what was typed.
    let session = member.sealed(&recorder, RAW).await;
    let artefact = stored(&member, session.parse().unwrap(), KeyPurpose::Bytes, KEYSTROKES).await;
    let old = IndexDone { claim: claim(&member).await, facts: facts(artefact) };
    member.submit(Command::IndexDone(old)).await;
    none_of(&session).await;
    // A younger one had no view.
    let session = member.sealed(&recorder, RAW).await;
    complete(&member, session.parse().unwrap(), claim(&member).await).await;
    let [_, timeline, keystrokes] = three(&member, &auditor, &session).await;
    assert_eq!([timeline.bytes(), keystrokes.bytes()], [TIMELINE, KEYSTROKES]);
    let [view, view_timeline, _] = three(&member, &system, &session).await;
    assert_eq!([view.problem(), view_timeline.problem()], [failed.clone(), failed]);
}

#[actix_web::test]
async fn text_is_looked_for_with_bounds_by_who_may_see_what_was_typed() {
    let member = Member::start().await;
    let session = member.sealed(&member.recorder().await, RAW).await;
    let [auditor, system] = [member.user(AUDITOR).await, member.user(SYSTEM).await];
    let ask = async |token: &str, query: &str| {
        member.get(token, &format!("/v1/sessions/{session}/text{query}")).await
    };
    let told = |t_ms: u64, text: &str, limit: u64| json!({ "lines": [{ "t_ms": t_ms, "kind": "shown", "text": text }], "left_out": limit });
    assert_eq!(ask(&auditor, "").await.json(), told(0, "", 200));
    assert_eq!(ask(&auditor, "?q=a%20b&from_ms=7&limit=1").await.json(), told(7, "a b", 1));
    assert_eq!(ask(&auditor, "?limit=5000").await.json(), told(0, "", 1_000));
    assert_eq!(ask(&system, "?q=a").await.problem(), (403, "permission-missing".to_owned()));
    let long = format!("?q={}", "a".repeat(201));
    for query in [long.as_str(), "?query=a"] {
        assert_eq!(ask(&auditor, query).await.problem(), (400, "invalid-query".to_owned()));
    }
    let leaves = member.get(&auditor, "/v1/audit?action=PAM.SessionManagement.Keystrokes").await.json();
    let leaf = &leaves["leaves"][0];
    assert_eq!(
        (&leaf["object"], leaf.to_string().contains("a b")),
        (&json!(format!("session/{session}")), false)
    );
}
