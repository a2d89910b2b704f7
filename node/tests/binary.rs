//! The binary's door. That this test stands here also makes cargo build the binary before any test of the
//! workspace runs.

use std::process::Command;

#[test]
fn the_binary_names_its_commands_and_hides_the_workers() {
    let help = Command::new(env!("CARGO_BIN_EXE_custody")).arg("--help").output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    let named =
        ["convert", "inspect", "frame", "worker"].map(|command| text.contains(&format!("\n  {command} ")));
    assert_eq!(named, [true, true, true, false], "{text}");
    assert!(help.status.success());
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    for arguments in [&[][..], &["convert"], &["convert", "x.guac"], &["fold", "x.guac"]] {
        let refused = Command::new(env!("CARGO_BIN_EXE_custody")).args(arguments).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(!refused.stderr.is_empty(), "{arguments:?}");
    }
}
