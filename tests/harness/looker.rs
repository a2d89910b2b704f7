//! The program `appender` as a member of several that says what it has kept.

use crate::acknowledged::Verdict;
use crate::processes::wait_until;
use anyhow::{Context, bail};
use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Three members that start at once and read everything do it in less time.
const DEADLINE: Duration = Duration::from_secs(180);

/// A member that looks, and then waits for its end. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Looker {
    child: Child,
    found: File,
    said: File,
}

impl Looker {
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Self> {
        let (found, said) = (tempfile::tempfile()?, tempfile::tempfile()?);
        command.stdin(Stdio::piped()).stdout(found.try_clone()?).stderr(said.try_clone()?);
        Ok(Self { child: command.spawn().context("cannot start the appender")?, found, said })
    }

    /// What it found, once it has looked. It stays.
    pub(crate) fn verdict(&mut self) -> anyhow::Result<Verdict> {
        let mut text = String::new();
        wait_until("the verdict of a member", DEADLINE, || {
            text = text_of(&mut self.found)?;
            if let Some(status) = self.child.try_wait()? {
                bail!("a member that looks ended ({status}): {}", text_of(&mut self.said)?.trim());
            }
            Ok(text.ends_with('\n'))
        })?;
        Ok(serde_json::from_str(&text)?)
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        // An error means that it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The program writes to another handle of the same file: its place is where the file ends.
fn text_of(file: &mut File) -> anyhow::Result<String> {
    let mut text = String::new();
    let end = file.stream_position()?;
    file.rewind()?;
    file.read_to_string(&mut text)?;
    file.seek(std::io::SeekFrom::Start(end.max(u64::try_from(text.len())?)))?;
    Ok(text)
}
