//! Uploads as asciinema's own client sends them.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::harness::*;
use crate::Limits;

const CAST: &[u8] =
    b"{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1700000000}\n[0.5,\"o\",\"$ \"]\n--b\r\n--\n";

/// A form with one file, and something behind it.
fn form(name: &str, file: &[u8]) -> Vec<u8> {
    let head = format!(
        "--b-1\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.cast\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    [head.as_bytes(), file, b"\r\n--b-1--\r\n"].concat()
}

fn basic(name: &str, token: &str) -> (&'static str, String) {
    let pair = base64_simd::STANDARD.encode_to_string(format!("{name}:{token}"));
    ("authorization", format!("Basic {pair}"))
}

fn upload(path: &str, credential: (&'static str, String), body: Vec<u8>) -> TestRequest {
    TestRequest::with_uri(path)
        .method(Method::POST)
        .insert_header(credential)
        .insert_header(("content-type", "multipart/form-data; boundary=b-1"))
        .insert_header(("host", "custody.example.org"))
        .set_payload(body)
}

#[actix_web::test]
async fn a_file_of_either_client_is_a_session_that_has_ended() {
    let member = Member::start().await;
    let (recorder, auditor) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    for (path, name, user) in [("/api/v1/recordings", "file", ""), ("/api/asciicasts", "asciicast", "None")] {
        let answer = member.send(upload(path, basic(user, &recorder), form(name, CAST))).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let place = answer.header("location").to_owned();
        assert_eq!(answer.json()["url"], format!("http://custody.example.org{place}"));
        assert!(answer.json()["message"].as_str().unwrap().contains(&place));
        let report = member.get(&auditor, &place).await.json();
        let info = &report["session_info"];
        let told = [&info["state"], &info["protocol"], &report["session"]["format"], &info["start_ms"]];
        assert_eq!(
            told,
            [&json!("finished"), &json!("terminal"), &json!("asciicast"), &json!(1_700_000_000_000_u64)]
        );
        assert_eq!(report["session"]["recording_state"], "sealed");
        assert_eq!(report["user_info"]["name"], "pam-proxy");
        assert_eq!(member.get(&auditor, &format!("{place}/recording")).await.bytes(), CAST);
    }
}

#[actix_web::test]
async fn what_is_no_form_or_no_file_or_cut_is_refused() {
    let member = Member::start_ready(Limits { recording_bytes_max: 300, ..Limits::default() }).await;
    let (recorder, administrator) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    let send =
        async |body: Vec<u8>| member.send(upload("/api/v1/recordings", basic("", &recorder), body)).await;
    assert_eq!(send(b"x".to_vec()).await.problem(), (400, "bad-request".to_owned()));
    assert_eq!(send(form("asciicast", CAST)).await.problem(), (400, "bad-request".to_owned()));
    assert_eq!(send(vec![b'-'; 9000]).await.problem(), (400, "bad-request".to_owned()));
    let empty = send(form("file", b"")).await;
    let message = |answer: &Answer| answer.json()["message"].as_str().unwrap().to_owned();
    assert_eq!(
        (empty.status, message(&empty)),
        (StatusCode::UNPROCESSABLE_ENTITY, "expected a file that is not empty".to_owned())
    );
    let states = async || {
        let list = member.get(&administrator, "/v1/sessions").await.json();
        let states = list["sessions"].as_array().unwrap().iter().map(|one| one["state"].clone());
        states.collect::<Vec<Value>>()
    };
    assert_eq!(states().await, Vec::<Value>::new());

    let long = send(form("file", &[CAST, &[b' '; 300]].concat())).await;
    assert_eq!((long.status, message(&long).is_empty()), (StatusCode::PAYLOAD_TOO_LARGE, false));
    assert_eq!(states().await, ["failed"]);
    let mut cut = form("file", CAST);
    cut.truncate(cut.len() - 10);
    assert_eq!(send(cut).await.problem(), (400, "bad-request".to_owned()));
    assert_eq!(states().await, ["failed", "failed"]);
}

#[actix_web::test]
async fn basic_counts_where_asciinema_asks_and_nowhere_else() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let administrator = member.user(ADMINISTRATOR).await;
    let asked = |path: &str, token: &str| {
        TestRequest::with_uri(path).method(Method::GET).insert_header(basic("", token))
    };
    let elsewhere = member.send(asked("/v1/sessions", &administrator)).await;
    assert_eq!(elsewhere.problem(), (401, "unauthenticated".to_owned()));
    for token in ["", "5a0c1cf2-7b0e-4b4e-9d6e-0123456789ab", &recorder.replace("custody_", "")] {
        let refused = member.send(upload("/api/v1/recordings", basic("", token), form("file", CAST))).await;
        assert_eq!(refused.problem(), (401, "unauthenticated".to_owned()), "{token}");
    }
}
