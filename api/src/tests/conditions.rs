use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use cluster::catalog::TokenKind;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::harness::*;

/// Something that persons change: where it is, and how.
struct Changed {
    path: String,
    method: Method,
    body: Value,
    token: String,
}

impl Changed {
    fn request(&self) -> TestRequest {
        let request = unconditional(self.method.clone(), &self.token, &self.path);
        if self.body.is_null() { request } else { request.set_json(&self.body) }
    }
}

/// One of each kind, all of them there.
async fn all(member: &Member) -> Vec<Changed> {
    let owner = member.token(TokenKind::User, "owner", &[ADMINISTRATOR, SYSTEM]).await;
    let session = member.sealed(&member.recorder().await, b"x").await;
    member.make_user(&owner, "grace", &[]).await;
    let rule = "/v1/retention-rules/device/db";
    member.send(making(&owner, rule).set_json(json!({ "days": 7 }))).await;
    let holds = format!("/v1/sessions/{session}/holds");
    let hold = member.post(&owner, &holds, &json!({ "justification": "inquiry" })).await;
    let hold = hold.header("location").to_owned();
    let auditors = format!("/v1/sessions/{session}/auditors");
    let role = "/v1/roles/PAM%20Auditor".to_owned();
    let changed = |method: Method, path: &str, body: Value| {
        let (path, token) = (path.to_owned(), owner.clone());
        Changed { path, method, body, token }
    };
    vec![
        changed(Method::PUT, "/v1/parameters/replicas", json!({ "value": 2 })),
        changed(Method::PUT, &role, json!({ "permissions": ["PAM.Audit.Read"] })),
        changed(Method::PUT, "/v1/users/grace", json!({ "roles": [AUDITOR] })),
        changed(Method::DELETE, "/v1/users/grace", Value::Null),
        changed(Method::PUT, rule, json!({ "days": 8 })),
        changed(Method::DELETE, rule, Value::Null),
        changed(Method::PUT, &auditors, json!({ "auditors": ["eve"] })),
        changed(Method::DELETE, &hold, Value::Null),
    ]
}

#[actix_web::test]
async fn who_changes_what_others_change_says_what_they_have_looked_at() {
    let member = Member::start().await;
    for changed in all(&member).await {
        let Changed { path, method, token, .. } = &changed;
        let shown = member.get(token, path).await;
        let tag = shown.header("etag").to_owned();
        assert_eq!((shown.status, tag.len()), (StatusCode::OK, 18), "{path}");
        let again = member.get(token, path).await;
        assert_eq!(again.header("etag"), tag, "{path}");

        let missing = member.send(changed.request()).await;
        assert_eq!(missing.problem(), (428, "precondition-required".to_owned()), "{method} {path}");
        for other in ["\"0123456789abcdef\"", "W/\"0123456789abcdef\"", "\"1\""] {
            let other = member.send(changed.request().insert_header(("if-match", other))).await;
            assert_eq!(other.problem(), (412, "precondition-failed".to_owned()), "{method} {path}");
        }
        let absent = member.send(changed.request().insert_header(("if-none-match", "*"))).await;
        assert_eq!(absent.problem(), (412, "precondition-failed".to_owned()), "{method} {path}");
        let untouched = member.get(token, path).await;
        assert_eq!((untouched.header("etag"), untouched.bytes()), (tag.as_str(), shown.bytes()), "{path}");

        let done = member.send(changed.request().insert_header(("if-match", tag.as_str()))).await;
        assert!(done.status.is_success(), "{method} {path}: {:?}", done.body);
        let late = member.send(changed.request().insert_header(("if-match", tag.as_str()))).await;
        let is_gone = path.contains("/users/") && *method == Method::DELETE;
        let expected = if is_gone { (404, "not-found") } else { (412, "precondition-failed") };
        assert_eq!(late.problem(), (expected.0, expected.1.to_owned()), "{method} {path}");
        if *method == Method::PUT {
            let newer = member.get(token, path).await;
            assert_ne!(newer.header("etag"), tag, "{path}");
            let told = done.header("etag");
            assert!(told.is_empty() || told == newer.header("etag"), "{path}");
        }
    }
}

#[actix_web::test]
async fn of_changes_that_race_on_two_members_one_passes() {
    let (one, other, _wire) = Member::start_two().await;
    let system = one.user(SYSTEM).await;
    let path = "/v1/parameters/retention_days";
    for round in 0..10 {
        let tag = one.get(&system, path).await.header("etag").to_owned();
        let put = async |member: &Member, value: u64| {
            let request = unconditional(Method::PUT, &system, path).insert_header(("if-match", tag.as_str()));
            member.send(request.set_json(json!({ "value": value }))).await.status
        };
        let racing = join_all((1..=6).map(|value| {
            let member = if value % 2 == 0 { &one } else { &other };
            put(member, round * 10 + value)
        }));
        let statuses = racing.await;
        let count = |status: StatusCode| statuses.iter().filter(|one| **one == status).count();
        assert_eq!((count(StatusCode::OK), count(StatusCode::PRECONDITION_FAILED)), (1, 5), "{statuses:?}");
        other.state.cluster.read_index().await.unwrap();
        one.state.cluster.read_index().await.unwrap();
    }
}

/// How a member answers what asks for a change that another one has just made.
async fn at_once(other: &Member, asked: TestRequest) -> StatusCode {
    other.send(asked).await.status
}

#[actix_web::test]
async fn what_another_member_has_made_is_found_and_changed_at_once() {
    let (one, other, wire) = Member::start_two().await;
    let owner = one.token(TokenKind::User, "owner", &[ADMINISTRATOR, SYSTEM]).await;
    let session = one.sealed(&one.recorder().await, b"x").await;
    other.state.cluster.read_index().await.unwrap();
    wire.slow_down();
    // Whoever leads knows first: each way round, one of them is behind.
    for (makes, asks, name) in [(&one, &other, "ada"), (&other, &one, "eve")] {
        let get = |path: &str| asked(Method::GET, &owner, path);
        let made = async |request: TestRequest| {
            let made = makes.send(request).await;
            assert!(made.status.is_success(), "{:?}", made.body);
            made
        };
        let user = format!("/v1/users/{name}");
        let new = || json!({ "name": name, "password": "correct horse", "roles": [] });
        let make = || asked(Method::POST, &owner, "/v1/users").set_json(new());
        made(make()).await;
        assert_eq!(at_once(asks, get(&user)).await, StatusCode::OK);
        for disabled in [true, false] {
            let change = |disabled| json!({ "roles": [], "disabled": disabled });
            made(asked(Method::PUT, &owner, &user).set_json(change(disabled))).await;
            let put = asked(Method::PUT, &owner, &user).set_json(change(!disabled));
            assert_eq!(at_once(asks, put).await, StatusCode::OK, "disabled {disabled}");
        }
        let password = format!("{user}/password");
        made(asked(Method::PUT, &owner, &password).set_json(json!({ "password": "battery staple" }))).await;
        let put = asked(Method::PUT, &owner, &password).set_json(json!({ "password": "correct horse" }));
        assert_eq!(at_once(asks, put).await, StatusCode::NO_CONTENT);
        made(asked(Method::DELETE, &owner, &user)).await;
        made(make()).await;
        assert_eq!(at_once(asks, asked(Method::DELETE, &owner, &user)).await, StatusCode::NO_CONTENT);

        let role = format!("/v1/roles/{name}");
        made(making(&owner, &role).set_json(json!({ "permissions": [] }))).await;
        assert_eq!(at_once(asks, get(&role)).await, StatusCode::OK);
        let rule = format!("/v1/retention-rules/device/{name}");
        made(making(&owner, &rule).set_json(json!({ "days": 7 }))).await;
        assert_eq!(at_once(asks, get(&rule)).await, StatusCode::OK);
        let holds = format!("/v1/sessions/{session}/holds");
        let place = asked(Method::POST, &owner, &holds).set_json(json!({ "justification": "inquiry" }));
        let hold = made(place).await.header("location").to_owned();
        assert_eq!(at_once(asks, get(&hold)).await, StatusCode::OK);

        let token = json!({ "kind": "recorder", "subject": name });
        let token = made(asked(Method::POST, &owner, "/v1/tokens").set_json(token)).await;
        let revoked = at_once(asks, asked(Method::DELETE, &owner, token.header("location"))).await;
        assert_eq!(revoked, StatusCode::NO_CONTENT);
        assert_eq!(asks.get(token.json()["token"].as_str().unwrap(), "/v1/whoami").await.problem().0, 401);

        let reader = format!("reader-{name}");
        let permissions = json!({ "permissions": ["PAM.SessionManagement.Read"] });
        made(making(&owner, &format!("/v1/roles/{reader}")).set_json(permissions)).await;
        let token = json!({ "kind": "user", "subject": name, "roles": [reader] });
        let token = made(asked(Method::POST, &owner, "/v1/tokens").set_json(token)).await.json();
        let shown = asks.get(token["token"].as_str().unwrap(), &format!("/v1/sessions/{session}")).await;
        assert_eq!(shown.status, StatusCode::OK, "a role is in force before somebody is refused");
    }
}

#[actix_web::test]
async fn without_a_quorum_nobody_says_that_something_is_not_there() {
    let (one, _other, wire) = Member::start_two().await;
    let owner = one.token(TokenKind::User, "owner", &[ADMINISTRATOR, SYSTEM]).await;
    let session = one.sealed(&one.recorder().await, b"x").await;
    wire.cut();
    let hold = format!("/v1/sessions/{session}/holds/{}", "0".repeat(32));
    let paths = ["/v1/users/eve", "/v1/roles/Emperor", "/v1/retention-rules/device/db", &hold];
    for (path, answer) in paths.iter().zip(join_all(paths.iter().map(|path| one.get(&owner, path))).await) {
        assert_eq!(answer.problem().0, 503, "{path}");
    }
    assert_eq!(one.get(&owner, "/v1/roles/PAM%20Auditor").await.status, StatusCode::OK);
}
