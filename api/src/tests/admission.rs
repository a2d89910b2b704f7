//! May a session start?

use actix_web::http::StatusCode;
use cluster::catalog::TokenKind;
use serde_json::{Value, json};

use super::harness::*;

const PATH: &str = "/v1/sessions/admission";

fn asked_for(protocol: &str, format: &str, user: &str) -> Value {
    json!({ "protocol": protocol, "format": format, "device_address": "db", "user_name": user })
}

/// Whether it may, and why not.
fn said(answer: &Answer) -> (bool, Vec<(String, u64)>) {
    let json = answer.json();
    let reasons = json["reasons"].as_array().unwrap().iter();
    let reason = |one: &Value| (one["code"].as_str().unwrap().to_owned(), one["status"].as_u64().unwrap());
    (json["allowed"].as_bool().unwrap(), reasons.map(reason).collect())
}

fn reason(code: &str, status: u64) -> (String, u64) {
    (code.to_owned(), status)
}

#[actix_web::test]
async fn the_question_is_no_session() {
    let member = Member::start().await;
    let administrator = member.user(ADMINISTRATOR).await;
    let answer = member.get(&administrator, PATH).await;
    assert_eq!((answer.problem(), answer.header("allow")), ((405, "method-not-allowed".to_owned()), "POST"));
}

#[actix_web::test]
async fn all_that_is_in_the_way_of_a_session_is_told_and_refuses_it() {
    let member = Member::start().await;
    let (recorder, system) = (member.recorder().await, member.user(SYSTEM).await);
    let ask = async |body: Value| said(&member.post(&recorder, PATH, &body).await);
    let ssh_session = || asked_for("ssh", "guacamole", "grace");
    assert_eq!(ask(ssh_session()).await, (true, vec![]));
    let database = asked_for("mysql", "guacamole", "grace");
    assert_eq!(ask(database.clone()).await, (false, vec![reason("database-format", 422)]));
    let long = asked_for("ssh", "guacamole", &"x".repeat(257));
    assert_eq!(ask(long).await, (false, vec![reason("invalid-field", 422)]));

    member.disk.be_used(90);
    member.state.cluster.look_at_disks().await;
    assert_eq!(ask(ssh_session()).await, (true, vec![]));
    member.disk.be_used(91);
    member.state.cluster.look_at_disks().await;
    let full = reason("storage-full", 507);
    assert_eq!(ask(ssh_session()).await, (false, vec![full.clone()]));
    assert_eq!(ask(database).await, (false, vec![reason("database-format", 422), full]));
    let refused = member.post(&recorder, "/v1/sessions", &ssh()).await;
    assert_eq!(refused.problem(), (507, "storage-full".to_owned()));
    let disk = json!({ "free_bytes": 9_u64 << 30, "total_bytes": 100_u64 << 30, "level": "filling" });
    let members = member.get(&system, "/v1/cluster/members").await.json();
    assert_eq!(members[0]["disk"], disk);

    member.disk.be_used(0);
    member.state.cluster.look_at_disks().await;
    assert_eq!(member.post(&recorder, "/v1/sessions", &ssh()).await.status, StatusCode::CREATED);
}

#[actix_web::test]
async fn without_a_quorum_no_session_may_start() {
    let (one, _other, wire) = Member::start_two().await;
    let recorder = one.token(TokenKind::Recorder, "pam-proxy", &[]).await;
    let body = asked_for("ssh", "guacamole", "grace");
    assert_eq!(said(&one.post(&recorder, PATH, &body).await), (true, vec![]));
    wire.cut();
    let without = one.post(&recorder, PATH, &body).await;
    assert_eq!(said(&without), (false, vec![reason("not-ready", 503)]));
}
