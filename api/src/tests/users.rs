//! Local users and their logins; roles as data, and who may give them.

use std::collections::BTreeSet;

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use cluster::catalog::{AuditKind, ClockSample, Command, TokenKind};
use cluster::id::MemberId;
use serde_json::{Value, json};

use super::audit::told;
use super::harness::*;

const PASSWORD: &str = "correct horse";
const OTHER: &str = "battery staple";
const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");
const NOON_MS: u64 = NOW_MS + 12 * 60 * 60 * 1000;

/// A member, and a token that holds every permission.
async fn with_owner() -> (Member, String) {
    let member = Member::start().await;
    let owner = member.token(TokenKind::User, "owner", &[ADMINISTRATOR, SYSTEM]).await;
    (member, owner)
}

impl Member {
    pub(super) async fn make_user(&self, owner: &str, name: &str, roles: &[&str]) -> Answer {
        self.post(owner, "/v1/users", &json!({ "name": name, "password": PASSWORD, "roles": roles })).await
    }

    async fn try_login(&self, name: &str, password: &str) -> Answer {
        let body = json!({ "name": name, "password": password });
        self.send(TestRequest::post().uri("/v1/login").set_json(body)).await
    }

    /// The cookie of a login.
    pub(super) async fn log_in(&self, name: &str, password: &str) -> String {
        let answer = self.try_login(name, password).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{:?}", answer.body);
        answer.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    async fn put(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.send(asked(Method::PUT, token, path).set_json(body)).await
    }
}

fn with_cookie(method: Method, cookie: &str, path: &str) -> TestRequest {
    TestRequest::with_uri(path).method(method).insert_header(("cookie", cookie)).insert_header(SAME)
}

async fn whoami(member: &Member, cookie: &str) -> Answer {
    member.send(with_cookie(Method::GET, cookie, "/v1/whoami")).await
}

fn own_password(cookie: &str, name: &str, old: Option<&str>) -> TestRequest {
    let path = format!("/v1/users/{name}/password");
    let body = json!({ "password": OTHER, "old_password": old });
    with_cookie(Method::PUT, cookie, &path).set_json(body)
}

#[actix_web::test]
async fn users_are_made_shown_changed_and_deleted() {
    let (member, owner) = with_owner().await;
    let made = member.make_user(&owner, "grace", &[AUDITOR]).await;
    assert_eq!((made.status, made.header("location")), (StatusCode::CREATED, "/v1/users/grace"));
    let grace = json!({
        "name": "grace", "roles": [AUDITOR], "disabled": false,
        "version": 1, "changed_by": "owner", "changed_ms": NOW_MS,
    });
    assert_eq!(made.json(), grace);
    assert_eq!(member.get(&owner, "/v1/users").await.json(), json!([grace]));
    assert_eq!(member.get(&owner, "/v1/users/grace").await.json(), grace);
    let again = member.make_user(&owner, "grace", &[]).await;
    assert_eq!(again.problem(), (409, "conflict".to_owned()));

    let changed = json!({ "roles": [SYSTEM], "disabled": true });
    let changed = member.put(&owner, "/v1/users/grace", &changed).await.json();
    assert_eq!(
        (&changed["roles"], &changed["disabled"], &changed["version"]),
        (&json!([SYSTEM]), &json!(true), &json!(2))
    );
    for (path, body) in
        [("/v1/users/eve", json!({ "roles": [] })), ("/v1/users/eve/password", json!({ "password": OTHER }))]
    {
        assert_eq!(member.put(&owner, path, &body).await.problem().0, 404, "{path}");
    }
    let delete = || asked(Method::DELETE, &owner, "/v1/users/grace");
    assert_eq!(member.send(delete()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(member.send(delete()).await.problem().0, 404);
    assert_eq!(member.get(&owner, "/v1/users/grace").await.problem().0, 404);

    for (name, password, roles) in [
        ("", PASSWORD, json!([])),
        ("Grace", PASSWORD, json!([])),
        ("a/b", PASSWORD, json!([])),
        (&*"x".repeat(65), PASSWORD, json!([])),
        ("grace", "too short", json!([])),
        ("grace", &"x".repeat(1025), json!([])),
        ("grace", PASSWORD, json!(["Emperor"])),
    ] {
        let body = json!({ "name": name, "password": password, "roles": roles });
        let refused = member.post(&owner, "/v1/users", &body).await;
        assert_eq!(refused.problem(), (422, "invalid-field".to_owned()), "{body}");
    }
}

#[actix_web::test]
async fn a_login_is_a_cookie_until_it_is_ended() {
    let (member, owner) = with_owner().await;
    member.make_user(&owner, "grace", &[AUDITOR]).await;
    let answer = member.try_login("grace", PASSWORD).await;
    let header = answer.header("set-cookie");
    let (cookie, attributes) = header.split_once(';').unwrap();
    assert_eq!(attributes, " Path=/; HttpOnly; SameSite=Strict");
    assert_eq!(answer.header("cache-control"), "no-store");
    let who = whoami(&member, cookie).await.json();
    assert_eq!(
        (&who["kind"], &who["name"], &who["credential"], &who["roles"], &who["expires_ms"]),
        (&json!("user"), &json!("grace"), &json!("login"), &json!([AUDITOR]), &json!(NOON_MS))
    );
    // It is a cookie and nothing else, and no other token is one.
    let text = cookie.strip_prefix("custody=").unwrap();
    assert_eq!(member.get(text, "/v1/whoami").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(whoami(&member, &format!("custody={owner}")).await.status, StatusCode::UNAUTHORIZED);
    let both = asked(Method::GET, &owner, "/v1/whoami").insert_header(("cookie", cookie));
    assert_eq!(member.send(both).await.json()["name"], "owner");
    let wrong = asked(Method::GET, "custody_0", "/v1/whoami").insert_header(("cookie", cookie));
    assert_eq!(member.send(wrong).await.status, StatusCode::UNAUTHORIZED);
    let listed = member.get(&owner, "/v1/tokens").await.json();
    assert!(listed.as_array().unwrap().iter().any(|one| one["kind"] == "login" && one["subject"] == "grace"));

    let other = member.log_in("grace", PASSWORD).await;
    let out = member.send(with_cookie(Method::POST, cookie, "/v1/logout")).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(out.header("set-cookie"), "custody=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    assert_eq!(whoami(&member, cookie).await.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(whoami(&member, &other).await.status, StatusCode::OK);
    let bearer = member.send(asked(Method::POST, &owner, "/v1/logout")).await;
    assert_eq!(bearer.problem(), (409, "conflict".to_owned()));

    member.submit(Command::Clock(ClockSample { member: MemberId(1), wall_ms: NOON_MS })).await;
    assert_eq!(whoami(&member, &other).await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn whatever_is_wrong_with_a_login_is_answered_alike() {
    let (member, owner) = with_owner().await;
    member.make_user(&owner, "grace", &[]).await;
    member.make_user(&owner, "linus", &[]).await;
    member.put(&owner, "/v1/users/linus", &json!({ "roles": [], "disabled": true })).await;
    let mut answers = Vec::new();
    for (name, password) in [
        ("grace", OTHER),
        ("grace", ""),
        ("eve", PASSWORD),
        ("", PASSWORD),
        ("linus", PASSWORD),
        ("grace\n", "x"),
    ] {
        let answer = member.try_login(name, password).await;
        assert_eq!(answer.problem(), (401, "unauthenticated".to_owned()), "{name}");
        assert!(answer.headers.get("set-cookie").is_none());
        answers.push(answer.json());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(!answers[0].to_string().contains("grace"));
}

#[actix_web::test]
async fn logins_are_tried_only_so_often() {
    let (member, owner) = with_owner().await;
    member.make_user(&owner, "grace", &[]).await;
    for _ in 0..10 {
        assert_eq!(member.try_login("grace", OTHER).await.status, StatusCode::UNAUTHORIZED);
    }
    let early = member.try_login("grace", PASSWORD).await;
    assert_eq!(early.problem(), (429, "too-many-requests".to_owned()));
    assert!(early.json()["retry_after_s"].as_u64().unwrap() <= 7);
    // Other names have their own count, but one address counts for all.
    assert_eq!(member.try_login("eve", OTHER).await.status, StatusCode::UNAUTHORIZED);
    let mut tried = 12;
    while member.state.rates.count_login(&TestRequest::get().to_http_request(), &tried.to_string()).is_ok() {
        tried += 1;
    }
    assert!((120..130).contains(&tried), "{tried}");
    let elsewhere = TestRequest::get().peer_addr("192.0.2.1:7".parse().unwrap()).to_http_request();
    assert!(member.state.rates.count_login(&elsewhere, "ada").is_ok());
}

#[actix_web::test]
async fn changes_by_cookie_come_from_own_pages() {
    let (member, owner) = with_owner().await;
    member.make_user(&owner, "root", &[SYSTEM]).await;
    let cookie = member.log_in("root", PASSWORD).await;
    let set = |headers: &[(&'static str, &'static str)]| {
        let request =
            TestRequest::put().uri("/v1/parameters/retention_days").insert_header(("cookie", &*cookie));
        let request = request.insert_header(("if-match", "*"));
        let request = headers.iter().fold(request, |request, header| request.insert_header(*header));
        member.send(request.insert_header(("host", "custody")).set_json(json!({ "value": 7 })))
    };
    for headers in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://evil.example")],
    ] {
        assert_eq!(set(headers).await.problem(), (403, "cross-site".to_owned()), "{headers:?}");
    }
    assert_eq!(set(&[SAME]).await.status, StatusCode::OK);
    assert_eq!(set(&[("origin", "http://custody")]).await.status, StatusCode::OK);
    let foreign = TestRequest::post().uri("/v1/login").insert_header(("sec-fetch-site", "cross-site"));
    let foreign = foreign.set_json(json!({ "name": "root", "password": PASSWORD }));
    assert_eq!(member.send(foreign).await.problem(), (403, "cross-site".to_owned()));
}

#[actix_web::test]
async fn roles_and_locks_of_users_are_in_force_at_once() {
    let (member, owner) = with_owner().await;
    member.make_user(&owner, "grace", &[]).await;
    let cookie = member.log_in("grace", PASSWORD).await;
    let list = || member.send(with_cookie(Method::GET, &cookie, "/v1/sessions"));
    assert_eq!(list().await.status, StatusCode::NOT_FOUND);
    member.put(&owner, "/v1/users/grace", &json!({ "roles": [AUDITOR] })).await;
    assert_eq!(list().await.status, StatusCode::OK);
    member.put(&owner, "/v1/users/grace", &json!({ "roles": [] })).await;
    assert_eq!(list().await.status, StatusCode::NOT_FOUND);
    member.put(&owner, "/v1/users/grace", &json!({ "roles": [], "disabled": true })).await;
    assert_eq!(list().await.status, StatusCode::UNAUTHORIZED);
    member.put(&owner, "/v1/users/grace", &json!({ "roles": [] })).await;
    assert_eq!(list().await.status, StatusCode::UNAUTHORIZED);
    let cookie = member.log_in("grace", PASSWORD).await;
    member.send(asked(Method::DELETE, &owner, "/v1/users/grace")).await;
    assert_eq!(whoami(&member, &cookie).await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn a_user_changes_their_own_password_with_the_old_one() {
    let (member, owner) = with_owner().await;
    member.make_user(&owner, "grace", &[]).await;
    member.make_user(&owner, "linus", &[]).await;
    let (cookie, other) = (member.log_in("grace", PASSWORD).await, member.log_in("grace", PASSWORD).await);
    for old in [None, Some(OTHER)] {
        let refused = member.send(own_password(&cookie, "grace", old)).await;
        assert_eq!(refused.problem(), (403, "wrong-password".to_owned()));
    }
    assert_eq!(member.send(own_password(&cookie, "linus", Some(PASSWORD))).await.problem().0, 404);
    // A token of the same name is nobody's login.
    let namesake = member.token(TokenKind::User, "grace", &[]).await;
    let body = json!({ "password": OTHER, "old_password": PASSWORD });
    assert_eq!(member.put(&namesake, "/v1/users/grace/password", &body).await.problem().0, 404);

    let changed = member.send(own_password(&cookie, "grace", Some(PASSWORD))).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT);
    assert_eq!(whoami(&member, &cookie).await.status, StatusCode::OK);
    assert_eq!(whoami(&member, &other).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(member.try_login("grace", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    member.log_in("grace", OTHER).await;

    // Who manages users needs no old one, and ends every login.
    let reset = member.put(&owner, "/v1/users/grace/password", &json!({ "password": PASSWORD })).await;
    assert_eq!(reset.status, StatusCode::NO_CONTENT);
    assert_eq!(whoami(&member, &cookie).await.status, StatusCode::UNAUTHORIZED);
    member.log_in("grace", PASSWORD).await;
}

#[actix_web::test]
async fn nobody_gives_what_they_do_not_hold() {
    let (member, owner) = with_owner().await;
    let system = member.user(SYSTEM).await;
    let refused = |answer: Answer| {
        assert_eq!(answer.problem(), (403, "grant-refused".to_owned()));
        answer.json()["permission"].clone()
    };
    let token = |role: &str| json!({ "kind": "user", "subject": "me", "roles": [SYSTEM, role] });
    let record = "PAM.SessionManagement.Record";
    assert_eq!(refused(member.post(&system, "/v1/tokens", &token(ADMINISTRATOR)).await), record);
    assert_eq!(member.post(&system, "/v1/tokens", &token(SYSTEM)).await.status, StatusCode::CREATED);
    assert_eq!(member.post(&owner, "/v1/tokens", &token(ADMINISTRATOR)).await.status, StatusCode::CREATED);
    assert_eq!(refused(member.make_user(&system, "me", &[ADMINISTRATOR]).await), record);
    assert_eq!(member.get(&owner, "/v1/users").await.json(), json!([]));

    member.make_user(&system, "me", &[SYSTEM]).await;
    let path = "/v1/users/me";
    refused(member.put(&system, path, &json!({ "roles": [SYSTEM, ADMINISTRATOR] })).await);
    // What somebody else has given may stay, but not be given again after it was locked.
    member.put(&owner, path, &json!({ "roles": [ADMINISTRATOR] })).await;
    assert_eq!(
        member.put(&system, path, &json!({ "roles": [ADMINISTRATOR, SYSTEM] })).await.status,
        StatusCode::OK
    );
    let locked = json!({ "roles": [ADMINISTRATOR, SYSTEM], "disabled": true });
    assert_eq!(member.put(&system, path, &locked).await.status, StatusCode::OK);
    refused(member.put(&system, path, &json!({ "roles": [ADMINISTRATOR, SYSTEM] })).await);
    // Nor is a password set with which one could log in as somebody who holds more.
    refused(member.put(&system, "/v1/users/me/password", &json!({ "password": OTHER })).await);
    assert_eq!(member.put(&owner, "/v1/users/me/password", &json!({ "password": OTHER })).await.status, 204);
    // Who is acted for does not act for others, and so makes nobody who does.
    let service = asked(Method::POST, &system, "/v1/tokens").insert_header(("custody-act-for", "ada"));
    assert_eq!(refused(member.send(service.set_json(token(SYSTEM))).await), "System.Users.ActFor");
}

#[actix_web::test]
async fn refused_logins_grants_passwords_and_foreign_pages_are_told_in_the_audit_log() {
    let (member, owner) = with_owner().await;
    let system = member.user(SYSTEM).await;
    member.make_user(&owner, "grace", &[]).await;
    let cookie = member.log_in("grace", PASSWORD).await;
    let cross_site = ("sec-fetch-site", "cross-site");
    // A password that was typed in the place of the name is told nobody.
    for (name, password) in [("grace", OTHER), (PASSWORD, ""), ("grace", "")] {
        let body = json!({ "name": name, "password": password });
        let from = TestRequest::post().uri("/v1/login").peer_addr("192.0.2.9:1".parse().unwrap());
        assert_eq!(member.send(from.set_json(body)).await.problem().0, 401);
    }
    let login = TestRequest::post().uri("/v1/login").insert_header(cross_site);
    let login = login.set_json(json!({ "name": "grace", "password": PASSWORD }));
    assert_eq!(member.send(login).await.problem(), (403, "cross-site".to_owned()));
    let foreign = with_cookie(Method::POST, &cookie, "/v1/logout").insert_header(cross_site);
    assert_eq!(member.send(foreign).await.problem(), (403, "cross-site".to_owned()));
    for old in [None, Some(OTHER)] {
        let refused = member.send(own_password(&cookie, "grace", old)).await;
        assert_eq!(refused.problem(), (403, "wrong-password".to_owned()));
    }
    let token = json!({ "kind": "user", "subject": "me", "roles": [ADMINISTRATOR] });
    let wanted = json!({ "permissions": ["PAM.Audit.Read"] });
    assert_eq!(member.post(&system, "/v1/tokens", &token).await.problem().1, "grant-refused");
    assert_eq!(member.put(&system, "/v1/roles/PAM%20Auditor", &wanted).await.problem().1, "grant-refused");

    member.state.trail.flush(&member.state.cluster).await.unwrap();
    let told: BTreeSet<_> = told(&member, AuditKind::Refusal).into_iter().collect();
    let expected: [[&str; 4]; 6] = [
        ["", "none", "", "1 x 401"],
        ["", "none", "", "1 x 403"],
        ["ada@example.org", "System.Roles.Manage", "role/PAM Auditor", "1 x 403"],
        ["ada@example.org", "System.Users.Manage", "role/PAM Administrator", "1 x 403"],
        ["grace", "none", "", "2 x 401"],
        ["grace", "none", "user/grace", "3 x 403"],
    ];
    assert_eq!(told, expected.map(|leaf| leaf.map(str::to_owned)).into_iter().collect());
}

#[actix_web::test]
async fn roles_are_data_and_in_force_when_they_are_answered() {
    let (member, owner) = with_owner().await;
    let system = member.user(SYSTEM).await;
    let listed = member.get(&system, "/v1/roles").await.json();
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|role| role["name"].clone()).collect();
    assert_eq!(names, [ADMINISTRATOR, AUDITOR, SYSTEM]);
    let read = "PAM.SessionManagement.Read";
    let put = |token: &'static str, name: &str, permissions: Value| {
        let path = format!("/v1/roles/{}", name.replace(' ', "%20"));
        let token = if token == "owner" { owner.clone() } else { system.clone() };
        let body = json!({ "permissions": permissions });
        let member = &member;
        async move { member.put(&token, &path, &body).await }
    };
    let absent = put("system", "Night Watch", json!([read])).await;
    assert_eq!(absent.problem(), (412, "precondition-failed".to_owned()));
    let making = making(&system, "/v1/roles/Night%20Watch").set_json(json!({ "permissions": [read] }));
    let made = member.send(making).await.json();
    assert_eq!(
        made,
        json!({
            "name": "Night Watch", "permissions": [read],
            "version": 1, "changed_by": "ada@example.org", "changed_ms": NOW_MS,
        })
    );
    let watcher = member.token(TokenKind::User, "eve", &["Night Watch"]).await;
    assert_eq!(member.get(&watcher, "/v1/sessions").await.status, StatusCode::OK);
    put("system", "Night Watch", json!([])).await;
    assert_eq!(member.get(&watcher, "/v1/sessions").await.status, StatusCode::NOT_FOUND);

    let convert = "PAM.SessionManagement.Convert";
    let refused = put("system", "Night Watch", json!([convert])).await;
    assert_eq!(
        (refused.problem().1, &refused.json()["permission"]),
        ("grant-refused".to_owned(), &json!(convert))
    );
    // Nor may what others hold be taken from them, to be nobody's and then everybody's.
    assert_eq!(put("system", AUDITOR, json!([read])).await.problem().1, "grant-refused");
    assert_eq!(put("owner", "Night Watch", json!([read, convert])).await.status, StatusCode::OK);
    for permission in ["PAM.*", "PAM.SessionManagement.Dance", "read"] {
        let unknown = put("owner", "Night Watch", json!([permission])).await;
        assert_eq!(unknown.problem(), (422, "invalid-field".to_owned()), "{permission}");
    }
    assert_eq!(put("owner", " x", json!([])).await.problem(), (422, "invalid-field".to_owned()));
    let last = put("owner", SYSTEM, json!(["System.Users.Manage"])).await;
    assert_eq!(last.problem(), (409, "last-manager".to_owned()));
    assert_eq!(member.get(&system, "/v1/roles").await.status, StatusCode::OK);
}
