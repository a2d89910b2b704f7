//! What a shelf wants durable, as work for a thread that may wait for the disk.

use crate::chunk::disk::{DiskError, Fatal, VolumeFile};
use crate::chunk::journal::{Entry, Journal, Retired, Retirement};
use crate::id::{ChunkId, Epoch};
use std::collections::BTreeMap;

/// Everything that was written since the batch before. One at a time is under way: it has the journal.
#[derive(Debug)]
pub struct Batch {
    pub(super) journal: Journal,
    pub(super) orders: Vec<Order>,
    /// Records that wait for the journal.
    pub(super) written: Vec<Entry>,
    /// Chunk files that are synced themselves, and where their records end.
    pub(super) direct: BTreeMap<ChunkId, (VolumeFile, u64)>,
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
    pub(super) has_retirement: bool,
    retirement: Option<Retirement>,
}

impl Batch {
    /// Makes it durable. An error ends the process.
    pub fn run(self) -> Result<Durable, Fatal> {
        let Self { mut journal, orders, written, direct, is_retiring, now_ms } = self;
        // Marks alone are worth no sync.
        let mut is_worth_it = !written.is_empty();
        for order in orders {
            is_worth_it |= matches!(order, Order::Fence(..));
            match order {
                Order::Fence(chunk, epoch) => journal.fence(chunk, epoch),
                Order::Unfence(chunk) => journal.unfence(chunk),
                Order::Forget(chunk) => journal.forget(chunk),
                Order::Retire(retired) => drop(survivable(journal.retire(retired))?),
            }
        }
        for (chunk, (file, end)) in direct {
            file.sync()?;
            journal.mark(chunk, end);
        }
        if is_worth_it {
            journal.commit(&written, now_ms)?;
        }
        let is_due = !is_retiring && journal.is_due(now_ms);
        let retirement = if is_due { survivable(journal.rotate())? } else { None };
        Ok(Durable { journal, has_retirement: retirement.is_some(), retirement })
    }
}

impl Durable {
    /// A segment whose chunk files are to be synced, on any thread; then [`Member::retired`](super::Member::retired).
    pub fn take_retirement(&mut self) -> Option<Retirement> {
        self.retirement.take()
    }
}

/// A segment that cannot be begun or removed while the disk is full is tried again later; the old one stays.
fn survivable<T>(result: Result<T, DiskError>) -> Result<Option<T>, Fatal> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(DiskError::Io { .. }) => Ok(None),
        Err(DiskError::Fatal(fatal)) => Err(fatal),
    }
}
