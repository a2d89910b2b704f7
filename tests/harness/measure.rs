//! The measuring scripts, and the videos that they share.

use crate::custody::{Custody, Ended};
use crate::paths::{binary, program, repository};
use crate::recordings::recording;
use anyhow::{Context, ensure};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python to which Debian's packages belong.
pub(crate) const PYTHON: &str = "/usr/bin/python3";

/// A script of `tests/measure`, about to be run.
#[derive(Debug)]
pub struct Measure {
    command: Command,
}

impl Measure {
    /// `SCRIPT BINARY RECORDINGS`.
    pub fn new(script: &str, recordings: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(PYTHON);
        command.arg(repository().join("tests/measure").join(script)).arg(binary()?).arg(recordings);
        Ok(Self { command })
    }

    /// `SCRIPT BINARY`.
    pub fn of_binary(script: &str) -> anyhow::Result<Self> {
        let mut command = Command::new(PYTHON);
        command.arg(repository().join("tests/measure").join(script)).arg(binary()?);
        Ok(Self { command })
    }

    /// With more arguments.
    pub fn args<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.command.args(arguments);
        self
    }

    /// With videos that were made before.
    pub fn videos(mut self, folder: &Path) -> Self {
        self.command.arg("--videos").arg(folder);
        self
    }

    /// Runs it; its own commands have deadlines in the test runner.
    pub fn run(mut self) -> anyhow::Result<Ended> {
        let output = self.command.output().context("cannot start Python")?;
        Ok(Ended {
            status: output.status,
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }
}

/// The video of a recording of `tests/data`, converted once for each build of the binary.
pub fn video_of(name: &str) -> anyhow::Result<PathBuf> {
    let folder = videos_folder()?;
    let video = folder.join(format!("{name}.mp4"));
    let lock = File::create(folder.join(format!("{name}.lock")))?;
    // Another test may be making it at this time.
    lock.lock()?;
    if !video.exists() {
        let input = recording(name)?.path();
        let made = Custody::new([Path::new("convert"), &input, Path::new("-o"), &video])?.run()?;
        ensure!(matches!(made.code(), Some(0 | 3)), "no video of {name}: {}", made.stderr);
    }
    Ok(video)
}

/// What tells this build of a program from others: its size and time.
pub fn build_id(name: &str) -> anyhow::Result<String> {
    let facts = fs::metadata(program(name)?)?;
    Ok(format!("{}-{}.{:09}", facts.len(), facts.mtime(), facts.mtime_nsec()))
}

/// A folder that belongs to this very build.
fn videos_folder() -> anyhow::Result<PathBuf> {
    let folder = binary()?.with_file_name("suite-videos").join(build_id("custody")?);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
