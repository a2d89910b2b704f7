use actix_web::http::{Method, StatusCode};
use serde_json::json;

use super::harness::*;
use super::videos::enable;

const DAY_MS: u64 = 86_400_000;

#[actix_web::test]
async fn a_hold_keeps_a_session_and_a_purge_leaves_the_head_of_its_report() {
    let member = Member::start().await;
    let (recorder, administrator) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    let session = member.sealed(&recorder, b"evidence").await;
    let of = |part: &str| format!("/v1/sessions/{session}{part}");

    let hold = json!({ "justification": "inquiry 12", "expires_ms": NOW_MS + DAY_MS });
    let placed = member.post(&administrator, &of("/holds"), &hold).await;
    assert_eq!(placed.status, StatusCode::CREATED);
    let id = placed.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(placed.header("location"), of(&format!("/holds/{id}")));
    assert_eq!((&placed.json()["stands"], &placed.json()["state"]), (&json!(true), &json!("placed")));
    let why = json!({ "reason": "asked by the user" });
    let refused = member.post(&administrator, &of("/purge"), &why).await;
    assert_eq!(refused.problem(), (409, "session-held".to_owned()));

    let path = of(&format!("/holds/{id}?reason=closed"));
    let released = member.send(asked(Method::DELETE, &administrator, &path)).await.json();
    assert_eq!((&released["state"], &released["released"]["reason"]), (&json!("released"), &json!("closed")));
    let again = member.send(asked(Method::DELETE, &administrator, &path)).await;
    assert_eq!(again.problem(), (409, "hold-released".to_owned()));

    let before = member.get(&administrator, &of("")).await.json();
    let purged = member.post(&administrator, &of("/purge"), &why).await;
    assert_eq!(purged.status, StatusCode::ACCEPTED);
    let report = member.get(&administrator, &of("")).await.json();
    assert_eq!(report, purged.json());
    assert_eq!((&before["tombstone"], &report["session_info"]["state"]), (&json!(null), &json!("purging")));
    let tombstone = &report["tombstone"];
    assert_eq!((&tombstone["size_bytes"], &tombstone["root"]), (&json!(8), &before["session"]["root"]));
    assert_eq!(tombstone["reason"], "asked by the user");
    let waits = json!({ "deleting": [1], "forgetting": [1], "keks": [1], "holding": [1] });
    assert_eq!((&tombstone["complete_ms"], &tombstone["waits_for"]), (&json!(null), &waits));
    assert_eq!(report["holds"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn the_end_of_a_purge_is_told_and_nothing_is_served_after_it() {
    let member = Member::start().await;
    let (recorder, administrator) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    let system = member.user(SYSTEM).await;
    let session = member.sealed(&recorder, b"evidence").await;
    let path = format!("/v1/sessions/{session}");
    member.post(&administrator, &format!("{path}/purge"), &json!({ "reason": "asked" })).await;
    member.post(&system, "/v1/cluster/kek/rotate", &json!({})).await;
    let order = asked(Method::PUT, &system, "/v1/cluster/workers/forget");
    assert_eq!(member.send(order.set_json(json!({ "order": "start" }))).await.status, StatusCode::OK);
    let mut report = member.get(&administrator, &path).await.json();
    while report["session_info"]["state"] != "purged" {
        assert_eq!(report["session_info"]["state"], "purging");
        member.state.cluster.tend_keks().await.unwrap();
        member.state.cluster.forget().await.unwrap();
        report = member.get(&administrator, &path).await.json();
    }
    let tombstone = &report["tombstone"];
    assert_eq!((&tombstone["complete_ms"], &tombstone["waits_for"]), (&tombstone["purged_ms"], &json!(null)));
    let listed = member.get(&administrator, "/v1/sessions?state=purged").await.json();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
    let gone = (410, "session-purged".to_owned());
    assert_eq!(member.get(&administrator, &format!("{path}/recording")).await.problem(), gone);
    let leaves = member.get(&administrator, "/v1/audit?action=purge-complete").await.json();
    assert_eq!(leaves["leaves"][0]["object"], format!("session/{session}"));
}

#[actix_web::test]
async fn nothing_of_a_purged_session_is_served() {
    let member = Member::start().await;
    enable(&member, true).await;
    let (recorder, administrator) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    let session = member.sealed(&recorder, b"evidence").await;
    let of = |part: &str| format!("/v1/sessions/{session}{part}");
    let video = member.post(&administrator, &of("/videos"), &json!({})).await.json();
    let video = format!("/v1/videos/{}", video["id"].as_str().unwrap());
    member.post(&administrator, &of("/purge"), &json!({ "reason": "asked" })).await;
    let gone = (410, "session-purged".to_owned());
    for path in [
        of("/recording"),
        of("/timeline"),
        of("/keystrokes"),
        of("/text"),
        of("/frames/0.png"),
        of("/live"),
        of("/videos"),
        video.clone(),
        format!("{video}/content"),
    ] {
        assert_eq!(member.get(&administrator, &path).await.problem(), gone, "{path}");
    }
    for path in [of("/videos"), of("/holds"), of("/purge")] {
        let body = json!({ "reason": "again", "justification": "again" });
        let answer = member.post(&administrator, &path, &body).await;
        assert!(answer.problem() == gone || answer.status == StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(member.append(&recorder, &session, 8, b"more").await.problem(), gone);
    assert_eq!(member.seal(&recorder, &session).await.problem(), gone);
}

#[actix_web::test]
async fn the_plan_follows_the_rules_and_names_what_is_held() {
    let member = Member::start().await;
    let (recorder, administrator) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    let system = member.user(SYSTEM).await;
    let session = member.sealed(&recorder, b"x").await;
    let plan = |days: u64| format!("/v1/purge-plan?at_ms={}", NOW_MS + days * DAY_MS);
    let due = |plan: serde_json::Value| plan["sessions"].as_array().unwrap().len();
    assert_eq!(due(member.get(&administrator, &plan(89)).await.json()), 0);
    assert_eq!(due(member.get(&administrator, &plan(90)).await.json()), 1);

    let device = ssh()["device_address"].as_str().unwrap().to_owned();
    let rule = format!("/v1/retention-rules/device/{device}");
    let put = making(&system, &rule).set_json(json!({ "days": 7 }));
    let rules = member.send(put).await.json();
    assert_eq!((&rules[0]["scope"], &rules[0]["name"]), (&json!("device"), &json!(device)));
    assert_eq!(due(member.get(&administrator, &plan(7)).await.json()), 1);
    member
        .post(
            &administrator,
            &format!("/v1/sessions/{session}/holds"),
            &json!({ "justification": "inquiry" }),
        )
        .await;
    let held = member.get(&administrator, &plan(7)).await.json();
    assert_eq!((&held["sessions"][0]["held"], &held["next"]), (&json!(true), &json!(null)));

    let put = asked(Method::PUT, &system, &rule).set_json(json!({ "days": "never" }));
    assert_eq!(member.send(put).await.json()[0]["days"], "never");
    assert_eq!(due(member.get(&administrator, &plan(5000)).await.json()), 0);
    assert_eq!(member.send(asked(Method::DELETE, &system, &rule)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(member.get(&system, "/v1/retention-rules").await.json(), json!([]));
    let wrong = asked(Method::PUT, &system, "/v1/retention-rules/planet/mars").set_json(json!({ "days": 7 }));
    assert_eq!(member.send(wrong).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_rule_is_about_the_name_that_its_address_encodes() {
    let member = Member::start().await;
    let system = member.user(SYSTEM).await;
    for (encoded, name) in [
        ("svc%2Bbackup", "svc+backup"),
        ("svc+backup", "svc+backup"),
        ("corp%2Fada", "corp/ada"),
        ("50%25", "50%"),
        ("%252B", "%2B"),
        ("Jo%C3%A3o%20B", "Jo\u{e3}o B"),
    ] {
        let path = format!("/v1/retention-rules/credential/{encoded}");
        let put = making(&system, &path).set_json(json!({ "days": 7 }));
        assert_eq!(member.send(put).await.json()[0]["name"], name, "{encoded}");
        let shown = member.get(&system, &path).await;
        assert_eq!((shown.status, &shown.json()["name"]), (StatusCode::OK, &json!(name)), "{encoded}");
        let put = asked(Method::PUT, &system, &path).set_json(json!({ "days": 8 }));
        assert_eq!(member.send(put).await.json()[0]["days"], 8, "{encoded}");
        let deleted = member.send(asked(Method::DELETE, &system, &path)).await;
        assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{encoded}");
        assert_eq!(member.get(&system, "/v1/retention-rules").await.json(), json!([]), "{encoded}");
    }
}
