//! The layout of a cluster of one.

use actix_web::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::*;

/// The same without what the member's survey says, which may not be over: then it says nothing.
fn surveyed(mut layout: Value) -> Value {
    let left = layout["members"][0].as_object_mut().unwrap().remove("moves_left").unwrap();
    assert!(left.is_null() || left == 0, "{left}");
    layout
}

#[actix_web::test]
async fn a_layout_is_staged_seen_applied_and_reverted() {
    let member = Member::start().await;
    let system = member.user(SYSTEM).await;
    member.sealed(&member.recorder().await, b"all of it").await;
    let layout = async || surveyed(member.get(&system, "/v1/cluster/layout").await.json());
    let ask = async |method: Method, path: &str, body: Value| {
        let path = format!("/v1/cluster/{path}");
        member.send(asked(method, &system, &path).set_json(body)).await
    };
    let before = layout().await;
    let bytes = before["members"][0]["bytes"].clone();
    assert!(bytes.as_u64().unwrap() > 9, "{before}");
    let role = json!({ "zone": "", "weight": 1 });
    let mut shown = json!({
        "member": 1, "role": role, "staged": null, "settled": true, "bytes": bytes, "in_bytes": 0, "out_bytes": 0
    });
    let expected = json!({
        "version": 0, "applied_by": null, "applied_ms": null, "replicas": 1, "settled": true, "members": [shown],
        "staged": null, "is_estimate": false
    });
    assert_eq!(before, expected);

    let east = json!({ "zone": "east", "weight": 5 });
    let staged = surveyed(ask(Method::PUT, "layout/members/1", east.clone()).await.json());
    shown["staged"] = east.clone();
    let next = json!({ "version": 1, "by": "system", "at_ms": staged["staged"]["at_ms"], "eta_ms": 0 });
    assert_eq!((&staged["version"], &staged["members"]), (&json!(0), &json!([shown])));
    assert_eq!(staged["staged"]["version"], next["version"]);
    assert_eq!(staged["staged"]["eta_ms"], next["eta_ms"]);
    let reverted = surveyed(ask(Method::POST, "layout/revert", json!({})).await.json());
    assert_eq!(reverted, expected);

    let staged = surveyed(ask(Method::PUT, "layout/members/1", east.clone()).await.json());
    let version = staged["staged"]["version"].clone();
    let other = ask(Method::POST, "layout/apply", json!({ "version": 1 })).await;
    assert_eq!(other.problem(), (412, "version-differs".to_owned()));
    let applied = ask(Method::POST, "layout/apply", json!({ "version": version })).await;
    assert_eq!(applied.status, StatusCode::OK);
    let applied = applied.json();
    assert_eq!(
        (&applied["version"], &applied["members"][0]["role"], &applied["staged"]),
        (&version, &east, &Value::Null)
    );

    assert_eq!(ask(Method::POST, "members/1/drain", json!({})).await.problem(), (409, "conflict".to_owned()));
    for (method, path) in [
        (Method::POST, "members/9/undrain"),
        (Method::PUT, "layout/members/9"),
        (Method::PUT, "layout/members/0"),
    ] {
        let unknown = ask(method, path, json!({ "weight": 1 })).await;
        assert_eq!(unknown.problem(), (422, "invalid-field".to_owned()), "{path}");
        assert!(unknown.json()["detail"].as_str().unwrap().starts_with("there is no member"), "{path}");
    }
    let named = ask(Method::PUT, "layout/members/one", east).await;
    assert_eq!(named.problem(), (404, "not-found".to_owned()));
    let heavy = ask(Method::PUT, "layout/members/1", json!({ "weight": 1001 })).await;
    assert_eq!(heavy.problem(), (422, "invalid-field".to_owned()));
    let members = member.get(&system, "/v1/cluster/members").await.json();
    assert_eq!(members[0].get("drain"), None, "it is in the layout");
}
