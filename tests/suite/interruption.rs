//! A conversion that is stopped in its middle: no half video, no process left.

use harness::{Custody, Running, children_of, computed_ticks, is_alive, recording, wait_until};
use nix::sys::signal::Signal;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// For the system to start or end a process on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// What a worker has computed when pictures have come from it.
const AT_WORK_TICKS: u64 = 20;

/// A conversion whose workers are at work, and their ids.
fn working(folder: &TempDir) -> anyhow::Result<(Running, Vec<u32>)> {
    let input = recording("ssh-terminal")?.path();
    let output = folder.path().join("out.mp4");
    let arguments = [Path::new("convert"), &input, Path::new("-o"), &output];
    let running = Custody::new(arguments)?.arg("--workers").arg("2").start()?;
    let mut children = Vec::new();
    wait_until("two workers at work", SOON, || {
        children = children_of(running.id())?;
        Ok(children.len() == 2 && children.iter().all(|id| computed_ticks(*id) >= AT_WORK_TICKS))
    })?;
    Ok((running, children))
}

fn wait_for_the_end_of(children: &[u32]) -> anyhow::Result<()> {
    wait_until("the end of the workers", SOON, || Ok(!children.iter().any(|id| is_alive(*id))))
}

fn files_in(folder: &TempDir) -> anyhow::Result<Vec<String>> {
    fs::read_dir(folder.path())?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

#[test]
fn ctrl_c_ends_the_workers_and_leaves_no_file() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (running, children) = working(&folder)?;
    running.signal_group(Signal::SIGINT)?;
    let ended = running.wait()?;
    assert_eq!(ended.code(), Some(130), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().last(), Some("custody: interrupted"));
    wait_for_the_end_of(&children)?;
    assert_eq!(files_in(&folder)?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_signal_to_the_command_alone_ends_the_workers_too() -> anyhow::Result<()> {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let folder = tempfile::tempdir()?;
        let (running, children) = working(&folder)?;
        running.signal(signal)?;
        let ended = running.wait()?;
        assert_eq!(ended.code(), Some(130), "{signal}: {}", ended.stderr);
        wait_for_the_end_of(&children)?;
        assert_eq!(files_in(&folder)?, Vec::<String>::new(), "{signal}");
    }
    Ok(())
}

#[test]
fn a_killed_conversion_leaves_no_worker_and_nothing_under_the_name_of_the_video() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (running, children) = working(&folder)?;
    running.signal(Signal::SIGKILL)?;
    assert_eq!(running.wait()?.code(), None);
    wait_for_the_end_of(&children)?;
    assert!(!files_in(&folder)?.contains(&"out.mp4".into()));
    Ok(())
}

#[test]
fn a_worker_that_dies_fails_the_conversion_in_one_sentence() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (running, children) = working(&folder)?;
    let child = nix::unistd::Pid::from_raw(i32::try_from(children[0])?);
    nix::sys::signal::kill(child, Signal::SIGKILL)?;
    let ended = running.wait()?;
    assert_eq!(ended.code(), Some(1));
    let said = ended.stderr.lines().last().unwrap_or_default();
    assert!(said.starts_with("custody: CRASHED: a worker process ended early"), "{}", ended.stderr);
    wait_for_the_end_of(&children)?;
    assert_eq!(files_in(&folder)?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_worker_may_start_no_process_and_has_bounded_memory() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (_running, children) = working(&folder)?;
    let limit = |name: &str| -> anyhow::Result<Option<u64>> {
        let limits = fs::read_to_string(format!("/proc/{}/limits", children[0]))?;
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        Ok(line.split_whitespace().next().and_then(|value| value.parse().ok()))
    };
    wait_until("the worker's limits", SOON, || Ok(limit("Max processes")? == Some(0)))?;
    assert_eq!(limit("Max core file size")?, Some(0));
    let memory = limit("Max address space")?;
    assert!(memory.is_some_and(|bytes| bytes <= 512 << 20), "{memory:?} bytes");
    Ok(())
}

#[test]
fn a_wait_for_input_that_does_not_come_can_be_interrupted() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("out.mp4");
    let (reader, mut writer) = std::io::pipe()?;
    let command = Custody::new([Path::new("convert"), Path::new("-"), Path::new("-o"), &output])?;
    let running = command.input(reader).start()?;
    writer.write_all(b"4.size,1.0,3.640,3.480;")?;
    wait_until("the temporary file of the video", SOON, || Ok(!files_in(&folder)?.is_empty()))?;
    running.signal(Signal::SIGINT)?;
    assert_eq!(running.wait()?.code(), Some(130));
    assert_eq!(files_in(&folder)?, Vec::<String>::new());
    drop(writer);
    Ok(())
}
