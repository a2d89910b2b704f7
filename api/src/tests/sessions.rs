use actix_web::http::{Method, StatusCode};
use cluster::catalog::TokenKind;
use serde_json::{Value, json};

use super::harness::*;

#[actix_web::test]
async fn a_session_is_opened_appended_sealed_and_reported() {
    let member = Member::start().await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.open(&recorder, &ssh()).await;
    let appended = member.append(&recorder, &session, 0, b"hello ").await;
    assert_eq!((appended.status, appended.header("upload-offset")), (StatusCode::NO_CONTENT, "6"));
    assert_eq!(member.append(&recorder, &session, 6, b"world").await.header("upload-offset"), "11");

    let live = member.get(&auditor, &format!("/v1/sessions/{session}")).await.json();
    assert_eq!(live["session_info"]["state"], "live");
    assert_eq!(live["session"]["size_bytes"], 11);
    assert_eq!(live["session"]["duration_ms"], Value::Null);

    let sealed = member.seal(&recorder, &session).await.json();
    assert_eq!(sealed["length"], 11);
    let report = member.get(&auditor, &format!("/v1/sessions/{session}")).await.json();
    let expected = json!({
        "session_info": {
            "id": session,
            "state": "finished",
            "start_ms": NOW_MS,
            "end_ms": NOW_MS + 60_000,
            "protocol": "ssh",
            "device_address": "10.0.0.7",
            "credential_user": "root",
            "error_message": "",
            "reason": "",
            "blocked": null,
        },
        "user_info": { "name": "grace", "address": "192.0.2.1" },
        "session": {
            "format": "asciicast",
            "size_bytes": 11,
            "duration_ms": 60_000,
            "recording_state": "sealed",
            "index_state": "absent",
            "root": sealed["root"],
            "recording": format!("/v1/sessions/{session}/recording"),
            "timeline": format!("/v1/sessions/{session}/timeline"),
            "keystrokes": format!("/v1/sessions/{session}/keystrokes"),
            "frame": format!("/v1/sessions/{session}/frames/{{ms}}.png"),
            "sound": null,
        },
        "video": { "download_enabled": false, "videos": [] },
        "gaps": [],
        "gaps_left_out": 0,
        "holds": [],
        "reviews": [],
        "tombstone": null,
    });
    assert_eq!(report, expected);
    // Who asks again learns the same.
    assert_eq!(member.seal(&recorder, &session).await.json(), sealed);
}

#[actix_web::test]
async fn a_seal_names_the_length_that_the_recorder_has_sent() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let session = member.open(&recorder, &ssh()).await;
    member.append(&recorder, &session, 0, b"hello").await;
    let path = format!("/v1/sessions/{session}/seal");
    let seal =
        |length: u64| json!({ "end": "failed", "end_ms": NOW_MS, "error_message": "lost", "length": length });
    let refused = member.post(&recorder, &path, &seal(6)).await;
    assert_eq!(refused.problem(), (409, "offset-mismatch".to_owned()));
    assert_eq!(refused.header("upload-offset"), "5");
    assert_eq!(member.post(&recorder, &path, &seal(5)).await.status, StatusCode::OK);
    let auditor = member.user(AUDITOR).await;
    let report = member.get(&auditor, &format!("/v1/sessions/{session}")).await.json();
    assert_eq!(report["session_info"]["error_message"], "lost");
}

#[actix_web::test]
async fn sessions_of_databases_are_recorded_as_statements_only() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    for format in ["guacamole", "asciicast", "typescript"] {
        let refused = member.post(&recorder, "/v1/sessions", &database(format)).await;
        assert_eq!(refused.problem(), (422, "database-format".to_owned()));
    }
    member.open(&recorder, &database("db-lines")).await;
}

#[actix_web::test]
async fn a_recorder_records_its_own_sessions_and_sees_none() {
    let member = Member::start().await;
    let (recorder, other) = (member.recorder().await, member.token(TokenKind::Recorder, "other", &[]).await);
    let session = member.open(&recorder, &ssh()).await;
    assert_eq!(member.append(&other, &session, 0, b"x").await.problem(), (404, "not-found".to_owned()));
    assert_eq!(member.seal(&other, &session).await.problem(), (404, "not-found".to_owned()));
    for path in ["", "/recording", "/videos", "/frames/9.png"] {
        let refused = member.get(&recorder, &format!("/v1/sessions/{session}{path}")).await;
        assert_eq!(refused.problem(), (404, "not-found".to_owned()), "{path}");
    }
    // A new token of the same recorder goes on.
    let renewed = member.recorder().await;
    assert_eq!(member.append(&renewed, &session, 0, b"x").await.status, StatusCode::NO_CONTENT);
}

#[actix_web::test]
async fn what_may_not_be_seen_is_answered_as_what_is_not_there() {
    let member = Member::start().await;
    let session = member.open(&member.recorder().await, &ssh()).await;
    let nobody = member.token(TokenKind::User, "nobody", &[]).await;
    let hidden = member.get(&nobody, &format!("/v1/sessions/{session}")).await;
    let absent = member.get(&nobody, &format!("/v1/sessions/{}", "0".repeat(32))).await;
    let no_id = member.get(&nobody, "/v1/sessions/..%2f..%2fetc").await;
    assert_eq!(hidden.problem(), (404, "not-found".to_owned()));
    assert_eq!(hidden.bytes(), absent.bytes());
    assert_eq!(hidden.bytes(), no_id.bytes());
}

#[actix_web::test]
async fn pages_are_stable_while_sessions_come() {
    let member = Member::start().await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let mut expected = Vec::new();
    for index in 0..7 {
        let mut session = ssh();
        session["start_ms"] = json!(NOW_MS + index);
        session["user_name"] = json!("grace & co");
        expected.push(member.open(&recorder, &session).await);
    }
    expected.reverse();
    let (mut found, mut path) = (Vec::new(), "/v1/sessions?limit=3&user=grace%20%26%20co".to_owned());
    loop {
        let page = member.get(&auditor, &path).await;
        let sessions = page.json()["sessions"].as_array().unwrap().clone();
        found.extend(sessions.iter().map(|session| session["id"].as_str().unwrap().to_owned()));
        // A newer session and one of another user do not move the pages behind.
        let mut newer = ssh();
        newer["start_ms"] = json!(NOW_MS + 100);
        member.open(&recorder, &newer).await;
        let link = page.header("link");
        let Some((next, _)) = link.strip_prefix('<').and_then(|link| link.split_once(">; rel=\"next\""))
        else {
            break;
        };
        path = next.to_owned();
    }
    assert_eq!(found, expected);
}

#[actix_web::test]
async fn sessions_are_filtered() {
    let member = Member::start().await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    member.sealed(&recorder, b"x").await;
    let database = member.open(&recorder, &database("db-lines")).await;
    let count = async |query: &str| {
        let answer = member.get(&auditor, &format!("/v1/sessions?{query}")).await;
        answer.json()["sessions"].as_array().map_or(99, Vec::len)
    };
    assert_eq!(count("").await, 2);
    assert_eq!(count("state=live&protocol=postgresql&device=db").await, 1);
    assert_eq!(count("state=finished").await, 1);
    assert_eq!(count("state=dropped").await, 0);
    assert_eq!(count("user=grace").await, 1);
    assert_eq!(count(&format!("start_from_ms={NOW_MS}")).await, 2);
    assert_eq!(count(&format!("start_before_ms={NOW_MS}")).await, 0);
    let live = member.get(&auditor, "/v1/sessions?state=live").await.json();
    assert_eq!(live["sessions"][0]["id"], database);
    assert_eq!(count("credential=root&user_address=192.0.2.1&format=asciicast").await, 1);
    assert_eq!(count("credential=nobody").await, 0);
    let first = async |query: &str| {
        let answer = member.get(&auditor, &format!("/v1/sessions?limit=1&{query}")).await.json();
        answer["sessions"][0]["protocol"].as_str().unwrap().to_owned()
    };
    assert_eq!(first("sort=protocol&order=ascending").await, "postgresql");
    assert_eq!(first("sort=protocol").await, "ssh");
    assert_eq!(first("sort=device&order=ascending").await, "ssh");
    for query in ["state=gone", "limit=-1", "limit=x", "order=by", "sort=name", "protocol=SSH"] {
        let refused = member.get(&auditor, &format!("/v1/sessions?{query}")).await;
        assert_eq!(refused.problem(), (400, "invalid-query".to_owned()), "{query}");
    }
    for cursor in ["!", "AAAA", "", "%00"] {
        let refused = member.get(&auditor, &format!("/v1/sessions?cursor={cursor}")).await;
        assert_eq!(refused.problem(), (400, "invalid-cursor".to_owned()), "{cursor}");
    }
}

#[actix_web::test]
async fn pictures_are_drawn_by_media() {
    let member = Member::start().await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.sealed(&recorder, b"x").await;
    let frame =
        async |rest: &str| member.get(&auditor, &format!("/v1/sessions/{session}/frames/{rest}")).await;
    let picture = frame("1200.png").await;
    assert_eq!((picture.header("content-type"), picture.bytes()), ("image/png", b"png 1200 true".as_slice()));
    assert_eq!(frame("0.png?pointer=false").await.bytes(), b"png 0 false");
    assert_eq!(frame("1.png").await.problem(), (503, "busy".to_owned()));
    assert_eq!(frame("1.png").await.header("retry-after"), "7");
    assert_eq!(frame("2.png").await.problem(), (422, "no-picture".to_owned()));
    assert_eq!(frame("3.png").await.problem(), (422, "recording-damaged".to_owned()));
    assert_eq!(frame("4.png").await.problem(), (503, "busy".to_owned()));
    assert_eq!(frame("5.png").await.problem(), (500, "internal".to_owned()));
    for rest in ["x.png", "-1.png", "1.5.png", "99999999999999999999999.png"] {
        assert_eq!(frame(rest).await.problem(), (404, "not-found".to_owned()), "{rest}");
    }
    let posted =
        member.send(asked(Method::POST, &auditor, &format!("/v1/sessions/{session}/frames/1.png"))).await;
    assert_eq!((posted.problem(), posted.header("allow")), ((405, "method-not-allowed".to_owned()), "GET"));
}
