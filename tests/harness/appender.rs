//! The program `appender`: a member at work, told to keep things until it is killed.

use crate::acknowledged::{Acknowledged, Verdict};
use crate::paths::program;
use crate::processes::wait_until;
use crate::said::Heard;
use anyhow::{Context, bail, ensure};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A member on a busy machine does anything that is asked of it in less time.
const DEADLINE: Duration = Duration::from_secs(120);

/// The exit code of a member whose disk has failed.
const EXIT_DISK: i32 = 74;

/// What a disk does when it is asked to sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Syncs {
    /// Just that.
    Done,
    /// Nothing, and says that it did.
    Dropped,
    /// The same for the bytes of recordings only.
    DroppedOfBytes,
    /// The same for the facts only.
    DroppedOfFacts,
}

impl Syncs {
    /// The part of a member's folder whose syncs are dropped.
    fn dropped(self) -> Option<&'static str> {
        match self {
            Self::Done => None,
            Self::Dropped => Some("."),
            Self::DroppedOfBytes => Some("bytes"),
            Self::DroppedOfFacts => Some("facts"),
        }
    }
}

/// Which member, and how it is treated.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its folder.
    pub folder: PathBuf,
    /// Chooses its bytes and their order.
    pub seed: u64,
    /// Names this start of the machine.
    pub boot_id: String,
    /// What its disk does when it is asked to sync.
    pub syncs: Syncs,
}

impl Subject {
    /// Starts it: it appends and submits until it is killed, or in order after so many acknowledgements. `round`
    /// tells its starts apart.
    pub fn append(&self, round: u64, stop_after: Option<u64>) -> anyhow::Result<Appender> {
        let mut command = self.command("append")?;
        command.arg("--round").arg(round.to_string());
        if let Some(lines) = stop_after {
            command.arg("--stop-after").arg(lines.to_string());
        }
        Appender::start(command)
    }

    /// Starts it again and looks for all that it acknowledged. An error says why it does not start. When it is
    /// abandoned, it ends as a killed one does.
    pub fn verify(&self, acknowledged: &[Acknowledged], is_abandoned: bool) -> anyhow::Result<Verdict> {
        let mut lines = tempfile::NamedTempFile::new()?;
        for line in acknowledged {
            writeln!(lines, "{}", serde_json::to_string(line)?)?;
        }
        lines.flush()?;
        let mut command = self.command("verify")?;
        command.arg("--acknowledged").arg(lines.path());
        if is_abandoned {
            command.arg("--abandon");
        }
        let mut said = tempfile::tempfile()?;
        let mut found = tempfile::tempfile()?;
        command.stdin(Stdio::null()).stdout(found.try_clone()?).stderr(said.try_clone()?);
        let mut child = Owned(command.spawn().context("cannot start the appender")?);
        let status = child.wait()?;
        ensure!(status.success(), "{}", text_of(&mut said)?.trim());
        Ok(serde_json::from_str(&text_of(&mut found)?)?)
    }

    fn command(&self, mode: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(program("appender")?);
        command.arg(mode).arg("--folder").arg(&self.folder);
        command.args(["--seed", &self.seed.to_string(), "--boot-id", &self.boot_id]);
        if let Some(part) = self.syncs.dropped() {
            command.arg("--no-fsync").arg(part);
        }
        Ok(command)
    }
}

/// The member at work. Dropped, it is killed.
#[derive(Debug)]
pub struct Appender {
    child: Owned,
    heard: Arc<Mutex<Heard>>,
    reader: Option<JoinHandle<anyhow::Result<()>>>,
    said: File,
}

impl Appender {
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Self> {
        let said = tempfile::tempfile()?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(said.try_clone()?);
        let mut child = command.spawn().context("cannot start the appender")?;
        let stdout = child.stdout.take().context("its standard output is a pipe")?;
        let child = Owned(child);
        let heard = Arc::new(Mutex::new(Heard::default()));
        let into = Arc::clone(&heard);
        let reader = std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            // What a kill has cut is no acknowledgement.
            while stdout.read_line(&mut line)? > 0 && line.ends_with('\n') {
                let said = serde_json::from_str(&line).with_context(|| line.clone())?;
                into.lock().unwrap_or_else(PoisonError::into_inner).hear(said);
                line.clear();
            }
            Ok(())
        });
        Ok(Self { child, heard, reader: Some(reader), said })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Waits until it has acknowledged so much, [`Acknowledged::Ready`] included.
    pub fn wait_lines(&mut self, count: usize) -> anyhow::Result<()> {
        wait_until("acknowledgements", DEADLINE, || {
            self.check()?;
            Ok(self.lines() >= count)
        })
    }

    /// An error when it has ended by itself.
    pub fn check(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.0.try_wait()? {
            bail!("the appender ended early ({status}): {}", text_of(&mut self.said)?.trim());
        }
        Ok(())
    }

    /// How much it has acknowledged.
    pub fn lines(&self) -> usize {
        self.heard().acknowledged.len()
    }

    /// Appends that it has begun and that have no answer.
    pub(crate) fn under_way(&self) -> BTreeSet<u64> {
        self.heard().under_way.clone()
    }

    /// By how much the clock was wrong that it told last.
    pub(crate) fn clock_offset_ms(&self) -> Option<i64> {
        self.heard().clock_offset_ms
    }

    /// Whether it has ended because a disk failed, as `custody serve` would; an error when it has ended otherwise.
    pub(crate) fn has_lost_its_disk(&mut self) -> anyhow::Result<bool> {
        let is_disk = self.child.0.try_wait()?.is_some_and(|status| status.code() == Some(EXIT_DISK));
        if !is_disk {
            self.check()?;
        }
        Ok(is_disk)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills it, and returns what it acknowledged until then.
    pub fn kill(mut self) -> anyhow::Result<Vec<Acknowledged>> {
        self.child.0.kill()?;
        self.killed()
    }

    /// What it acknowledged until its end by itself.
    pub(crate) fn ended(mut self) -> anyhow::Result<Vec<Acknowledged>> {
        self.child.wait()?;
        self.acknowledged()
    }

    /// Waits for the end that somebody else brings about by a signal.
    pub fn killed(mut self) -> anyhow::Result<Vec<Acknowledged>> {
        let status = self.child.wait()?;
        ensure!(status.code().is_none(), "the appender ended early ({status}): {}", text_of(&mut self.said)?);
        self.acknowledged()
    }

    /// Waits until it ends in order.
    pub fn stopped(mut self) -> anyhow::Result<Vec<Acknowledged>> {
        let status = self.child.wait()?;
        ensure!(status.success(), "the appender failed ({status}): {}", text_of(&mut self.said)?);
        self.acknowledged()
    }

    fn acknowledged(&mut self) -> anyhow::Result<Vec<Acknowledged>> {
        let reader = self.reader.take().context("its lines are read once")?;
        reader.join().map_err(|_| anyhow::anyhow!("the reader of its lines panicked"))??;
        Ok(std::mem::take(&mut self.heard().acknowledged))
    }
}

/// A process that does not outlive its owner.
#[derive(Debug)]
struct Owned(Child);

impl Owned {
    fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        let mut status = None;
        wait_until("the end of the appender", DEADLINE, || {
            status = self.0.try_wait()?;
            Ok(status.is_some())
        })?;
        status.context("an ended process has a status")
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // An error means that it has ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn text_of(file: &mut File) -> anyhow::Result<String> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// A folder for members on the disk of the build, which unlike the system's temporary folder is never memory.
pub fn scratch_folder() -> anyhow::Result<tempfile::TempDir> {
    let beside = program("appender")?;
    let beside = beside.parent().map(Path::to_owned).context("a program lies in a folder")?;
    Ok(tempfile::Builder::new().prefix("durability-").tempdir_in(beside)?)
}
