//! What a member's repairs tell the rest of its process, and what they are told: shared with other threads.

use crate::id::ChunkId;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Findings that are kept until somebody looks.
const FINDINGS_MAX: usize = 1024;

/// Why a copy is to be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// This member is to hold it and has no file.
    Missing,
    /// Its file is damaged.
    Bad,
}

/// Something that is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A copy is bad; it is asked of the others.
    Bad(ChunkId),
    /// A good copy has taken the place of a bad one.
    Repaired(ChunkId),
    /// No member that was asked has a good copy. It is asked for again, less and less often.
    NoCopy(ChunkId),
}

/// What has been done since the start of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RepairCounts {
    /// Bad copies that were found.
    pub bad: u64,
    /// Good copies that took the place of bad ones.
    pub repaired: u64,
    /// Copies that were missing and were fetched.
    pub fetched: u64,
    /// Bytes of both.
    pub bytes: u64,
}

/// Chunks that are still to be fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RepairQueue {
    /// How many.
    pub chunks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those that are asked for at this moment.
    pub under_way: u64,
    /// How long it takes at the pace so far, in milliseconds.
    pub eta_ms: Option<u64>,
    /// How many of them are missing; the others are bad.
    pub missing: u64,
    /// For how long the one is known to be missing that is known for longest, in milliseconds.
    pub lag_ms: u64,
    /// Whether that is for long, and all members are there.
    pub is_alarming: bool,
}

/// The repairs of one member.
#[derive(Debug, Default)]
pub struct Repairs {
    is_paused: AtomicBool,
    is_wanted_now: AtomicBool,
    bad: AtomicU64,
    repaired: AtomicU64,
    fetched: AtomicU64,
    bytes: AtomicU64,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    queue: RepairQueue,
    last_error: Option<String>,
    findings: VecDeque<Finding>,
    moves_left: Option<u64>,
}

impl Repairs {
    /// Fetches nothing, or goes on.
    pub fn pause(&self, is_paused: bool) {
        self.is_paused.store(is_paused, Ordering::Relaxed);
    }

    /// Whether nothing is fetched.
    pub fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Relaxed)
    }

    /// Everything that is missing is looked for and asked for at once, however often that was in vain.
    pub fn start_now(&self) {
        self.is_wanted_now.store(true, Ordering::Relaxed);
    }

    /// Whether that is wanted; told once.
    pub(crate) fn take_start(&self) -> bool {
        self.is_wanted_now.swap(false, Ordering::Relaxed)
    }

    /// What has been done.
    pub fn counts(&self) -> RepairCounts {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        RepairCounts {
            bad: count(&self.bad),
            repaired: count(&self.repaired),
            fetched: count(&self.fetched),
            bytes: count(&self.bytes),
        }
    }

    /// What is still to be done, and the last failure.
    pub fn queue(&self) -> (RepairQueue, Option<String>) {
        let told = self.lock();
        (told.queue, told.last_error.clone())
    }

    /// How many chunks are still to be fetched, replaced or dropped, of those that were there when the layout and the number of
    /// replicas that hold were first surveyed; none before that survey is over.
    pub fn moves_left(&self) -> Option<u64> {
        self.lock().moves_left
    }

    pub(crate) fn tell_moves_left(&self, left: Option<u64>) {
        self.lock().moves_left = left;
    }

    /// What was found since this was asked last; of many, the newest.
    pub fn take_findings(&self) -> Vec<Finding> {
        std::mem::take(&mut self.lock().findings).into()
    }

    pub(crate) fn tell_queue(&self, queue: RepairQueue) {
        self.lock().queue = queue;
    }

    pub(crate) fn fail(&self, error: String) {
        self.lock().last_error = Some(error);
    }

    /// A copy was found bad.
    pub(crate) fn found_bad(&self, chunk: ChunkId) {
        self.bad.fetch_add(1, Ordering::Relaxed);
        self.find(Finding::Bad(chunk));
    }

    /// A good copy is in its place.
    pub(crate) fn placed(&self, chunk: ChunkId, cause: Cause, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        match cause {
            Cause::Missing => drop(self.fetched.fetch_add(1, Ordering::Relaxed)),
            Cause::Bad => {
                self.repaired.fetch_add(1, Ordering::Relaxed);
                self.find(Finding::Repaired(chunk));
            }
        }
    }

    pub(crate) fn find(&self, finding: Finding) {
        let mut told = self.lock();
        if told.findings.len() == FINDINGS_MAX {
            told.findings.pop_front();
        }
        told.findings.push_back(finding);
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
