//! KEKs, of a cluster of one.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::harness::*;

#[actix_web::test]
async fn a_kek_that_somebody_wants_is_shown_and_comes_into_use() {
    let member = Member::start().await;
    let system = member.user(SYSTEM).await;
    let shown = async || member.get(&system, "/v1/cluster/kek").await.json()["keks"].clone();
    let states =
        |keks: &Value| keks.as_array().unwrap().iter().map(|kek| kek["state"].clone()).collect::<Vec<_>>();
    assert_eq!(states(&shown().await), ["current"]);
    let rotated = member.post(&system, "/v1/cluster/kek/rotate", &json!({})).await;
    assert_eq!(
        (rotated.status, states(&rotated.json()["keks"])),
        (StatusCode::ACCEPTED, vec![json!("current"), json!("next")])
    );
    let next = &rotated.json()["keks"][1];
    assert_eq!((&next["id"], &next["holders"], &next["lacking"]), (&json!(2), &json!([1]), &json!([])));
    while states(&shown().await) != ["retired", "current"] {
        member.state.cluster.tend_keks().await.unwrap();
    }
    assert_eq!(shown().await[1]["check"], next["check"]);
    let leaves = member.get(&member.user(ADMINISTRATOR).await, "/v1/audit?object=kek/2").await.json();
    let leaves = leaves["leaves"].as_array().unwrap().clone();
    let mut actions: Vec<_> = leaves.iter().map(|leaf| leaf["action"].clone()).collect();
    actions.sort_by_key(ToString::to_string);
    assert_eq!(actions, ["System.Cluster.Manage", "kek-used"]);
}
