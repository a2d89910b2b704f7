//! The binary, run as a user runs it.

use crate::paths::binary;
use crate::processes::wait_until;
use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// No command of a test takes this long; one that does is ended and fails the test.
const DEADLINE: Duration = Duration::from_secs(240);

/// A command that is about to be run.
#[derive(Debug)]
pub struct Custody {
    command: Command,
    /// Whether what it prints goes to somebody else.
    is_read: bool,
}

impl Custody {
    /// `custody ARGUMENTS`.
    pub fn new<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> anyhow::Result<Self> {
        let mut command = Command::new(binary()?);
        command.args(arguments);
        Ok(Self { command, is_read: false })
    }

    /// The same with an address space of at most `bytes`, for itself and for its children.
    pub fn within_memory<A: AsRef<OsStr>>(
        bytes: u64,
        arguments: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -v {} && exec \"$0\" \"$@\"", bytes / 1024)]);
        command.arg(binary()?).args(arguments);
        Ok(Self { command, is_read: false })
    }

    /// With one more argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// With a variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// With a standard input.
    pub fn input(mut self, input: impl Into<Stdio>) -> Self {
        self.command.stdin(input);
        self
    }

    /// With a standard output; then its end tells nothing of what it printed.
    pub fn output(mut self, output: impl Into<Stdio>) -> Self {
        self.command.stdout(output);
        self.is_read = true;
        self
    }

    /// Starts it in a process group of its own, as a shell does.
    pub fn start(mut self) -> anyhow::Result<Running> {
        let (stdout, stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        if !self.is_read {
            self.command.stdout(stdout.try_clone()?);
        }
        self.command.stderr(stderr.try_clone()?).process_group(0);
        let child = self.command.spawn().context("cannot start the binary")?;
        Ok(Running { child, stdout, stderr })
    }

    /// Runs it to its end.
    pub fn run(self) -> anyhow::Result<Ended> {
        self.start()?.wait()
    }
}

/// A command at work. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: File,
    stderr: File,
}

impl Running {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, alone.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill(self.pid()?, signal)?)
    }

    /// Sends its whole process group a signal, as a terminal does on Ctrl-C.
    pub fn signal_group(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(nix::sys::signal::killpg(self.pid()?, signal)?)
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits until it ends by itself.
    pub fn wait(mut self) -> anyhow::Result<Ended> {
        let mut status = None;
        wait_until("the end of the command", DEADLINE, || {
            status = self.child.try_wait()?;
            Ok(status.is_some())
        })?;
        let status = status.context("an ended command has a status")?;
        Ok(Ended { status, stdout: text_of(&mut self.stdout)?, stderr: text_of(&mut self.stderr)? })
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        Ok(Pid::from_raw(i32::try_from(self.child.id())?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
}

impl Ended {
    /// Its exit code; `None` after a signal.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

fn text_of(file: &mut File) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes)?)
}
