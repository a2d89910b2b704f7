//! A committed chunk whose open file becomes the closed one, as work for a thread that may wait for the disk.

use crate::chunk::disk::{DiskError, Fatal};
use crate::chunk::{ChunkStore, CloseError, ClosedChunk, OpenChunk};
use crate::id::ChunkId;

/// An open file and what was committed of its chunk. Several may be under way, in any order.
#[derive(Debug)]
pub struct Closing {
    store: ChunkStore,
    open: OpenChunk,
    committed: ClosedChunk,
}

/// What became of it, on the disk.
#[derive(Debug)]
pub struct Closed {
    pub(super) chunk: ChunkId,
    pub(super) end: End,
}

#[derive(Debug)]
pub(super) enum End {
    /// It is the closed chunk.
    Closed,
    /// It held other records than the committed ones, and is gone.
    Discarded,
    /// The disk did not take it; it is as it was.
    Open(Box<OpenChunk>, DiskError),
}

impl Closing {
    pub(super) fn new(store: ChunkStore, open: OpenChunk, committed: ClosedChunk) -> Self {
        Self { store, open, committed }
    }

    /// Makes the file the closed chunk if it holds the same records, and removes it if not. An error ends the process.
    pub fn run(self) -> Result<Closed, Fatal> {
        let Self { store, open, committed } = self;
        let chunk = open.id();
        let end = match store.close(open, &committed) {
            Ok(()) => End::Closed,
            Err(CloseError::Mismatch { open, .. }) => match store.delete_open(chunk) {
                Ok(()) => End::Discarded,
                Err(error) => End::Open(open, error),
            },
            Err(CloseError::Disk { open, source }) => End::Open(open, source),
        };
        match end {
            End::Open(_, DiskError::Fatal(fatal)) => Err(fatal),
            End::Closed | End::Discarded | End::Open(_, DiskError::Io { .. }) => Ok(Closed { chunk, end }),
        }
    }
}
