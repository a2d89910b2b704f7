//! An object that grows, as its owner holds it in memory.

use super::errors::{Halt, WriteFailure};
use crate::catalog::SealFacts;
use crate::chunk::key::DataKey;
use crate::chunk::{self, ClosedChunk, OpenChunk, Tail};
use crate::id::{ChunkId, Epoch, ObjectId};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Operations that may wait for one object.
const WAITING_MAX: usize = 16;

/// An object that is not sealed. It stays in memory from its first use until it is sealed: some hundred bytes, 128
/// for each closed chunk, and while a chunk is open its file and 40 for each of its records.
#[derive(Debug)]
pub(super) struct Object {
    /// Which.
    pub(super) id: ObjectId,
    /// Who holds this changes the object. Operations take it in the order in which they came.
    pub(super) writer: tokio::sync::Mutex<Writer>,
    /// Its data key, once it was needed.
    pub(super) key: OnceLock<Arc<DataKey>>,
    view: Mutex<View>,
    waiting: Semaphore,
    used_ms: AtomicU64,
}

/// What may be read.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    /// The closed chunks, whose files are closed, too.
    pub(super) chunks: Arc<Vec<ClosedChunk>>,
    /// The chunk behind them.
    pub(super) tail: Option<Tail>,
    /// A chunk behind them whose acknowledged bytes are damaged or missing.
    pub(super) lost: Option<ChunkId>,
}

impl View {
    /// Up to where bytes are durable.
    pub(super) fn end(&self) -> u64 {
        self.tail.as_ref().map_or(self.closed_end(), |tail| tail.acknowledged().max(self.closed_end()))
    }

    /// As [`View::end`], where the next append begins.
    pub(super) fn durable_offset(&self) -> Result<u64, WriteFailure> {
        match self.lost {
            Some(chunk) => Err(WriteFailure::Lost { chunk }),
            None => Ok(self.end()),
        }
    }

    /// Where the closed chunks end.
    pub(super) fn closed_end(&self) -> u64 {
        self.chunks.last().map_or(0, ClosedChunk::end)
    }
}

/// What its owner knows of an object.
#[derive(Debug)]
pub(super) struct Writer {
    /// The current ownership, as far as this member knows.
    pub(super) epoch: Epoch,
    /// Whether this very process has committed `epoch`, and knows the outcome of all that it submitted since.
    pub(super) is_owner: bool,
    /// The chunk that takes records.
    pub(super) current: Option<Current>,
    /// A chunk that takes none any more and is to be closed before anything else.
    pub(super) left: Option<Left>,
    /// The manifest while it is an open chunk.
    pub(super) manifest: Option<OpenChunk>,
    /// The seal, once it is committed.
    pub(super) sealed: Option<SealFacts>,
}

/// The chunk that takes records.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) open: OpenChunk,
    pub(super) cutter: chunk::Writer,
}

/// A chunk that is to be closed.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) id: ChunkId,
    pub(super) file: LeftFile,
    /// The fact, once CloseChunk is committed.
    pub(super) committed: Option<ClosedChunk>,
}

/// What this member has of such a chunk.
#[derive(Debug)]
pub(super) enum LeftFile {
    /// Its file.
    Open(Box<OpenChunk>),
    /// Nothing: OpenChunk was committed, and no byte was acknowledged.
    Absent,
    /// Acknowledged bytes are damaged or missing.
    Lost,
}

impl Left {
    pub(super) fn open(open: OpenChunk) -> Self {
        Self { id: open.id(), file: LeftFile::Open(Box::new(open)), committed: None }
    }
}

impl Writer {
    pub(super) fn new(epoch: Epoch, is_owner: bool) -> Self {
        Self { epoch, is_owner, current: None, left: None, manifest: None, sealed: None }
    }

    /// The current chunk takes no more records.
    pub(super) fn leave_current(&mut self) {
        if let Some(Current { open, .. }) = self.current.take() {
            self.left = Some(Left::open(open));
        }
    }
}

impl Object {
    pub(super) fn new(id: ObjectId, writer: Writer, view: View) -> Self {
        Self {
            id,
            writer: tokio::sync::Mutex::new(writer),
            key: OnceLock::new(),
            view: Mutex::new(view),
            waiting: Semaphore::new(WAITING_MAX),
            used_ms: AtomicU64::new(0),
        }
    }

    /// A place among those that wait.
    pub(super) fn wait(&self) -> Result<SemaphorePermit<'_>, Halt> {
        self.waiting.try_acquire().map_err(|_| Halt::Busy { limit: WAITING_MAX })
    }

    pub(super) fn view(&self) -> View {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what may be read; it never shrinks.
    pub(super) fn change_view(&self, change: impl FnOnce(&mut View)) {
        change(&mut self.view.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Notes when the object was written, in milliseconds of a clock that only runs forward.
    pub(super) fn use_at(&self, now_ms: u64) {
        self.used_ms.store(now_ms, Ordering::Relaxed);
    }

    pub(super) fn used_ms(&self) -> u64 {
        self.used_ms.load(Ordering::Relaxed)
    }
}
