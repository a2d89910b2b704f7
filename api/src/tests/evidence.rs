//! What an auditor exports, and to whom what of it is given.

use std::collections::BTreeMap;

use actix_web::http::{Method, StatusCode};
use cluster::catalog::{AuditEvent, AuditKind, Command, End, EndSession, ObjectState, PutRole, TokenKind};
use cluster::chunk::Hash;
use policy::{Authorizer, Revision, Role};
use serde_json::Value;

use super::audit::told;
use super::harness::*;

const BYTES: &[u8] = b"what was typed and shown";

/// The files of a tar file by their names, without the folder that all of them are in.
fn files(tar: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let (mut files, mut rest) = (BTreeMap::new(), tar);
    while rest[0] != 0 {
        let text = |from: usize, to: usize| {
            let field = rest[from..to].split(|byte| *byte == 0).next().unwrap();
            std::str::from_utf8(field).unwrap().to_owned()
        };
        let length = usize::from_str_radix(&text(124, 136), 8).unwrap();
        let name = text(0, 100).split_once('/').unwrap().1.to_owned();
        files.insert(name, rest[512..512 + length].to_vec());
        rest = &rest[512 + length.next_multiple_of(512)..];
    }
    assert_eq!(rest, [0; 1024]);
    files
}

fn names(files: &BTreeMap<String, Vec<u8>>) -> Vec<&str> {
    files.keys().map(String::as_str).collect()
}

/// The cluster has told the log of the sealing, as the job does that looks at what was sealed.
async fn tell_sealed(member: &Member, session: &str) {
    let recording: cluster::id::RecordingId = session.parse().unwrap();
    let row = member.state.cluster.catalog().unwrap().object(recording.into()).unwrap().unwrap();
    let ObjectState::Sealed(facts) = row.state else { panic!("it is sealed") };
    member.submit(Command::Audit(AuditEvent::sealed(recording, &facts))).await;
}

#[actix_web::test]
async fn the_sound_of_a_session_is_in_its_export_where_the_recording_is() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let session = member.sealed(&recorder, BYTES).await;
    let brought =
        asked(Method::PUT, &recorder, &format!("/v1/sessions/{session}/sound")).set_payload("a tone");
    assert_eq!(member.send(brought).await.status, StatusCode::CREATED);
    let answer = member.get(&member.user(AUDITOR).await, &format!("/v1/sessions/{session}/evidence")).await;
    let files = files(answer.bytes());
    assert_eq!(files["sound"], b"a tone");
    let report: Value = serde_json::from_slice(&files["report.json"]).unwrap();
    assert_eq!(report["session"]["sound"]["sha256"], Hash::of(&[b"a tone"]).to_string());
}

#[actix_web::test]
async fn an_export_names_its_parts_in_the_log_before_its_first_byte() {
    let member = Member::start().await;
    let session = member.sealed(&member.recorder().await, BYTES).await;
    tell_sealed(&member, &session).await;
    let ada = member.token(TokenKind::User, "ada", &[AUDITOR]).await;
    let answer = member.get(&ada, &format!("/v1/sessions/{session}/evidence")).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    assert_eq!(answer.header("content-type"), "application/x-tar");
    let disposition = format!("attachment; filename=\"evidence-{session}.tar\"");
    assert_eq!(answer.header("content-disposition"), disposition);
    let files = files(answer.bytes());
    let expected = [
        "README.txt",
        "checkpoint.txt",
        "keys.txt",
        "leaves.bin",
        "manifest.bin",
        "proofs.json",
        "recording.asciicast",
        "report.json",
        "verify.py",
        "verify.sh",
    ];
    assert_eq!(names(&files), expected);
    assert_eq!(files["recording.asciicast"], BYTES);
    assert_eq!(files["leaves.bin"].len(), 36);
    let report: Value = serde_json::from_slice(&files["report.json"]).unwrap();
    let root = report["session"]["root"].as_str().unwrap();
    let hash = |name: &str| Hash::of(&[&files[name]]);
    let detail =
        format!("root={root} manifest={} report={} recording=yes", hash("manifest.bin"), hash("report.json"));
    let object = format!("session/{session}");
    let leaf = ["ada", "PAM.SessionManagement.Evidence", &object, &detail].map(str::to_owned);
    assert_eq!(told(&member, AuditKind::View), [leaf]);
    let proofs: Value = serde_json::from_slice(&files["proofs.json"]).unwrap();
    assert!(proofs["sealed"]["leaf"].is_string() && proofs["key"]["leaf"].is_string(), "{proofs}");
}

#[actix_web::test]
async fn who_may_not_have_the_bytes_gets_neither_them_nor_their_keys() {
    let member = Member::start().await;
    let session = member.sealed(&member.recorder().await, BYTES).await;
    let permissions = ["PAM.SessionManagement.Read", "PAM.SessionManagement.Evidence"];
    let (name, by) = ("Prover".to_owned(), "tests".to_owned());
    let permitted = permissions.map(str::to_owned).to_vec();
    let command = PutRole { name, permissions: permitted, expected_version: None, by };
    member.submit(Command::PutRole(command)).await;
    let roles = [Role::from_names("Prover", permissions).unwrap()];
    member.state.authorizer.swap(Authorizer::build(Revision(2), &roles).unwrap()).unwrap();
    let prover = member.user("Prover").await;
    let files = files(member.get(&prover, &format!("/v1/sessions/{session}/evidence")).await.bytes());
    let expected = [
        "README.txt",
        "checkpoint.txt",
        "leaves.bin",
        "manifest.bin",
        "proofs.json",
        "report.json",
        "verify.py",
        "verify.sh",
    ];
    assert_eq!(names(&files), expected);
    assert!(told(&member, AuditKind::View)[0][3].ends_with(" recording=no"));
    let proofs: Value = serde_json::from_slice(&files["proofs.json"]).unwrap();
    assert_eq!(proofs["sealed"], Value::Null);
}

#[actix_web::test]
async fn what_is_not_sealed_is_no_evidence() {
    let member = Member::start().await;
    let (recorder, ada) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.open(&recorder, &ssh()).await;
    let path = format!("/v1/sessions/{session}/evidence");
    assert_eq!(member.get(&ada, &path).await.problem(), (409, "session-not-ended".to_owned()));
    let ending = EndSession {
        recording: session.parse().unwrap(),
        end: End::Finished,
        end_ms: NOW_MS,
        error_message: String::new(),
        reason: String::new(),
    };
    member.submit(Command::EndSession(ending)).await;
    assert_eq!(member.get(&ada, &path).await.problem(), (409, "recording-not-sealed".to_owned()));
    assert_eq!(told(&member, AuditKind::View), Vec::<[String; 4]>::new());
}

#[actix_web::test]
async fn nothing_is_evidence_of_nothing() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let session = member.open(&recorder, &ssh()).await;
    assert_eq!(member.seal(&recorder, &session).await.status, StatusCode::OK);
    let ada = member.user(AUDITOR).await;
    let files = files(member.get(&ada, &format!("/v1/sessions/{session}/evidence")).await.bytes());
    let empty = ["keys.txt", "leaves.bin", "recording.asciicast"];
    assert_eq!(empty.map(|name| files[name].len()), [0; 3]);
}
