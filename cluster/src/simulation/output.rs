//! What the tasks of a process tell the world.

use crate::catalog::RequestId;
use crate::facts::{Facts, StartError};
use crate::id::MemberId;
use crate::raft::Commit;
use crate::tail::{Ticket, Told};
use std::sync::{Arc, Mutex, PoisonError};

/// Something that a task tells.
pub(crate) enum Output {
    /// A call to another member.
    Call { to: MemberId, call: u64, request: Vec<u8> },
    /// The answer to a call of another member's process.
    Reply { to: MemberId, run: u64, call: u64, answer: Vec<u8> },
    /// The facts are open, or are not.
    Started(Result<Box<Facts>, StartError>),
    /// The member knows what is committed.
    Ready,
    /// Another member leads, or none could be found.
    HandedOver,
    /// Raft has ended.
    Failed(String),
    /// What became of a command or a read index. Others had been told up to an entry before it was asked for.
    Told { asked: Asked, told: Told },
    /// A chunk is committed here.
    Committed(Commit),
}

/// A command or a read index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// Who waits for it, if anybody.
    pub(crate) ticket: Option<Ticket>,
    /// A command's name.
    pub(crate) request: Option<RequestId>,
    /// The last entry of which somebody had been told.
    pub(crate) told_before: u64,
}

/// The end of a queue that a process and the world share.
#[derive(Clone, Default)]
pub(crate) struct Outputs(Arc<Mutex<Vec<Output>>>);

impl Outputs {
    pub(crate) fn push(&self, output: Output) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(output);
    }

    pub(crate) fn take(&self) -> Vec<Output> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
