//! Chunk files that are made final, as work for threads that may wait for the disk: the open file of a committed chunk,
//! and a copy that another member has sent.

use super::message::Bytes;
use crate::chunk::disk::{DiskError, Fatal};
use crate::chunk::{ChunkStore, CloseError, ClosedChunk, FileError, OpenChunk};
use crate::id::{ChunkId, ObjectId};

/// One file and what was committed of its chunk. Several may be under way, in any order.
#[derive(Debug)]
pub struct Closing {
    store: ChunkStore,
    committed: ClosedChunk,
    from: Source,
}

#[derive(Debug)]
enum Source {
    Open(Box<OpenChunk>),
    Copy(ObjectId, Bytes),
    Surplus(ObjectId),
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
    /// The copy that was sent stands in its place, or why not.
    Copied(Result<(), FileError>),
    /// The copy that is held elsewhere is gone, or why not.
    Dropped(Result<(), DiskError>),
}

impl Closing {
    pub(super) fn new(store: ChunkStore, open: OpenChunk, committed: ClosedChunk) -> Self {
        Self { store, committed, from: Source::Open(Box::new(open)) }
    }

    pub(super) fn copy(store: ChunkStore, object: ObjectId, committed: ClosedChunk, file: Bytes) -> Self {
        Self { store, committed, from: Source::Copy(object, file) }
    }

    pub(super) fn surplus(store: ChunkStore, object: ObjectId, committed: ClosedChunk) -> Self {
        Self { store, committed, from: Source::Surplus(object) }
    }

    /// Makes an open file the closed chunk if it holds the same records, and removes it if not; puts a copy in its place if
    /// it is the committed one; removes one that others hold. An error ends the process.
    pub fn run(self) -> Result<Closed, Fatal> {
        let Self { store, committed, from } = self;
        match from {
            Source::Open(open) => close(&store, *open, &committed),
            Source::Copy(object, file) => {
                let chunk = committed.id(object);
                match store.receive(object, &committed, &file.0) {
                    Err(FileError::Disk(DiskError::Fatal(fatal))) => Err(fatal),
                    received => Ok(Closed { chunk, end: End::Copied(received) }),
                }
            }
            Source::Surplus(object) => {
                let chunk = committed.id(object);
                match store.delete(chunk) {
                    Err(DiskError::Fatal(fatal)) => Err(fatal),
                    dropped => Ok(Closed { chunk, end: End::Dropped(dropped) }),
                }
            }
        }
    }
}

fn close(store: &ChunkStore, open: OpenChunk, committed: &ClosedChunk) -> Result<Closed, Fatal> {
    let chunk = open.id();
    let end = match store.close(open, committed) {
        Ok(()) => End::Closed,
        Err(CloseError::Mismatch { open, .. }) => match store.delete_open(chunk) {
            Ok(()) => End::Discarded,
            Err(error) => End::Open(open, error),
        },
        Err(CloseError::Disk { open, source }) => End::Open(open, source),
    };
    match end {
        End::Open(_, DiskError::Fatal(fatal)) => Err(fatal),
        End::Closed
        | End::Discarded
        | End::Copied(_)
        | End::Dropped(_)
        | End::Open(_, DiskError::Io { .. }) => Ok(Closed { chunk, end }),
    }
}
