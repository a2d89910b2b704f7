//! What a shelf wants durable, as work for a thread that may wait for the disk.

use crate::chunk::disk::{DiskError, Fatal, VolumeFile};
use crate::chunk::journal::{Entry, Journal, Retired, Retirement};
use crate::chunk::{ChunkStore, Hashing};
use crate::id::{ChunkId, Epoch};
use std::collections::BTreeMap;

/// So many bytes are hashed on a thread of their own, while the disk is waited for.
const HASHED_ASIDE_BYTES: usize = 256 << 10;

/// Everything that was written since the batch before. One at a time is under way: it has the journal.
#[derive(Debug)]
pub struct Batch {
    pub(super) journal: Journal,
    pub(super) orders: Vec<Order>,
    /// Records that wait for the journal.
    pub(super) written: Vec<Entry>,
    /// Chunk files that are synced themselves, and where their records end.
    pub(super) direct: BTreeMap<ChunkId, (VolumeFile, u64)>,
    /// New chunk files, which have no name yet.
    pub(super) created: BTreeMap<ChunkId, VolumeFile>,
    /// Records that are to be hashed for the hash of their chunk's file.
    pub(super) hashings: BTreeMap<ChunkId, Hashing>,
    pub(super) store: ChunkStore,
    pub(super) syncs_at_once: usize,
    /// Whether a retired segment is still under way.
    pub(super) is_retiring: bool,
    pub(super) now_ms: u64,
}

/// What the journal is to note.
#[derive(Debug)]
pub(super) enum Order {
    Fence(ChunkId, Epoch),
    Unfence(ChunkId),
    Forget(ChunkId),
    Retire(Retired),
}

/// A batch that is on the disk.
#[derive(Debug)]
pub struct Durable {
    pub(super) journal: Journal,
    /// New chunk files that have a name, and those that have got none.
    pub(super) placed: Vec<ChunkId>,
    pub(super) failed: Vec<ChunkId>,
    pub(super) hashed: BTreeMap<ChunkId, Hashing>,
    pub(super) has_retirement: bool,
    retirement: Option<Retirement>,
}

impl Batch {
    /// Makes it durable, and hashes it meanwhile. An error ends the process.
    pub fn run(mut self) -> Result<Durable, Fatal> {
        let mut hashings = std::mem::take(&mut self.hashings);
        let bytes: usize = hashings.values().map(Hashing::bytes).sum();
        let hash = |hashings: &mut BTreeMap<ChunkId, Hashing>| hashings.values_mut().for_each(Hashing::run);
        let durable = match bytes >= HASHED_ASIDE_BYTES && self.syncs_at_once > 1 {
            true => std::thread::scope(|scope| {
                scope.spawn(|| hash(&mut hashings));
                self.sync()
            }),
            false => {
                hash(&mut hashings);
                self.sync()
            }
        };
        durable.map(|durable| Durable { hashed: hashings, ..durable })
    }

    fn sync(self) -> Result<Durable, Fatal> {
        let Self { mut journal, orders, mut written, mut direct, created, .. } = self;
        let (mut placed, mut failed) = (Vec::new(), Vec::new());
        // INVARIANT: a file has its name before anything says that it holds something.
        if !created.is_empty() {
            sync_all(created.values().collect(), self.syncs_at_once)?;
            placed = created.keys().copied().collect();
            failed = self.store.place(&placed)?;
            placed.retain(|chunk| !failed.contains(chunk));
            written.retain(|entry| !failed.contains(&entry.chunk));
            direct.retain(|chunk, _| !failed.contains(chunk));
        }
        for order in orders {
            match order {
                Order::Fence(chunk, epoch) => journal.fence(chunk, epoch),
                Order::Unfence(chunk) => journal.unfence(chunk),
                Order::Forget(chunk) => journal.forget(chunk),
                Order::Retire(retired) => drop(survivable(journal.retire(retired))?),
            }
        }
        sync_all(direct.values().map(|(file, _)| file).collect(), self.syncs_at_once)?;
        for (chunk, (_, end)) in direct {
            journal.mark(chunk, end);
        }
        // Marks alone are worth no sync. A promise that a full disk did not take is tried again.
        if !written.is_empty() || journal.has_untold_fences() {
            journal.commit(&written, self.now_ms)?;
        }
        let is_due = !self.is_retiring && journal.is_due(self.now_ms);
        let retirement = if is_due { survivable(journal.rotate())? } else { None };
        let (has_retirement, hashed) = (retirement.is_some(), BTreeMap::new());
        Ok(Durable { journal, placed, failed, hashed, has_retirement, retirement })
    }
}

impl Durable {
    /// A segment whose chunk files are to be synced, on any thread; then [`Member::retired`](super::Member::retired).
    pub fn take_retirement(&mut self) -> Option<Retirement> {
        self.retirement.take()
    }
}

/// Syncs files, some at once: the file system makes those durable together that wait together.
fn sync_all(files: Vec<&VolumeFile>, at_once: usize) -> Result<(), Fatal> {
    let each = files.len().div_ceil(at_once.max(1));
    if files.len() <= 1 || at_once <= 1 {
        return files.into_iter().try_for_each(VolumeFile::sync);
    }
    std::thread::scope(|scope| {
        let sync = |files: &[&VolumeFile]| files.iter().try_for_each(|file| file.sync());
        let parts: Vec<_> = files.chunks(each).map(|part| scope.spawn(move || sync(part))).collect();
        parts.into_iter().try_for_each(|part| part.join().expect("a sync does not panic"))
    })
}

/// A segment that cannot be begun or removed while the disk is full is tried again later; the old one stays.
fn survivable<T>(result: Result<T, DiskError>) -> Result<Option<T>, Fatal> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(DiskError::Io { .. }) => Ok(None),
        Err(DiskError::Fatal(fatal)) => Err(fatal),
    }
}
