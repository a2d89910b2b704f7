//! What a member's drops of surplus copies tell the rest of its process, and what they are told: shared with other threads.

use crate::id::{ChunkId, MemberId};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What has been done since the start of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DropCounts {
    /// Copies that were dropped.
    pub dropped: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Copies that this member is not to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DropQueue {
    /// How many wait.
    pub chunks: u64,
    /// How many are asked about or being dropped at this moment.
    pub under_way: u64,
    /// Why the last one that stays stays.
    pub blocked: Option<Blocked>,
}

/// Why a copy stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// Which.
    pub chunk: ChunkId,
    /// The members that are to hold it and have not said that they do.
    pub lacking: Vec<MemberId>,
}

/// The drops of one member.
#[derive(Debug, Default)]
pub struct Drops {
    is_paused: AtomicBool,
    dropped: AtomicU64,
    bytes: AtomicU64,
    queue: Mutex<DropQueue>,
}

impl Drops {
    /// Drops nothing, or goes on.
    pub fn pause(&self, is_paused: bool) {
        self.is_paused.store(is_paused, Ordering::Relaxed);
    }

    /// Whether nothing is dropped.
    pub fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Relaxed)
    }

    /// What has been done.
    pub fn counts(&self) -> DropCounts {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        DropCounts { dropped: count(&self.dropped), bytes: count(&self.bytes) }
    }

    /// What is still to be done.
    pub fn queue(&self) -> DropQueue {
        self.lock().clone()
    }

    pub(crate) fn tell_queue(&self, chunks: usize, under_way: usize) {
        let count = |count| u64::try_from(count).unwrap_or(u64::MAX);
        let mut queue = self.lock();
        (queue.chunks, queue.under_way) = (count(chunks), count(under_way));
    }

    pub(crate) fn block(&self, blocked: Blocked) {
        self.lock().blocked = Some(blocked);
    }

    /// Nothing is here that others are to hold.
    pub(crate) fn unblock(&self) {
        self.lock().blocked = None;
    }

    /// A copy is gone, and with it the reason why it stayed.
    pub(crate) fn count_dropped(&self, chunk: ChunkId, bytes: u64) {
        let mut queue = self.lock();
        queue.blocked = queue.blocked.take().filter(|blocked| blocked.chunk != chunk);
        drop(queue);
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, DropQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
