//! The owner's side of a worker process.

use super::message::{MessageError, Reply, Request};
use crate::interrupt::Interrupt;
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

/// Why a worker did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    /// It cannot be started.
    #[error("cannot start a worker process: {0}")]
    Start(io::Error),
    /// It says itself what is wrong.
    #[error("{0}")]
    Failed(String),
    /// It ended on its own.
    #[error("a worker process ended early ({0}); it may have gone beyond its memory limit")]
    Ended(ExitStatus),
    /// The pipe is broken in another way.
    #[error("cannot talk to a worker process: {0}")]
    Message(MessageError),
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// A running worker. Dropped, it is ended and waited for.
pub(crate) struct WorkerProcess {
    child: Child,
    requests: BufWriter<ChildStdin>,
    replies: BufReader<ChildStdout>,
    interrupt: Interrupt,
}

impl WorkerProcess {
    /// Starts this same program as a worker.
    pub(crate) fn start(interrupt: &Interrupt) -> Result<Self, ProcessError> {
        let program = std::env::current_exe().map_err(ProcessError::Start)?;
        let mut child = Command::new(program)
            .arg("worker")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(ProcessError::Start)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ProcessError::Start(io::Error::other("no pipes")));
        };
        Ok(Self {
            child,
            requests: BufWriter::with_capacity(64 << 10, stdin),
            replies: BufReader::with_capacity(256 << 10, stdout),
            interrupt: interrupt.clone(),
        })
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
        let sent = request.write(&mut self.requests).and_then(|()| Ok(self.requests.flush()?));
        if let Err(error) = sent {
            return Err(self.explain(error).into());
        }
        loop {
            match Reply::read(&mut self.replies) {
                Ok(Some(Reply::Ready)) => return Ok(()),
                Ok(Some(Reply::Failed(reason))) => return Err(ProcessError::Failed(reason).into()),
                Ok(Some(reply)) => receive(reply)?,
                Ok(None) => {
                    return Err(self.explain(io::Error::from(io::ErrorKind::UnexpectedEof).into()).into());
                }
                Err(error) => return Err(self.explain(error).into()),
            }
        }
    }

    /// A broken pipe means that the worker ended: says how.
    fn explain(&mut self, error: MessageError) -> ProcessError {
        if self.interrupt.is_set() {
            return ProcessError::Interrupted;
        }
        if !matches!(error, MessageError::Pipe(_)) {
            return ProcessError::Message(error);
        }
        // Its pipes are closed, so it is at its end: waiting for it is short.
        match self.child.wait() {
            Ok(status) if status.signal() == Some(rustix::process::Signal::INT.as_raw()) => {
                ProcessError::Interrupted
            }
            Ok(status) => ProcessError::Ended(status),
            Err(error) => ProcessError::Message(error.into()),
        }
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // An error means that it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
