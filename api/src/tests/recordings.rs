use actix_web::http::{Method, StatusCode};
use cluster::catalog::{ClockSample, Command, ObjectState};
use cluster::id::RecordingId;
use serde_json::{Value, json};

use super::harness::*;
use crate::Limits;

async fn head(member: &Member, token: &str, session: &str) -> Answer {
    member.send(asked(Method::HEAD, token, &format!("/v1/sessions/{session}/recording"))).await
}

#[actix_web::test]
async fn a_recorder_resumes_at_the_durable_offset() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let session = member.open(&recorder, &ssh()).await;
    let empty = head(&member, &recorder, &session).await;
    assert_eq!((empty.status, empty.header("upload-offset")), (StatusCode::OK, "0"));
    assert_eq!((empty.header("tus-resumable"), empty.header("upload-defer-length")), ("1.0.0", "1"));
    assert_eq!(empty.header("cache-control"), "no-store");

    assert_eq!(member.append(&recorder, &session, 0, b"0123456789").await.header("upload-offset"), "10");
    let gap = member.append(&recorder, &session, 11, b"x").await;
    assert_eq!((gap.problem(), gap.header("upload-offset")), ((409, "offset-mismatch".to_owned()), "10"));
    // The same bytes again do no harm; others at the same place are refused.
    assert_eq!(member.append(&recorder, &session, 5, b"56789").await.status, StatusCode::NO_CONTENT);
    let other = member.append(&recorder, &session, 5, b"fghij").await;
    assert_eq!((other.problem(), other.header("upload-offset")), ((409, "bytes-differ".to_owned()), "10"));
    assert_eq!(member.append(&recorder, &session, 10, b"").await.header("upload-offset"), "10");
    assert_eq!(member.append(&recorder, &session, 10, b"abc").await.header("upload-offset"), "13");

    assert_eq!(member.seal(&recorder, &session).await.status, StatusCode::OK);
    let sealed = head(&member, &recorder, &session).await;
    assert_eq!((sealed.header("upload-offset"), sealed.header("upload-length")), ("13", "13"));
    let late = member.append(&recorder, &session, 13, b"x").await;
    assert_eq!((late.problem(), late.header("upload-offset")), ((409, "recording-sealed".to_owned()), "13"));
}

#[actix_web::test]
async fn headers_of_an_append_are_checked() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let session = member.open(&recorder, &ssh()).await;
    let changed = async |name: &'static str, value: &str| {
        let answer = member.send(patch(&recorder, &session, 0, b"x").insert_header((name, value))).await;
        answer.problem()
    };
    assert_eq!(changed("tus-resumable", "0.2.2").await, (412, "tus-version".to_owned()));
    assert_eq!(changed("content-type", "text/plain").await, (415, "unsupported-media-type".to_owned()));
    for coding in ["gzip", "identity, gzip", "br", ""] {
        let refused = changed("content-encoding", coding).await;
        assert_eq!(refused, (415, "unsupported-media-type".to_owned()), "{coding}");
    }
    for offset in ["", "-1", "+1", "1.0", "x", "99999999999999999999999999"] {
        assert_eq!(changed("upload-offset", offset).await, (400, "bad-request".to_owned()), "{offset}");
    }
    let twice = patch(&recorder, &session, 0, b"x").append_header(("upload-offset", "0"));
    assert_eq!(member.send(twice).await.problem(), (400, "bad-request".to_owned()));
    let huge = patch(&recorder, &session, 0, b"x").insert_header(("content-length", u64::MAX.to_string()));
    assert_eq!(member.send(huge).await.problem(), (413, "too-large".to_owned()));
    assert_eq!(head(&member, &recorder, &session).await.header("upload-offset"), "0");
    let options = member.send(asked(Method::OPTIONS, "", &format!("/v1/sessions/{session}/recording"))).await;
    assert_eq!((options.status, options.header("tus-version")), (StatusCode::NO_CONTENT, "1.0.0"));
}

#[actix_web::test]
async fn a_recording_has_a_greatest_length() {
    let limits = Limits { recording_bytes_max: 4, ..Limits::default() };
    let member = Member::start_ready(limits).await;
    let recorder = member.recorder().await;
    let session = member.open(&recorder, &ssh()).await;
    assert_eq!(
        member.append(&recorder, &session, 0, b"12345").await.problem(),
        (413, "too-large".to_owned())
    );
    assert_eq!(member.append(&recorder, &session, 0, b"1234").await.status, StatusCode::NO_CONTENT);
}

#[actix_web::test]
async fn who_asks_how_far_an_interrupted_recording_is_changes_nothing() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let session = member.open(&recorder, &ssh()).await;
    member.append(&recorder, &session, 0, b"0123").await;
    let object = session.parse::<RecordingId>().unwrap().into();
    member.state.cluster.interrupt(object).await.unwrap();
    let row = || member.state.cluster.catalog().unwrap().object(object).unwrap().unwrap();
    let before = row();
    assert!(matches!(before.state, ObjectState::Interrupted { .. }) && before.open_chunk.is_none());
    let asked = head(&member, &recorder, &session).await;
    assert_eq!((asked.header("upload-offset"), asked.header("upload-defer-length")), ("4", "1"));
    assert_eq!(row(), before);
    assert_eq!(member.append(&recorder, &session, 4, b"4567").await.header("upload-offset"), "8");
    assert_eq!(head(&member, &recorder, &session).await.header("upload-offset"), "8");
}

#[actix_web::test]
async fn the_report_tells_when_a_recording_stood_still() {
    let member = Member::start().await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.open(&recorder, &ssh()).await;
    let path = format!("/v1/sessions/{session}");
    let cluster = &member.state.cluster;
    let tell = async |wall_ms| {
        cluster.submit(Command::Clock(ClockSample { member: cluster.member(), wall_ms })).await.unwrap();
    };
    tell(NOW_MS + 10_000).await;
    member.append(&recorder, &session, 0, b"0123").await;
    cluster.interrupt(session.parse::<RecordingId>().unwrap().into()).await.unwrap();
    tell(NOW_MS + 20_000).await;
    let stands = member.get(&auditor, &path).await.json();
    let gaps = |report: &Value| (report["gaps"].clone(), report["gaps_left_out"].clone());
    // The owner tells for how long nothing had come before.
    let from_ms = stands["gaps"][0]["from_ms"].as_u64().unwrap();
    assert!((NOW_MS..=NOW_MS + 10_000).contains(&from_ms), "{from_ms}");
    assert_eq!(gaps(&stands), (json!([{ "offset": 4, "from_ms": from_ms }]), json!(0)));
    member.append(&recorder, &session, 4, b"4567").await;
    let until_ms = NOW_MS + 20_000;
    let went_on = json!([{ "offset": 4, "from_ms": from_ms, "until_ms": until_ms }]);
    assert_eq!(gaps(&member.get(&auditor, &path).await.json()), (went_on.clone(), json!(0)));
    member.seal(&recorder, &session).await;
    assert_eq!(gaps(&member.get(&auditor, &path).await.json()), (went_on, json!(0)));
}

#[actix_web::test]
async fn a_database_session_never_holds_rows() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let session = member.open(&recorder, &database("db-lines")).await;
    let good = "{\"statement\":\"select 1\"}\n";
    let bad = format!("{good}{{\"rows\":[1]}}\n{good}");
    let refused = member.append(&recorder, &session, 0, bad.as_bytes()).await;
    assert_eq!(refused.problem(), (422, "recording-refused".to_owned()));
    // What stands before the refused line is durable, and nothing else.
    let length = good.len().to_string();
    assert_eq!(
        (refused.header("upload-offset"), refused.json()["refused_offset"].to_string()),
        (&*length, length.clone())
    );
    assert_eq!(refused.json()["refused_line"], json!(2));
    // Whatever stands where other bytes are stored, that is what its recorder is told; and of the same ones that they are stored.
    for other in ["{\"rows\":[1]}\n", "select 1;\n", "{\"statement\":\"select 2\"}\n"] {
        let differs = member.append(&recorder, &session, 0, other.as_bytes()).await;
        let expected = (409, "bytes-differ".to_owned());
        assert_eq!((differs.problem(), differs.header("upload-offset")), (expected, &*length), "{other}");
    }
    let (_, rest) = good.split_at(5);
    let same = member.append(&recorder, &session, 5, rest.as_bytes()).await;
    assert_eq!((same.status, same.header("upload-offset")), (StatusCode::NO_CONTENT, &*length));
    // A line that is not whole yet is not taken; it is sent again with its rest.
    let offset = good.len().try_into().unwrap();
    let half = member.append(&recorder, &session, offset, b"{\"statement\":").await;
    assert_eq!((half.status, half.header("upload-offset")), (StatusCode::NO_CONTENT, &*length));
    let endless = vec![b'x'; crate::PIECE_BYTES_MAX + 1];
    let refused = member.append(&recorder, &session, offset, &endless).await;
    assert_eq!(refused.problem(), (422, "recording-refused".to_owned()));
    assert_eq!(refused.header("upload-offset"), length);
}

#[actix_web::test]
async fn a_large_recording_is_read_back_by_ranges() {
    let member = Member::start().await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let bytes: Vec<u8> = (0..3_000_001_u32).map(|index| u8::try_from(index % 251).unwrap()).collect();
    let session = member.open(&recorder, &ssh()).await;
    let path = format!("/v1/sessions/{session}/recording");
    assert_eq!(member.append(&recorder, &session, 0, &bytes).await.header("upload-offset"), "3000001");
    let live = member.get(&auditor, &path).await;
    assert_eq!((live.status, live.header("etag"), live.bytes() == bytes), (StatusCode::OK, "", true));

    let sealed = member.seal(&recorder, &session).await.json();
    let whole = member.get(&auditor, &path).await;
    assert_eq!((whole.status, whole.bytes() == bytes), (StatusCode::OK, true));
    let tag = format!("\"{}\"", sealed["root"].as_str().unwrap());
    assert_eq!((whole.header("etag"), whole.header("accept-ranges")), (&*tag, "bytes"));
    let name = format!("attachment; filename=\"session-{session}.asciicast\"");
    assert_eq!(whole.header("content-disposition"), name);

    let ranged = async |name: &'static str, value: &str, range: &str| {
        let request =
            asked(Method::GET, &auditor, &path).insert_header(("range", range)).insert_header((name, value));
        member.send(request).await
    };
    for (range, first, last) in
        [("bytes=0-0", 0, 0), ("bytes=65530-70000", 65530, 70000), ("bytes=-5", 2_999_996, 3_000_000)]
    {
        let part = ranged("x-none", "", range).await;
        assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.header("content-range"), format!("bytes {first}-{last}/3000001"));
        assert!(part.bytes() == &bytes[first..=last], "{range}");
    }
    let behind = ranged("x-none", "", "bytes=3000001-").await;
    assert_eq!(behind.problem(), (416, "range-not-satisfiable".to_owned()));
    assert_eq!(behind.header("content-range"), "bytes */3000001");
    assert_eq!(ranged("if-range", &tag, "bytes=0-9").await.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(ranged("if-range", "\"other\"", "bytes=0-9").await.status, StatusCode::OK);
    assert_eq!(ranged("if-none-match", &tag, "bytes=0-9").await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(ranged("x-none", "", "bytes=0-1,4-5").await.status, StatusCode::OK);
    let many = |parts: usize| format!("bytes={}", vec!["0-0"; parts].join(","));
    assert_eq!(ranged("x-none", "", &many(1_000)).await.status, StatusCode::OK);
    let too_many = ranged("x-none", "", &many(100_000)).await;
    assert_eq!(too_many.problem(), (431, "headers-too-large".to_owned()));
    let overflowing = ranged("x-none", "", "bytes=99999999999999999999999-").await;
    assert_eq!(overflowing.problem(), (416, "range-not-satisfiable".to_owned()));
}

#[actix_web::test]
async fn an_empty_recording_is_a_recording() {
    let member = Member::start().await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.open(&recorder, &ssh()).await;
    assert_eq!(member.seal(&recorder, &session).await.json()["length"], 0);
    let path = format!("/v1/sessions/{session}/recording");
    let whole = member.get(&auditor, &path).await;
    assert_eq!((whole.status, whole.bytes()), (StatusCode::OK, b"".as_slice()));
    let part = member.send(asked(Method::GET, &auditor, &path).insert_header(("range", "bytes=0-"))).await;
    assert_eq!(part.problem(), (416, "range-not-satisfiable".to_owned()));
}

#[actix_web::test]
async fn a_full_disk_is_said() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let session = member.open(&recorder, &ssh()).await;
    member.append(&recorder, &session, 0, b"before").await;
    member.disk.limit_free_bytes(Some(0));
    let full = member.append(&recorder, &session, 6, &vec![7; 700_000]).await;
    assert_eq!(full.problem(), (507, "disk-full".to_owned()));
}

#[actix_web::test]
async fn a_recording_as_it_was_received_takes_two_permissions() {
    let member = Member::start().await;
    let session = member.sealed(&member.recorder().await, b"secret").await;
    let path = format!("/v1/sessions/{session}/recording");
    let system = member.user(SYSTEM).await;
    assert_eq!(member.get(&system, &path).await.problem(), (409, "index-not-ready".to_owned()));
    assert_eq!(member.get(&member.user(ADMINISTRATOR).await, &path).await.bytes(), b"secret");
}
