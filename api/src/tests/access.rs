use std::collections::BTreeSet;
use std::str::FromStr as _;

use actix_web::http::{Method, StatusCode};
use cluster::catalog::TokenKind;
use serde_json::{Value, json};

use super::harness::*;
use super::videos::{claim, complete, enable};

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

#[actix_web::test]
async fn whoami_explains_what_a_caller_may_do_to_a_session_and_why() {
    let member = Member::start().await;
    let session = member.sealed(&member.recorder().await, b"x").await;
    let about = format!("/v1/whoami?session={session}");
    let said = async |token: &str| {
        let verdicts = member.get(token, &about).await.json()["session"].as_array().unwrap().clone();
        let short = |one: Value| {
            let name =
                one["permission"].as_str().unwrap().trim_start_matches("PAM.SessionManagement.").to_owned();
            let by = one["by"].as_str().map(|by| format!(" by {by}")).unwrap_or_default();
            format!("{name} {}{by}", one["verdict"].as_str().unwrap())
        };
        verdicts.into_iter().map(short).filter(|one| !one.ends_with("forbidden")).collect::<Vec<_>>()
    };
    let grace = member.token(TokenKind::User, "grace", &[]).await;
    let hidden = member.get(&grace, &about).await;
    let absent = member.get(&grace, "/v1/whoami?session=00000000000000000000000000000000").await;
    assert_eq!((hidden.problem(), hidden.bytes()), ((404, "not-found".to_owned()), absent.bytes()));
    name(&member, &session, &json!({ "auditors": ["grace", "lin"], "denied": ["eve"] })).await;
    let granted =
        ["Read", "Recording", "Livestream", "Logs"].map(|name| format!("{name} allowed by auditor"));
    assert_eq!(said(&grace).await, granted);
    let lin = member.token(TokenKind::User, "lin", &["System Administrator"]).await;
    assert_eq!(said(&lin).await, granted);
    let root = member.token(TokenKind::User, "root", &["System Administrator"]).await;
    let by_role = ["Read", "Recording", "Livestream"];
    assert_eq!(said(&root).await, by_role.map(|name| format!("{name} allowed by role System Administrator")));
    assert_eq!(said(&member.recorder().await).await, ["Record allowed by recorder"]);
    let eve = member.token(TokenKind::User, "eve", &[ADMINISTRATOR]).await;
    assert_eq!(member.get(&eve, &about).await.problem(), (404, "not-found".to_owned()));

    let put = asked(Method::PUT, &member.user(SYSTEM).await, "/v1/parameters/watch_needs_approval");
    assert_eq!(member.send(put.set_json(json!({ "value": true }))).await.status, StatusCode::OK);
    let waits = ["Recording", "Livestream"].map(|name| format!("{name} approval-needed"));
    assert_eq!(
        said(&root).await,
        [vec!["Read allowed by role System Administrator".to_owned()], waits.to_vec()].concat()
    );
}

#[actix_web::test]
async fn no_page_and_no_cursor_tells_that_a_denied_session_is_between_others() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        seen.insert(member.sealed(&recorder, b"x").await);
    }
    // The one in the middle: all began and ended at one time, so that they stand by identifier.
    let hidden = seen.iter().nth(1).unwrap().clone();
    let bytes = cluster::id::RecordingId::from_str(&hidden).unwrap().0;
    seen.remove(&hidden);
    name(&member, &hidden, &json!({ "denied": ["eve"] })).await;
    let eve = member.token(TokenKind::User, "eve", &[ADMINISTRATOR]).await;
    let plan = format!("/v1/purge-plan?at_ms={}&", NOW_MS + 400 * 86_400_000);
    let sorted = ["start", "user", "state"].map(|sort| format!("/v1/sessions?sort={sort}&"));
    for list in sorted.into_iter().chain([plan]) {
        let (mut shown, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = member.get(&eve, &format!("{list}limit=1{cursor}")).await.json();
            shown.extend(ids(&page).into_iter().map(str::to_owned));
            let Some(next) = page["next"].as_str() else { break };
            assert_eq!(ids(&page).len(), 1, "{list}");
            let decoded = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(next).unwrap_or_default();
            let tells = next.contains(&hidden) || decoded.windows(bytes.len()).any(|part| part == bytes);
            assert!(!tells, "{list} {next}");
            cursor = format!("&cursor={next}");
            assert!(shown.len() <= 2, "{list}");
        }
        assert_eq!(BTreeSet::from_iter(shown), seen, "{list}");
    }
}

#[actix_web::test]
async fn the_outbox_tells_who_is_denied_a_session_nothing_of_it() {
    let member = Member::start().await;
    enable(&member, true).await;
    let recorder = member.recorder().await;
    let administrator = member.user(ADMINISTRATOR).await;
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let session = member.sealed(&recorder, b"x").await;
        let wanted = json!({ "notify": ["ada@example.org"] });
        member.post(&administrator, &format!("/v1/sessions/{session}/videos"), &wanted).await;
        complete(&member, &session, claim(&member).await, b"video").await;
        sessions.push(session);
    }
    let told = async |user: &str, page: &str| {
        let token = member.token(TokenKind::User, user, &[SYSTEM]).await;
        let page = member.get(&token, &format!("/v1/outbox{page}")).await.json();
        let mails = page["mails"].as_array().unwrap().iter();
        (
            mails.map(|mail| mail["session"].as_str().unwrap().to_owned()).collect::<Vec<_>>(),
            page["next"].clone(),
        )
    };
    assert_eq!(told("root", "").await, (sessions.clone(), json!(null)));
    name(&member, &sessions[0], &json!({ "denied": ["root"] })).await;
    assert_eq!(told("root", "").await, (sessions[1..].to_vec(), json!(null)));
    assert_eq!(told("root", "?limit=1").await, (Vec::new(), json!(1)));
    assert_eq!(told("root", "?limit=1&after=1").await, (sessions[1..].to_vec(), json!(2)));
    assert_eq!(told("ben", "").await, (sessions, json!(null)));
}
