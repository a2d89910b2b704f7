//! The chunks of one member, as its replica uses them: writes at once, durable with the next commit.

use crate::chunk::disk::{DiskError, Volume};
use crate::chunk::journal::{Entry, Journal, JournalError, JournalLimits, Recovered};
use crate::chunk::{
    AppendError, ChunkHeader, ChunkStore, CloseError, ClosedChunk, CreateError, FileError, OpenChunk,
    SealedRecord, Tail,
};
use crate::id::{ChunkId, Epoch, ObjectId};
use std::collections::BTreeMap;

/// Chunk files and journal. One thread uses it.
#[derive(Debug)]
pub struct Shelf {
    store: ChunkStore,
    journal: Journal,
    limits: JournalLimits,
    open: BTreeMap<ChunkId, OpenChunk>,
    /// Records that are written and wait for the journal.
    written: Vec<Entry>,
}

/// What a start found.
#[derive(Debug, Default)]
pub struct Found {
    /// Chunks whose acknowledged records are damaged or missing here.
    pub damaged: Vec<ChunkId>,
    /// The promises of earlier runs.
    pub fences: BTreeMap<ChunkId, Epoch>,
}

/// What became of an open file when its chunk was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is the closed chunk.
    Closed,
    /// It held other records than the committed ones, and is gone.
    Discarded,
}

impl Shelf {
    /// Opens what lies on a volume, and makes all that the journal has durable in the chunk files.
    pub fn open(volume: Volume, limits: JournalLimits) -> Result<(Self, Found), JournalError> {
        let store = ChunkStore::open(volume)?;
        let (journal, recovered) = Journal::open(&store, limits)?;
        let (mut open, mut damaged) = (BTreeMap::new(), Vec::new());
        for Recovered { chunk, outcome } in recovered {
            match outcome {
                Ok(file) => drop(open.insert(chunk, file)),
                Err(FileError::Damaged(_) | FileError::Missing { .. } | FileError::Disk(_)) => {
                    damaged.push(chunk);
                }
            }
        }
        let fences = journal.fences().clone();
        Ok((Self { store, journal, limits, open, written: Vec::new() }, Found { damaged, fences }))
    }

    /// The store below, to read closed chunks.
    pub fn store(&self) -> &ChunkStore {
        &self.store
    }

    /// A new file for a chunk, durable.
    pub fn create(&mut self, header: ChunkHeader) -> Result<(), CreateError> {
        let open = self.store.create(header)?;
        self.open.insert(header.id, open);
        Ok(())
    }

    /// The chunks that are open here.
    pub fn open_chunks(&self) -> impl Iterator<Item = ChunkId> + '_ {
        self.open.keys().copied()
    }

    /// How many records of an open chunk are written; none without a file.
    pub fn records(&self, chunk: ChunkId) -> Option<u32> {
        self.open.get(&chunk).map(OpenChunk::records)
    }

    /// The header of an open chunk.
    pub fn header(&self, chunk: ChunkId) -> Option<ChunkHeader> {
        self.open.get(&chunk).map(|open| *open.header())
    }

    /// What readers see of an open chunk.
    pub fn tail(&self, chunk: ChunkId) -> Option<Tail> {
        self.open.get(&chunk).map(OpenChunk::tail)
    }

    /// The closed chunk that an open one would be.
    pub fn closing(&self, chunk: ChunkId) -> Option<ClosedChunk> {
        self.open.get(&chunk).map(OpenChunk::closing)
    }

    /// Writes records to an open chunk. They are durable after the next commit.
    pub fn write(&mut self, chunk: ChunkId, records: &[SealedRecord]) -> Result<(), AppendError> {
        let Some(open) = self.open.get_mut(&chunk) else { return Ok(()) };
        let (position, bytes) = open.write(records)?;
        if bytes.len() >= self.limits.direct_bytes {
            open.sync().map_err(DiskError::from)?;
            self.journal.mark(chunk, open.frames_end());
        } else if !bytes.is_empty() {
            self.written.push(Entry { chunk, file: open.file().clone(), position, bytes });
        }
        Ok(())
    }

    /// Promises to take nothing more of owners before an epoch. Durable once [`Shelf::is_fenced`] says so.
    pub fn fence(&mut self, chunk: ChunkId, epoch: Epoch) {
        self.journal.fence(chunk, epoch);
    }

    /// Whether the promise is on the disk.
    pub fn is_fenced(&self, chunk: ChunkId, epoch: Epoch) -> bool {
        self.journal.has_durable_fence(chunk, epoch)
    }

    /// The chunk is final here.
    pub fn unfence(&mut self, chunk: ChunkId) {
        self.journal.unfence(chunk);
    }

    /// Makes all that was written durable, and retires the journal's segment when it is due. An error is fatal.
    pub fn commit(&mut self, now_ms: u64) -> Result<(), DiskError> {
        let written = std::mem::take(&mut self.written);
        self.journal.commit(&written, now_ms)?;
        if !self.journal.is_due(now_ms) {
            return Ok(());
        }
        let rotated = self.journal.rotate().and_then(|retirement| self.journal.retire(retirement.run()?));
        match rotated {
            // What cannot be begun or removed while the disk is full is tried again.
            Ok(()) | Err(DiskError::Io { .. }) => Ok(()),
            Err(fatal @ DiskError::Fatal(_)) => Err(fatal),
        }
    }

    /// Records of an open chunk from an index on, as they are stored: at least one if there is one, and else no more
    /// than `limit_bytes`.
    pub fn frames(&self, chunk: ChunkId, first: u32, limit_bytes: usize) -> Result<Vec<u8>, FileError> {
        let mut frames = Vec::new();
        let Some(open) = self.open.get(&chunk) else { return Ok(frames) };
        for index in first..open.records() {
            let frame = open.frame(index)?;
            if !frames.is_empty() && frames.len() + frame.len() > limit_bytes {
                break;
            }
            frames.extend_from_slice(&frame);
        }
        Ok(frames)
    }

    /// Makes the open file of a committed chunk the closed one if it holds the same records, and removes it if not.
    pub fn settle(&mut self, chunk: ChunkId, committed: &ClosedChunk) -> Result<Settled, DiskError> {
        self.written.retain(|entry| entry.chunk != chunk);
        let Some(open) = self.open.remove(&chunk) else { return Ok(Settled::Discarded) };
        let settled = match self.store.close(open, committed) {
            Ok(()) => Settled::Closed,
            Err(CloseError::Mismatch { .. }) => {
                self.store.delete_open(chunk)?;
                Settled::Discarded
            }
            Err(CloseError::Disk { open, source }) => {
                self.open.insert(chunk, *open);
                return Err(source);
            }
        };
        self.journal.forget(chunk);
        Ok(settled)
    }

    /// Removes the open file of a chunk that nobody needs.
    pub fn discard(&mut self, chunk: ChunkId) -> Result<(), DiskError> {
        self.written.retain(|entry| entry.chunk != chunk);
        self.open.remove(&chunk);
        self.store.delete_open(chunk)?;
        self.journal.forget(chunk);
        self.journal.unfence(chunk);
        Ok(())
    }

    /// Keeps a closed chunk that another member sent.
    pub fn receive(&mut self, object: ObjectId, chunk: &ClosedChunk, bytes: &[u8]) -> Result<(), FileError> {
        self.store.receive(object, chunk, bytes)
    }
}
