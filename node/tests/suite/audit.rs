//! The audit log of a member as a process.

use super::harness::{Served, wait};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

/// The leaves that a query wants.
fn leaves(served: &Served, query: &str) -> Vec<Value> {
    served.get_json(&format!("/v1/audit?limit=1000&{query}"))["leaves"].as_array().unwrap().clone()
}

/// The details of what followed in views.
fn further(served: &Served) -> Vec<String> {
    let views = leaves(served, "kind=view");
    let details = views.iter().map(|leaf| leaf["detail"].as_str().unwrap().to_owned());
    details.filter(|detail| detail.contains(" more, ")).collect()
}

/// The size and the root of a checkpoint.
fn checkpoint(served: &Served) -> (u64, String) {
    let (status, _, body) = served.get("/v1/audit/checkpoint", None);
    assert_eq!(status, 200);
    let note = String::from_utf8(body).unwrap();
    let lines: Vec<&str> = note.lines().collect();
    let root = base64_simd::STANDARD.decode_to_vec(lines[2]).unwrap();
    (lines[1].parse().unwrap(), root.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[test]
fn the_log_begins_with_the_key_goes_on_and_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let file = folder.path().join("data/audit-key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let first = leaves(&served, "");
    let words: Vec<_> = first.iter().take(2).map(|leaf| [&leaf["action"], &leaf["user"]]).collect();
    assert_eq!(words[0], [&json!("audit-key"), &json!("")]);
    assert_eq!(words[1], [&json!("System.Users.Manage"), &json!("custody serve")]);
    let keys = served.get_json("/v1/audit/keys");
    assert_eq!(first[0]["detail"], keys[0]["public_key"]);
    wait("the heartbeat", || leaves(&served, "kind=heartbeat").pop());

    // The views of this test: the log itself. What follows the first is told while the member runs, and at its end.
    wait("what followed", || Some(further(&served)).filter(|told| !told.is_empty()));
    let view = leaves(&served, "kind=view").remove(0);
    assert_eq!((&view["user"], &view["address"]), (&json!("administrator"), &json!("127.0.0.1")));
    let (size, root) = checkpoint(&served);
    let told = further(&served).len();
    leaves(&served, "");
    assert!(served.terminate().success());

    let served = Served::start(folder.path(), "");
    assert!(further(&served).len() > told, "the end has told what was seen");
    assert_eq!(served.get_json("/v1/audit/keys"), keys);
    let proof = served.get_json(&format!("/v1/audit/consistency?from={size}"));
    assert_eq!(proof["from_root"], root);
    assert!(checkpoint(&served).0 > size);
    assert_eq!(leaves(&served, "kind=heartbeat").len(), 1, "one an hour");
}
