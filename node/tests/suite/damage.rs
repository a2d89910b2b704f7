//! A member that cannot trust what it keeps does not start.

use super::harness::{Served, custody, wait};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The exit code of damaged data, as `custody serve --help` says.
const EXIT_DAMAGED: i32 = 65;
/// The exit code of a failed disk.
const EXIT_DISK: i32 = 74;

fn segments(folder: &Path) -> Vec<PathBuf> {
    let log = std::fs::read_dir(folder.join("data/store/facts/log")).unwrap();
    log.map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect()
}

#[test]
fn a_flipped_bit_in_the_middle_of_the_log_keeps_the_member_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    served.import(folder.path(), "write-existing.guac.zst");
    assert!(served.terminate().success());
    let segment = segments(folder.path()).pop().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[written / 2] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();

    let config = folder.path().join("custody.toml");
    let output = custody().arg("serve").arg("--config").arg(&config).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(EXIT_DAMAGED), "{errors}");
    let sentences: Vec<_> = errors.lines().filter(|line| line.starts_with("custody: ")).collect();
    assert_eq!(sentences.len(), 1, "{errors}");
    assert!(
        sentences[0]
            .starts_with("custody: this member does not start, since what it keeps cannot be trusted: ")
    );
    assert!(sentences[0].contains(segment.file_stem().unwrap().to_str().unwrap()), "{errors}");
    assert_eq!(std::fs::read(&segment).unwrap(), bytes, "nothing was changed");
}

#[test]
fn a_second_process_and_a_missing_key_are_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let serve = |expected: u8| {
        let config = folder.path().join("custody.toml");
        let output = custody().arg("serve").arg("--config").arg(&config).output().unwrap();
        assert_eq!(output.status.code(), Some(i32::from(expected)));
        String::from_utf8(output.stderr).unwrap()
    };
    // The other one may end; a key does not come back by itself.
    let locked = serve(1);
    assert!(locked.contains("is in use by another process"), "{locked}");
    assert!(served.terminate().success());
    std::fs::remove_file(folder.path().join("data/kek")).unwrap();
    let missing = serve(78);
    assert!(missing.contains("holds data that only its key opens"), "{missing}");
}

#[test]
fn a_disk_that_fails_while_serving_ends_the_member_with_a_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    // No file may grow beyond 64 KiB: a write that the log or the catalog needs fails.
    let mut program = Command::new("/bin/bash");
    program.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_custody")]);
    let mut served = Served::start_by(program, folder.path(), "");
    let new = json!({
        "protocol": "vnc", "format": "guacamole", "device_address": "10.0.0.1", "start_ms": 1_000,
    });
    let status = wait("the end of the member", || {
        for _ in 0..20 {
            served.post("/v1/sessions", &new);
        }
        served.ended()
    });
    assert_eq!(status.code(), Some(EXIT_DISK));
    // Without the limit it starts again.
    assert!(Served::start(folder.path(), "").terminate().success());
}
