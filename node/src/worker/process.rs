//! The owner's side of a worker process.

use super::lent::Lent;
use super::message::{MessageError, Reply, Request};
use crate::interrupt::Interrupt;
use crate::pipe::Pipe;
use codec::refusal::{Refusal, RefusalCode};
use rustix::process::Signal;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// This very program, also when another one has taken its place on the disk since: a newer one may speak otherwise.
const THIS_PROGRAM: &str = "/proc/self/exe";
/// How long a worker may be silent, whatever it does: its own limit of computing time ends it long before.
const SILENCE: Duration = Duration::from_secs(600);
/// What is read of a dead worker's last words.
const WORDS_BYTES: u64 = 8 << 10;
/// Most bytes of a lent file that it gets at one time.
const LENT_BYTES_MAX: u32 = 1 << 20;

/// Why a worker did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    /// It cannot be started.
    #[error("cannot start a worker process: {0}")]
    Start(io::Error),
    /// The recording is refused, or was the end of the worker.
    #[error(transparent)]
    Failed(Refusal),
    /// The pipe is broken in another way.
    #[error("cannot talk to a worker process: {0}")]
    Message(MessageError),
    /// A file that it was lent cannot be read.
    #[error("cannot read the sound: {0}")]
    Lent(io::Error),
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// A running worker. Dropped, it is ended and waited for.
pub(crate) struct WorkerProcess {
    child: Child,
    requests: BufWriter<Pipe>,
    replies: BufReader<Pipe>,
    /// What it says when it dies.
    words: Option<ChildStderr>,
    interrupt: Interrupt,
    /// A file that it may read through us.
    lent: Option<Arc<Lent>>,
}

impl WorkerProcess {
    /// Starts this same program as a worker.
    pub(crate) fn start(interrupt: &Interrupt) -> Result<Self, ProcessError> {
        let mut child = Command::new(THIS_PROGRAM)
            .arg0("custody")
            .arg("worker")
            .env_clear()
            // glibc reserves addresses for the heap of every thread, and all of a worker's are limited.
            .env("MALLOC_ARENA_MAX", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(ProcessError::Start)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ProcessError::Start(io::Error::other("no pipes")));
        };
        let pipe = |end: OwnedFd| Pipe::within(File::from(end), interrupt, SILENCE);
        Ok(Self {
            requests: BufWriter::with_capacity(64 << 10, pipe(stdin.into()).map_err(ProcessError::Start)?),
            replies: BufReader::with_capacity(256 << 10, pipe(stdout.into()).map_err(ProcessError::Start)?),
            words: child.stderr.take(),
            interrupt: interrupt.clone(),
            child,
            lent: None,
        })
    }

    /// Lets it read a file that it cannot open, for the requests that follow.
    pub(crate) fn lend(&mut self, file: Arc<Lent>) {
        self.lent = Some(file);
    }

    /// Has one request carried out; hands every result to `receive`.
    pub(crate) fn request<E: From<ProcessError>>(
        &mut self,
        request: &Request,
        mut receive: impl FnMut(Reply) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.interrupt.is_set() {
            return Err(ProcessError::Interrupted.into());
        }
        self.send(request)?;
        loop {
            match Reply::read(&mut self.replies) {
                Ok(Some(Reply::Ready)) => return Ok(()),
                Ok(Some(Reply::Failed(refusal))) => return Err(ProcessError::Failed(refusal).into()),
                Ok(Some(Reply::Wanted { at, bytes })) => {
                    let bytes = self.lent_bytes(at, bytes)?;
                    self.send(&Request::FileBytes(bytes))?;
                }
                Ok(Some(reply)) => receive(reply)?,
                Ok(None) => {
                    return Err(self.explain(io::Error::from(io::ErrorKind::UnexpectedEof).into()).into());
                }
                Err(error) => return Err(self.explain(error).into()),
            }
        }
    }

    fn send(&mut self, request: &Request) -> Result<(), ProcessError> {
        let sent = request.write(&mut self.requests).and_then(|()| Ok(self.requests.flush()?));
        sent.map_err(|error| self.explain(error))
    }

    /// Bytes of the lent file; fewer at its end.
    fn lent_bytes(&self, at: u64, bytes: u32) -> Result<Vec<u8>, ProcessError> {
        let length = usize::try_from(bytes.min(LENT_BYTES_MAX)).unwrap_or(0);
        let Some(file) = &self.lent else { return Ok(Vec::new()) };
        file.read_at(at, length).map_err(ProcessError::Lent)
    }

    /// A broken pipe means that the worker ended: says how. One that is silent for too long is ended.
    fn explain(&mut self, error: MessageError) -> ProcessError {
        if self.interrupt.is_set() {
            return ProcessError::Interrupted;
        }
        let MessageError::Pipe(error) = error else { return ProcessError::Message(error) };
        if error.kind() == io::ErrorKind::TimedOut {
            let reason = format!("a worker process gave no answer for {} s", SILENCE.as_secs());
            return ProcessError::Failed(Refusal::new(RefusalCode::TimeBudget, &reason));
        }
        // Its pipes are closed, so it is at its end: waiting for it is short.
        match self.child.wait() {
            Ok(status) if status.signal() == Some(Signal::INT.as_raw()) => ProcessError::Interrupted,
            Ok(status) => ProcessError::Failed(refusal_of_end(status, &self.last_words())),
            Err(error) => ProcessError::Message(error.into()),
        }
    }

    /// What the dead worker wrote to its standard error.
    fn last_words(&mut self) -> String {
        let mut words = Vec::new();
        if let Some(pipe) = self.words.take() {
            // What cannot be read is not said.
            pipe.take(WORDS_BYTES).read_to_end(&mut words).ok();
        }
        String::from_utf8_lossy(&words).into_owned()
    }
}

/// What a worker died of. Rust's runtime aborts when it gets no memory, after saying so.
fn refusal_of_end(status: ExitStatus, words: &str) -> Refusal {
    let last = words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let reason = |what: &str| format!("a worker process {what} ({status}) {last}").trim_end().to_owned();
    if words.contains("memory allocation of ") {
        Refusal::new(RefusalCode::MemoryBudget, &reason("went beyond its memory limit"))
    } else if status.signal() == Some(Signal::XCPU.as_raw()) {
        Refusal::new(RefusalCode::TimeBudget, &reason("computed for too long without a result"))
    } else {
        Refusal::new(RefusalCode::Crashed, &reason("ended early"))
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // An error means that it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_is_told_by_its_signal_and_its_last_words() {
        let end = |status, words: &str| refusal_of_end(ExitStatus::from_raw(status), words).to_string();
        assert_eq!(
            end(6, "memory allocation of 99 bytes failed\n"),
            "MEMBUDGET: a worker process went beyond its memory limit (signal: 6 (SIGABRT) (core dumped)) memory \
             allocation of 99 bytes failed"
                .replace(" (core dumped)", "")
        );
        assert_eq!(end(9, ""), "CRASHED: a worker process ended early (signal: 9 (SIGKILL))");
        assert_eq!(
            end(101 << 8, "thread 'main' panicked at x.rs:1:1:\noh \x1b[1m\n\n"),
            "CRASHED: a worker process ended early (exit status: 101) oh  [1m"
        );
        let cpu = Signal::XCPU.as_raw();
        assert!(end(cpu, "").starts_with("TIMEBUDGET: a worker process computed for too long"));
    }
}
