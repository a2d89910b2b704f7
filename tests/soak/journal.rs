//! The file of finished runs.

#![expect(clippy::print_stdout, reason = "a tool of the command line")]

use anyhow::Context;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What one run did.
pub(crate) type Result = anyhow::Result<Value>;

/// A run that may be needed.
pub(crate) struct Run {
    /// What tells it from all others; the build of the binary is added.
    pub(crate) key: Value,
    /// Does it.
    pub(crate) work: Box<dyn FnOnce() -> Result>,
}

/// Finished runs, one line each.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    build: String,
    known: HashSet<String>,
    runs: u64,
    failures: u64,
}

impl Journal {
    /// Opens or creates `FOLDER/SUITE.jsonl`, for runs of a program.
    pub(crate) fn open(folder: &Path, suite: &str, program: &str) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{suite}.jsonl"));
        let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
        let text = fs::read_to_string(&path)?;
        if !text.is_empty() && !text.ends_with('\n') {
            // The run before was stopped in a line.
            writeln!(file)?;
        }
        let passed = |line: &Value| line["ok"] == true;
        let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
        let known = lines.filter(passed).map(|line| line["run"].to_string()).collect();
        Ok(Self { path, file, build: harness::build_id(program)?, known, runs: 0, failures: 0 })
    }

    /// Does a run, unless it stands in the file and went well.
    pub(crate) fn run(&mut self, Run { mut key, work }: Run) -> anyhow::Result<()> {
        key.as_object_mut().context("a key is an object")?.insert("build".into(), self.build.as_str().into());
        if self.known.contains(&key.to_string()) {
            return Ok(());
        }
        let (ok, result) = match work() {
            Ok(result) => (true, result),
            Err(error) => (false, format!("{error:#}").into()),
        };
        let line = json!({ "run": key, "ok": ok, "result": result });
        writeln!(self.file, "{line}")?;
        println!("{line}");
        self.runs += 1;
        self.failures += u64::from(!ok);
        Ok(())
    }

    /// The last line of each run of this build, in order.
    pub(crate) fn lines(&self) -> anyhow::Result<Vec<Value>> {
        let text = fs::read_to_string(&self.path)?;
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let of_build = |line: &&Value| line["run"]["build"] == self.build.as_str();
        let is_last = |line: &&Value| {
            lines
                .iter()
                .rfind(|other| other["run"] == line["run"])
                .is_some_and(|last| std::ptr::eq(last, *line))
        };
        Ok(lines.iter().filter(of_build).filter(is_last).cloned().collect())
    }

    /// Says how it went.
    pub(crate) fn finish(&self) {
        println!("{} runs, {} failed: {}", self.runs, self.failures, self.path.display());
    }

    /// Runs that failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures
    }
}
