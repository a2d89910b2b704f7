//! What operators see and do by `custody cluster`, as people and as programs.

use super::harness::{Served, custody, free_port};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const EXIT_PARTIAL: i32 = 3;
const EXIT_CONFIG: i32 = 78;

/// A folder for a member, and how it is to find others.
fn place(folder: &Path, name: &str) -> (PathBuf, String) {
    let (place, others) = (folder.join(name), format!("127.0.0.1:{}", free_port()));
    std::fs::create_dir(&place).unwrap();
    let settings = format!("cluster.listen = \"{others}\"\ncluster.address = \"{others}\"\n");
    let text = format!("data_dir = {:?}\n{settings}", place.join("data"));
    std::fs::write(place.join("custody.toml"), text).unwrap();
    (place, settings)
}

fn by_configuration(place: &Path, arguments: &[&str]) -> Command {
    let mut command = custody();
    command.arg("cluster").args(arguments).arg("--config").arg(place.join("custody.toml"));
    command
}

/// One object of JSON, and how the command ended.
fn answer(output: &Output) -> (i32, Value) {
    let said = String::from_utf8_lossy(&output.stderr);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert!(value.is_object(), "{said}");
    (output.status.code().unwrap(), value)
}

struct Operator {
    served: Served,
    token_file: PathBuf,
}

impl Operator {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = custody();
        command.arg("cluster").args(arguments).args(["--server", self.served.url(), "--token-file"]);
        command.arg(&self.token_file).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> (i32, Value) {
        answer(&self.run(&[arguments, &["--json"]].concat()))
    }

    fn text(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        (output.status.code().unwrap(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    }

    /// A member that has a number, and never comes.
    fn join(&self, folder: &Path, name: &str) -> Value {
        let (_, made) = self.json(&["token"]);
        let (place, _) = place(folder, name);
        let token = made["token"].as_str().unwrap();
        let (code, joined) = answer(&by_configuration(&place, &["join", token, "--json"]).output().unwrap());
        assert_eq!(code, 0);
        joined
    }
}

#[test]
fn every_command_about_the_cluster_speaks_to_programs_and_says_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let (first, settings) = place(folder.path(), "first");
    let (code, founded) = answer(&by_configuration(&first, &["init", "--json"]).output().unwrap());
    assert_eq!((code, &founded["member"]), (0, &json!(1)), "{founded}");
    assert!(Path::new(founded["kek_file"].as_str().unwrap()).exists(), "{founded}");
    let served = Served::start(&first, &settings);
    let operator = Operator { served, token_file: first.join("data/first-admin-token") };
    let whole = json!({
        "members": 1, "ready": 1, "voters": 1, "ready_voters": 1, "has_majority": true, "leader": 1
    });
    assert_eq!(operator.json(&["status"]), (0, whole));

    assert_eq!(operator.join(folder.path(), "second"), json!({ "member": 2 }));
    assert_eq!(operator.join(folder.path(), "third"), json!({ "member": 3 }));
    let (code, sum) = operator.json(&["status"]);
    assert_eq!((code, &sum["members"], &sum["ready"]), (EXIT_PARTIAL, &json!(3), &json!(1)), "{sum}");
    let (code, table) = operator.text(&["members"]);
    assert_eq!(code, 0);
    assert!(table.lines().next().unwrap().ends_with("DRAIN"), "{table}");
    let (code, shown) = operator.text(&["layout", "show"]);
    assert_eq!(code, 0);
    assert!(shown.contains("MOVES"), "{shown}");
    assert_eq!(operator.json(&["layout", "show"]).1["version"], 1);

    assert_eq!(operator.json(&["replace", "2", "--by", "1"]), (0, json!({ "member": 2, "by": 1 })));
    assert_eq!(operator.json(&["remove", "3", "--dead"]), (0, json!({ "member": 3, "dead": true })));
}

#[test]
fn a_worker_is_paused_and_goes_on_by_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let operator = Operator { served, token_file: folder.path().join("data/first-admin-token") };
    let state = |told: &Value| told["workers"][0]["state"].clone();
    let (code, told) = operator.json(&["workers", "--pause", "rebalance", "--member", "1"]);
    assert_eq!((code, state(&told)), (0, json!("paused")), "{told}");
    let (code, table) = operator.text(&["workers"]);
    assert_eq!(code, 0);
    let is_paused = |line: &str| line.starts_with("rebalance") && line.contains("paused");
    assert!(table.lines().any(is_paused), "{table}");
    let (code, table) = operator.text(&["workers", "--resume", "rebalance"]);
    assert_eq!(code, 0);
    assert!(!table.lines().any(is_paused), "{table}");
    let (code, said) = operator.text(&["workers", "--start", "nobody"]);
    assert_eq!(code, 1, "{said}");
}

#[test]
fn a_member_whose_disk_was_lost_ends_so_that_it_is_not_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let (place, settings) = place(folder.path(), "first");
    assert!(by_configuration(&place, &["init"]).output().unwrap().status.success());
    assert!(Served::start(&place, &settings).terminate().success());
    std::fs::remove_dir_all(place.join("data/store")).unwrap();
    let ended = custody().arg("serve").arg("--config").arg(place.join("custody.toml")).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(EXIT_CONFIG), "{said}");
    assert!(said.contains("member 1 had data in"), "{said}");
}
