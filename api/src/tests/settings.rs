use actix_web::http::{Method, StatusCode};
use cluster::catalog::TokenKind;
use serde_json::{Value, json};

use super::harness::*;

#[actix_web::test]
async fn parameters_change_at_run_time() {
    let member = Member::start().await;
    let system = member.user(SYSTEM).await;
    let put = async |name: &str, body: Value| {
        let path = format!("/v1/parameters/{name}");
        member.send(asked(Method::PUT, &system, &path).set_json(body)).await
    };
    let set = put("retention_days", json!({ "value": 7 })).await.json();
    assert_eq!(
        (&set["value"], &set["version"], &set["changed_by"]),
        (&json!(7), &json!(1), &json!("ada@example.org"))
    );
    assert_eq!(put("retention_days", json!({ "value": "never" })).await.json()["value"], "never");
    let listed = member.get(&system, "/v1/parameters").await.json();
    let named =
        |name: &str| listed.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone();
    assert_eq!(named("retention_days")["value"], "never");
    let video = named("video_download_enabled");
    assert_eq!(
        (&video["value"], &video["version"], &video["takes"]),
        (&json!(false), &json!(0), &json!("true or false"))
    );

    for value in [json!(true), json!(0), json!(1001)] {
        let refused = put("retention_days", json!({ "value": value })).await;
        assert_eq!(refused.problem(), (422, "invalid-field".to_owned()), "{value}");
    }
    for value in [json!("x"), json!(-1), json!(1.5), json!(null), json!([])] {
        let refused = put("retention_days", json!({ "value": value })).await;
        assert_eq!(refused.problem(), (400, "invalid-json".to_owned()), "{value}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("true, false, a number that is no less than 0, or \"never\""), "{detail}");
    }
    assert_eq!(put("nothing", json!({ "value": 1 })).await.problem(), (404, "not-found".to_owned()));
}

#[actix_web::test]
async fn tokens_are_shown_once_and_end() {
    let member = Member::start().await;
    let system = member.token(TokenKind::User, "ada@example.org", &[ADMINISTRATOR, SYSTEM]).await;
    let wanted =
        json!({ "kind": "user", "subject": "linus", "roles": [AUDITOR], "expires_ms": NOW_MS + 1000 });
    let made = member.post(&system, "/v1/tokens", &wanted).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let (id, token) =
        (made.json()["id"].as_str().unwrap().to_owned(), made.json()["token"].as_str().unwrap().to_owned());
    assert_eq!((made.header("location"), token.len()), (&*format!("/v1/tokens/{id}"), 72));
    let who = member.get(&token, "/v1/whoami").await.json();
    assert_eq!(
        (&who["kind"], &who["name"], &who["token"], &who["roles"]),
        (&json!("user"), &json!("linus"), &json!(id), &json!([AUDITOR]))
    );
    assert_eq!(who["permissions"].as_array().unwrap().len(), 10);

    let listed = member.get(&system, "/v1/tokens").await;
    assert!(
        listed
            .json()
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["id"] == id && one["created_by"] == "ada@example.org")
    );
    assert!(!String::from_utf8(listed.bytes().to_vec()).unwrap().contains(&token));

    let path = format!("/v1/tokens/{id}");
    assert_eq!(member.send(asked(Method::DELETE, &system, &path)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(member.get(&token, "/v1/whoami").await.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(member.send(asked(Method::DELETE, &system, &path)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(member.send(asked(Method::DELETE, &system, "/v1/tokens/x")).await.problem().0, 404);

    for body in [
        json!({ "kind": "user", "subject": "x", "roles": ["Emperor"] }),
        json!({ "kind": "user", "subject": "" }),
        json!({ "kind": "user", "subject": "x", "expires_ms": NOW_MS }),
        json!({ "kind": "recorder", "subject": "x", "roles": [AUDITOR] }),
        json!({ "kind": "login", "subject": "x" }),
    ] {
        assert_eq!(
            member.post(&system, "/v1/tokens", &body).await.problem(),
            (422, "invalid-field".to_owned()),
            "{body}"
        );
    }
}

#[actix_web::test]
async fn a_recorder_is_told_who_it_is() {
    let member = Member::start().await;
    let recorder = member.token(TokenKind::Recorder, "pam-proxy", &[]).await;
    let who = member.get(&recorder, "/v1/whoami").await.json();
    assert_eq!(
        (&who["kind"], &who["name"], &who["permissions"]),
        (&json!("recorder"), &json!("pam-proxy"), &json!([]))
    );
}

#[actix_web::test]
async fn members_are_listed() {
    let member = Member::start().await;
    let members = member.get(&member.user(SYSTEM).await, "/v1/cluster/members").await.json();
    let own = json!({
        "id": 1, "is_voter": true, "is_learner": false, "is_leader": true, "state": "member", "is_reachable": true,
        "is_ready": true, "version": env!("CARGO_PKG_VERSION"), "disk": null
    });
    assert_eq!(members, json!([own]));
    let ready = member.get("", "/readyz").await;
    assert_eq!((ready.status, ready.json()), (StatusCode::OK, json!({ "status": "ready" })));
}
