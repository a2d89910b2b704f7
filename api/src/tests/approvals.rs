//! Where a parameter says so, nobody watches a session before another person agrees.

use actix_web::http::{Method, StatusCode};
use cluster::catalog::TokenKind;
use serde_json::{Value, json};

use super::artefacts::index;
use super::harness::*;
use super::videos::{claim, complete, enable};

/// What shows what was recorded.
const SHOWN: [&str; 6] = ["recording", "timeline", "keystrokes", "logs", "frames/9.png", "evidence"];

async fn need_approvals(member: &Member) {
    let system = member.user(SYSTEM).await;
    let put = asked(Method::PUT, &system, "/v1/parameters/watch_needs_approval");
    assert_eq!(member.send(put.set_json(json!({ "value": true }))).await.status, StatusCode::OK);
}

async fn statuses(member: &Member, token: &str, session: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for part in SHOWN {
        let answer = member.get(token, &format!("/v1/sessions/{session}/{part}")).await;
        statuses.push(answer.status.as_u16());
    }
    statuses
}

#[actix_web::test]
async fn what_was_recorded_is_shown_once_another_person_approves() {
    let member = Member::start().await;
    let session = member.sealed(&member.recorder().await, b"evidence").await;
    index(&member, &session).await;
    let auditor = member.token(TokenKind::User, "grace", &[AUDITOR]).await;
    let administrator = member.token(TokenKind::User, "ada", &[ADMINISTRATOR]).await;
    let before = statuses(&member, &auditor, &session).await;
    assert!(before.iter().all(|status| *status == 200), "{before:?}");
    need_approvals(&member).await;
    assert_eq!(statuses(&member, &auditor, &session).await, [403; 6]);
    assert_eq!(statuses(&member, &administrator, &session).await, [403; 6]);
    let refused = member.get(&auditor, &format!("/v1/sessions/{session}/recording")).await;
    assert_eq!(refused.problem(), (403, "approval-needed".to_owned()));

    let approvals = format!("/v1/sessions/{session}/approvals");
    let wanted = json!({ "reason": "inquiry", "ticket": "T-12", "until_ms": NOW_MS + 60_000 });
    let asked_for = member.post(&auditor, &approvals, &wanted).await;
    assert_eq!(asked_for.status, StatusCode::CREATED);
    let (place, approval) = (asked_for.header("location").to_owned(), asked_for.json());
    assert_eq!((&approval["state"], &approval["asked_by"]), (&json!("asked"), &json!("grace")));
    assert_eq!(member.get(&administrator, "/v1/approvals").await.json(), json!([approval]));
    assert_eq!(member.get(&auditor, &place).await.json(), approval);
    let decide = async |token: &str, approved: bool| {
        member.send(unconditional(Method::PUT, token, &place).set_json(json!({ "approved": approved }))).await
    };
    assert_eq!(decide(&auditor, true).await.problem(), (403, "permission-missing".to_owned()));
    let same = member.token(TokenKind::User, "grace", &[ADMINISTRATOR]).await;
    assert_eq!(decide(&same, true).await.problem(), (409, "second-person-needed".to_owned()));
    let given: Value = decide(&administrator, true).await.json();
    assert_eq!((&given["state"], &given["decided"]["by"]), (&json!("approved"), &json!("ada")));
    assert_eq!(member.get(&administrator, "/v1/approvals").await.json(), json!([]));

    assert_eq!(statuses(&member, &auditor, &session).await, before);
    assert_eq!(statuses(&member, &administrator, &session).await, [403; 6]);
    decide(&administrator, false).await;
    assert_eq!(statuses(&member, &auditor, &session).await, [403; 6]);
}

#[actix_web::test]
async fn an_auditor_of_the_session_and_a_video_need_an_approval_too() {
    let member = Member::start().await;
    enable(&member, true).await;
    let session = member.sealed(&member.recorder().await, b"evidence").await;
    let administrator = member.user(ADMINISTRATOR).await;
    let video =
        member.post(&administrator, &format!("/v1/sessions/{session}/videos"), &json!({})).await.json();
    complete(&member, &session, claim(&member).await, b"video").await;
    let grace = member.token(TokenKind::User, "grace", &[]).await;
    let names = asked(Method::PUT, &administrator, &format!("/v1/sessions/{session}/auditors"));
    member.send(names.set_json(json!({ "auditors": ["grace"] }))).await;
    need_approvals(&member).await;
    let picture = member.get(&grace, &format!("/v1/sessions/{session}/frames/9.png")).await;
    assert_eq!(picture.problem(), (403, "approval-needed".to_owned()));
    let content =
        member.get(&administrator, &format!("/v1/videos/{}/content", video["id"].as_str().unwrap())).await;
    assert_eq!(content.problem(), (403, "approval-needed".to_owned()));
    assert_eq!(member.get(&grace, &format!("/v1/sessions/{session}")).await.status, StatusCode::OK);
}
