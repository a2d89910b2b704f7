use actix_web::http::{Method, StatusCode};
use cluster::catalog::TokenKind;
use serde_json::{Value, json};

use super::harness::*;

async fn name(member: &Member, session: &str, access: &Value) -> Answer {
    let administrator = member.user(ADMINISTRATOR).await;
    let path = format!("/v1/sessions/{session}/auditors");
    member.send(asked(Method::PUT, &administrator, &path).set_json(access)).await
}

fn ids(page: &Value) -> Vec<&str> {
    page["sessions"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn an_auditor_of_one_session_sees_one_session() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let (session, other) = (member.sealed(&recorder, b"x").await, member.sealed(&recorder, b"x").await);
    let grace = member.token(TokenKind::User, "grace", &[]).await;
    assert_eq!(member.get(&grace, "/v1/sessions").await.status, StatusCode::NOT_FOUND);

    let named = name(&member, &session, &json!({ "auditors": ["grace"] })).await;
    assert_eq!((named.status, &named.json()["version"]), (StatusCode::OK, &json!(1)));
    let page = member.get(&grace, "/v1/sessions").await.json();
    assert_eq!((ids(&page), &page["next"]), (vec![session.as_str()], &json!(null)));
    let of = |session: &str, part: &str| format!("/v1/sessions/{session}{part}");
    assert_eq!(member.get(&grace, &of(&session, "")).await.status, StatusCode::OK);
    assert_eq!(member.get(&grace, &of(&session, "/frames/9.png")).await.status, StatusCode::OK);
    for part in ["/keystrokes", "/auditors"] {
        assert_eq!(member.get(&grace, &of(&session, part)).await.status, StatusCode::FORBIDDEN, "{part}");
    }
    assert_eq!(member.get(&grace, &of(&other, "")).await.status, StatusCode::NOT_FOUND);

    name(&member, &session, &json!({ "auditors": [] })).await;
    assert_eq!(member.get(&grace, &of(&session, "")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(member.get(&grace, "/v1/sessions").await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_denied_session_is_not_there_whatever_the_roles_say() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let (session, other) = (member.sealed(&recorder, b"x").await, member.sealed(&recorder, b"x").await);
    let eve = member.token(TokenKind::User, "eve", &[AUDITOR]).await;
    name(&member, &session, &json!({ "auditors": ["eve"], "denied": ["eve"] })).await;
    for part in ["", "/recording", "/frames/9.png", "/videos", "/holds", "/timeline"] {
        let answer = member.get(&eve, &format!("/v1/sessions/{session}{part}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{part}");
    }
    assert_eq!(ids(&member.get(&eve, "/v1/sessions").await.json()), [other.as_str()]);
}

#[actix_web::test]
async fn a_denied_session_is_in_no_list_and_counts_in_none() {
    let member = Member::start().await;
    let session = member.sealed(&member.recorder().await, b"x").await;
    let eve = member.token(TokenKind::User, "eve", &[ADMINISTRATOR]).await;
    let mallory = member.token(TokenKind::User, "mallory", &[]).await;
    let wanted = json!({ "reason": "inquiry", "until_ms": NOW_MS + 60_000 });
    member.post(&eve, &format!("/v1/sessions/{session}/approvals"), &wanted).await;
    let plan = format!("/v1/purge-plan?at_ms={}", NOW_MS + 400 * 86_400_000);
    let lists = async |token: &str| {
        let sessions = member.get(token, "/v1/sessions").await.json()["sessions"].as_array().unwrap().len();
        let due = member.get(token, &plan).await.json()["sessions"].as_array().unwrap().len();
        (sessions, due, member.get(token, "/v1/approvals").await.json().as_array().unwrap().len())
    };
    assert_eq!(lists(&eve).await, (1, 1, 1));
    name(&member, &session, &json!({ "auditors": ["mallory"], "denied": ["eve", "mallory"] })).await;
    assert_eq!(lists(&eve).await, (0, 0, 0));
    // That a session names and denies them at once is not told either: they are answered as who is named nowhere.
    assert_eq!(member.get(&mallory, "/v1/sessions").await.status, StatusCode::NOT_FOUND);
    name(&member, &session, &json!({ "auditors": ["mallory"], "denied": ["eve"] })).await;
    assert_eq!(ids(&member.get(&mallory, "/v1/sessions").await.json()), [session.as_str()]);
}
