//! Workers, and which members have what, of a cluster of one.

use actix_web::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::*;

#[actix_web::test]
async fn workers_are_listed_and_do_as_they_are_told_and_the_audit_log_says_so() {
    let member = Member::start().await;
    let system = member.user(SYSTEM).await;
    let put = async |name: &str, body: Value| {
        let path = format!("/v1/cluster/workers/{name}");
        member.send(asked(Method::PUT, &system, &path).set_json(body)).await
    };
    let state = async |name: &str| {
        let listed = member.get(&system, "/v1/cluster/workers").await.json();
        assert_eq!(listed["unreachable"], json!([]));
        let workers = listed["workers"].as_array().unwrap().clone();
        let one = workers.into_iter().find(|worker| worker["name"] == name).unwrap();
        (one["member"].clone(), one["state"].clone())
    };
    assert_eq!(state("scrub").await, (json!(1), json!("idle")));
    let told = put("scrub", json!({ "order": "pause", "member": 1 })).await;
    assert_eq!((told.status, &told.json()["workers"][0]["state"]), (StatusCode::OK, &json!("paused")));
    assert_eq!(state("scrub").await, (json!(1), json!("paused")));
    assert_eq!(state("resync").await, (json!(1), json!("idle")));
    put("scrub", json!({ "order": "resume" })).await;
    assert_eq!(state("scrub").await, (json!(1), json!("idle")));

    assert_eq!(put("nothing", json!({ "order": "pause" })).await.problem(), (404, "not-found".to_owned()));
    let elsewhere = put("scrub", json!({ "order": "pause", "member": 9 })).await;
    assert_eq!(elsewhere.problem(), (422, "invalid-field".to_owned()));
    assert_eq!(put("scrub", json!({ "order": "stop" })).await.problem(), (400, "invalid-json".to_owned()));
    let leaves =
        member.get(&member.user(ADMINISTRATOR).await, "/v1/audit?action=System.Cluster.Manage").await.json();
    let details: Vec<_> =
        leaves["leaves"].as_array().unwrap().iter().map(|leaf| leaf["detail"].clone()).collect();
    assert!(details.contains(&json!("pause scrub on member 1")), "{details:?}");
    assert!(details.contains(&json!("resume scrub on all members")), "{details:?}");
}

#[actix_web::test]
async fn a_sealed_recording_is_synced_and_a_growing_one_is_not() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let auditor = member.user(AUDITOR).await;
    let sealed = member.sealed(&recorder, b"all of it").await;
    let shown = member
        .get(&auditor, &format!("/v1/sessions/{sealed}/replication?wait=synced&timeout_s=1"))
        .await
        .json();
    assert_eq!(
        (&shown["synced"], &shown["is_open"], &shown["copies_min"], &shown["lacking"], &shown["chunk_count"]),
        (&json!(true), &json!(false), &json!(1), &json!(0), &json!(2))
    );
    let chunks = shown["chunks"].as_array().unwrap();
    let numbers: Vec<_> = chunks.iter().map(|chunk| (&chunk["number"], &chunk["is_manifest"])).collect();
    assert_eq!(numbers, [(&json!(0), &json!(false)), (&json!(u32::MAX), &json!(true))]);
    assert_eq!(chunks[0]["members"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&chunks[0]["members"][0]["member"], &chunks[0]["members"][0]["state"]),
        (&json!(1), &json!("verified"))
    );
    assert_eq!(chunks[0]["hash"].as_str().unwrap().len(), 64);

    let page = member.get(&auditor, &format!("/v1/sessions/{sealed}/replication?limit=1")).await.json();
    assert_eq!((page["chunks"].as_array().unwrap().len(), &page["next"]), (1, &json!(u32::MAX)));
    let rest = format!("/v1/sessions/{sealed}/replication?from={}", u32::MAX);
    assert_eq!(member.get(&auditor, &rest).await.json()["chunks"], json!([chunks[1]]));

    let live = member.open(&recorder, &ssh()).await;
    member.append(&recorder, &live, 0, b"more").await;
    let shown = member.get(&auditor, &format!("/v1/sessions/{live}/replication")).await.json();
    assert_eq!(
        (&shown["synced"], &shown["is_open"], &shown["chunks"]),
        (&json!(false), &json!(true), &json!([]))
    );
    let wrong = member.get(&auditor, &format!("/v1/sessions/{live}/replication?wait=long")).await;
    assert_eq!(wrong.problem(), (400, "invalid-query".to_owned()));
}
