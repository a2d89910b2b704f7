//! The chunks of one member, as its replica uses them: written at once, durable with the next batch.

use super::batch::{Batch, Durable, Order};
use super::closing::{Closed, Closing, End};
use super::message::Bytes;
use crate::chunk::disk::{DiskError, Fatal, Volume, VolumeFile};
use crate::chunk::journal::{Entry, Journal, JournalError, JournalLimits, Recovered, Retired};
use crate::chunk::{
    AppendError, ChunkHeader, ChunkStore, ClosedChunk, CreateError, FileError, OpenChunk, SealedRecord, Tail,
    Tails,
};
use crate::chunk::{DiskLevel, DiskSpace};
use crate::id::{ChunkId, Epoch, ObjectId};
use std::collections::{BTreeMap, BTreeSet};

/// Chunk files and journal. One thread uses it.
#[derive(Debug)]
pub struct Shelf {
    store: ChunkStore,
    /// Away while a batch is under way.
    journal: Option<Journal>,
    direct_bytes: usize,
    open: BTreeMap<ChunkId, OpenChunk>,
    /// The same for readers on other threads.
    tails: Tails,
    /// What the next batch makes durable.
    orders: Vec<Order>,
    written: Vec<Entry>,
    direct: BTreeMap<ChunkId, (VolumeFile, u64)>,
    created: BTreeMap<ChunkId, VolumeFile>,
    /// Files without a name: those of the next batch, and of the one under way.
    unnamed: BTreeSet<ChunkId>,
    /// Chunks with records that are not hashed yet, and those of the batch under way.
    unhashed: BTreeSet<ChunkId>,
    hashing: BTreeSet<ChunkId>,
    /// Files that become closed chunks, and those of them that no thread has taken yet.
    closing: BTreeSet<ChunkId>,
    closings: Vec<Closing>,
    is_retiring: bool,
    /// How full the disk was when it was looked at last.
    level: DiskLevel,
    syncs_at_once: usize,
}

/// What a start found.
#[derive(Debug, Default)]
pub struct Found {
    /// Open chunks, whole.
    pub whole: Vec<ChunkId>,
    /// Chunks whose acknowledged records are damaged here.
    pub damaged: Vec<ChunkId>,
    /// Chunks that the journal has records of, and that have no file: a loss only if they are still needed.
    pub missing: Vec<ChunkId>,
    /// The promises of earlier runs.
    pub fences: BTreeMap<ChunkId, Epoch>,
}

/// What became of an open file when its chunk was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// No file is open.
    Nothing,
    /// It is being closed: see [`Shelf::closings`].
    Closing,
    /// It is only being made: ask again after the next batch.
    Later,
}

impl Shelf {
    /// Opens what lies on a volume, and makes all that the journal has durable in the chunk files.
    pub fn open(volume: Volume, limits: JournalLimits) -> Result<(Self, Found), JournalError> {
        let store = ChunkStore::open(volume)?;
        let (journal, recovered) = Journal::open(&store, limits)?;
        let (mut open, mut found) = (BTreeMap::new(), Found::default());
        let tails = Tails::default();
        for Recovered { chunk, outcome } in recovered {
            match outcome {
                Ok(file) => {
                    tails.insert(file.tail());
                    open.insert(chunk, file);
                    found.whole.push(chunk);
                }
                Err(FileError::Missing { .. }) => found.missing.push(chunk),
                Err(FileError::Damaged(_) | FileError::Disk(_)) => found.damaged.push(chunk),
            }
        }
        found.fences = journal.fences().clone();
        let shelf = Self {
            store,
            journal: Some(journal),
            direct_bytes: limits.direct_bytes.min(1 << 20),
            open,
            tails,
            orders: Vec::new(),
            written: Vec::new(),
            direct: BTreeMap::new(),
            created: BTreeMap::new(),
            unnamed: BTreeSet::new(),
            unhashed: BTreeSet::new(),
            hashing: BTreeSet::new(),
            closing: BTreeSet::new(),
            closings: Vec::new(),
            is_retiring: false,
            level: DiskLevel::Ample,
            syncs_at_once: limits.syncs_at_once,
        };
        Ok((shelf, found))
    }

    /// The store below, to read closed chunks.
    pub fn store(&self) -> &ChunkStore {
        &self.store
    }

    /// A new file for a chunk, durable after the next batch.
    pub fn create(&mut self, header: ChunkHeader) -> Result<(), CreateError> {
        let open = self.store.prepare(header)?;
        self.created.insert(header.id, open.file().clone());
        self.unnamed.insert(header.id);
        self.tails.insert(open.tail());
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

    /// What readers on other threads see of the open chunks.
    pub fn tails(&self) -> Tails {
        self.tails.clone()
    }

    /// The closed chunk that an open one would be.
    pub fn closing(&self, chunk: ChunkId) -> Option<ClosedChunk> {
        self.open.get(&chunk).map(OpenChunk::closing)
    }

    /// Writes records to an open chunk. They are durable after the next batch.
    pub fn write(&mut self, chunk: ChunkId, records: &[SealedRecord]) -> Result<(), AppendError> {
        let Some(open) = self.open.get_mut(&chunk) else { return Ok(()) };
        let (position, bytes) = open.write(records)?;
        let file = open.file().clone();
        if !bytes.is_empty() {
            self.unhashed.insert(chunk);
        }
        if bytes.len() >= self.direct_bytes {
            self.direct.insert(chunk, (file, open.frames_end()));
        } else if !bytes.is_empty() {
            self.written.push(Entry { chunk, file, position, bytes });
        }
        Ok(())
    }

    /// Promises to take nothing more of owners before an epoch. Durable once [`Shelf::is_fenced`] says so.
    pub fn fence(&mut self, chunk: ChunkId, epoch: Epoch) {
        self.orders.push(Order::Fence(chunk, epoch));
    }

    /// Whether the promise is on the disk, as far as the last batch says.
    pub fn is_fenced(&self, chunk: ChunkId, epoch: Epoch) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.has_durable_fence(chunk, epoch))
    }

    /// Whether the journal had no room in the last batch.
    pub fn is_full(&self) -> bool {
        self.journal.as_ref().is_some_and(Journal::is_full)
    }

    /// Looks how much room is left.
    pub fn look_at_room(&mut self) {
        self.level = self.store.space().map_or(DiskLevel::Ample, DiskSpace::level);
    }

    /// Whether so little room is left that it is for the facts alone.
    pub fn is_scarce(&self) -> bool {
        self.level == DiskLevel::Scarce
    }

    /// Whether there is room for copies that are only missing.
    pub fn has_room_for_copies(&self) -> bool {
        self.level < DiskLevel::Filling
    }

    /// The chunk is final here.
    pub fn unfence(&mut self, chunk: ChunkId) {
        self.orders.push(Order::Unfence(chunk));
    }

    /// A retired segment is synced; the next batch removes it.
    pub fn retired(&mut self, retired: Retired) {
        self.is_retiring = false;
        self.orders.push(Order::Retire(retired));
    }

    /// All that is to be made durable; none while a batch is under way.
    pub fn begin(&mut self, now_ms: u64) -> Option<Batch> {
        let journal = self.journal.take()?;
        let unhashed = std::mem::take(&mut self.unhashed);
        let hashing = |chunk| Some((chunk, self.open.get(&chunk)?.hashing()?));
        let hashings: BTreeMap<_, _> = unhashed.into_iter().filter_map(hashing).collect();
        self.hashing = hashings.keys().copied().collect();
        Some(Batch {
            journal,
            orders: std::mem::take(&mut self.orders),
            written: std::mem::take(&mut self.written),
            direct: std::mem::take(&mut self.direct),
            created: std::mem::take(&mut self.created),
            hashings,
            store: self.store.clone(),
            syncs_at_once: self.syncs_at_once,
            is_retiring: self.is_retiring,
            now_ms,
        })
    }

    /// A batch is durable.
    pub fn end(&mut self, durable: Durable) {
        self.is_retiring |= durable.has_retirement;
        let is_known = std::mem::take(&mut self.hashing);
        for (chunk, hashing) in durable.hashed {
            if let Some(open) = self.open.get_mut(&chunk).filter(|_| is_known.contains(&chunk)) {
                open.hashed(hashing);
            }
        }
        for chunk in durable.placed {
            self.unnamed.remove(&chunk);
        }
        // Nobody was told that they are there.
        for chunk in durable.failed {
            self.unnamed.remove(&chunk);
            self.forget_writes(chunk);
            self.open.remove(&chunk);
            self.tails.remove(chunk);
        }
        self.journal = Some(durable.journal);
    }

    /// Notes what no batch has told, at the end of a process: then no damage passes for a torn tail.
    pub fn close(mut self) -> Result<(), Fatal> {
        let Some(batch) = self.begin(0) else { return Ok(()) };
        let mut journal = batch.run()?.journal;
        journal.commit(&[], 0)
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

    /// Begins to make the open file of a committed chunk the closed one, if it holds the same records, and to remove it
    /// if not. Until [`Shelf::closed`] readers find its tail, and nobody else finds a file.
    pub fn settle(&mut self, chunk: ChunkId, committed: &ClosedChunk) -> Settled {
        if self.unnamed.contains(&chunk) {
            return Settled::Later;
        }
        if self.closing.contains(&chunk) {
            return Settled::Closing;
        }
        let Some(open) = self.open.remove(&chunk) else { return Settled::Nothing };
        self.forget_writes(chunk);
        self.closing.insert(chunk);
        self.closings.push(Closing::new(self.store.clone(), open, *committed));
        Settled::Closing
    }

    /// Files to be closed, to be run on threads that may wait for the disk; what comes of them goes to
    /// [`Shelf::closed`].
    pub fn closings(&mut self) -> Vec<Closing> {
        std::mem::take(&mut self.closings)
    }

    /// Whether the file of a committed chunk is being closed.
    pub fn is_closing(&self, chunk: ChunkId) -> bool {
        self.closing.contains(&chunk)
    }

    /// Whether no file is being closed.
    pub fn is_settled(&self) -> bool {
        self.closing.is_empty()
    }

    /// A file is closed, or gone; or the disk did not take it, and says why.
    pub fn closed(&mut self, closed: Closed) -> Result<(), DiskError> {
        let Closed { chunk, end } = closed;
        self.closing.remove(&chunk);
        match end {
            End::Closed | End::Discarded => {
                self.tails.remove(chunk);
                self.orders.push(Order::Forget(chunk));
                Ok(())
            }
            End::Open(open, error) => {
                self.open.insert(chunk, *open);
                Err(error)
            }
            // No open file became it.
            End::Copied(_) => Ok(()),
            End::Dropped(dropped) => dropped,
        }
    }

    /// Removes the open file of a chunk that nobody needs; one that is only being made stays for now.
    pub fn discard(&mut self, chunk: ChunkId) -> Result<(), DiskError> {
        if self.unnamed.contains(&chunk) {
            return Ok(());
        }
        self.forget_writes(chunk);
        self.open.remove(&chunk);
        self.tails.remove(chunk);
        self.store.delete_open(chunk)?;
        self.orders.extend([Order::Forget(chunk), Order::Unfence(chunk)]);
        Ok(())
    }

    fn forget_writes(&mut self, chunk: ChunkId) {
        self.unhashed.remove(&chunk);
        self.hashing.remove(&chunk);
        self.written.retain(|entry| entry.chunk != chunk);
        self.direct.remove(&chunk);
    }

    /// Begins to remove a closed chunk that others hold; see [`Shelf::closings`]. Until [`Shelf::closed`] it passes for one
    /// that is being closed: nobody is told that it is here.
    pub(crate) fn drop_closed(&mut self, object: ObjectId, chunk: &ClosedChunk) {
        self.closing.insert(chunk.id(object));
        self.closings.push(Closing::surplus(self.store.clone(), object, *chunk));
    }

    /// Begins to put a closed chunk in its place that another member sent; see [`Shelf::closings`].
    pub(crate) fn receive(&mut self, object: ObjectId, chunk: &ClosedChunk, file: Bytes) {
        self.closings.push(Closing::copy(self.store.clone(), object, *chunk, file));
    }
}

#[cfg(test)]
mod tests;
