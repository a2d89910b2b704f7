//! The views of recordings that grow: how long they are, and where to begin for a part of them.
//!
//! Nothing of a recording is kept, only its index as far as it was read, so a look reads what has come since the last one.
//! What is forgotten, or asked of another member, is read from byte 0 again: that is a pass of the parser, and takes about a
//! second for each gigabyte.

use super::view_pool::{damaged, unreadable};
use api::MediaError;
use cluster::Cluster;
use cluster::id::{ObjectId, RecordingId};
use codec::limits::Limits;
use codec::view::{ViewIndexFold, ViewRange};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// Recordings whose index is kept.
const KEPT_MAX: usize = 512;
/// Memory of all that is kept.
const KEPT_BYTES_MAX: usize = 64 << 20;
/// Recordings that are read on at one time: each may hold the longest instruction that there may be.
const LOOKS_AT_ONCE: usize = 8;
/// How long a look may take. What it has read by then is kept: who asks again is served sooner.
const LOOK_LIMIT: Duration = Duration::from_secs(10);

/// Indexes of the views of recordings that grow.
pub(super) struct GrowingViews {
    cluster: Arc<Cluster>,
    looks: Semaphore,
    kept: Mutex<HashMap<RecordingId, Arc<Growing>>>,
}

/// One of them.
struct Growing {
    /// Whose turn it is to read on.
    turn: Semaphore,
    fold: Mutex<ViewIndexFold>,
    /// How much of the recording was there at the last look: an instruction that is not whole is not read again in vain.
    looked_at: AtomicU64,
    used: Mutex<Instant>,
}

impl Growing {
    fn new() -> Self {
        Self {
            turn: Semaphore::new(1),
            fold: Mutex::new(ViewIndexFold::new(Limits::default())),
            looked_at: AtomicU64::new(0),
            used: Mutex::new(Instant::now()),
        }
    }

    fn fold(&self) -> MutexGuard<'_, ViewIndexFold> {
        self.fold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn used(&self) -> MutexGuard<'_, Instant> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GrowingViews {
    /// None are known yet.
    pub(super) fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster, looks: Semaphore::new(LOOKS_AT_ONCE), kept: Mutex::default() }
    }

    /// How long a view is, as far as its recording is durable.
    pub(super) async fn length(&self, recording: RecordingId) -> Result<u64, MediaError> {
        let growing = self.growing(recording);
        self.look(recording, &growing).await?;
        let length = growing.fold().index().bytes;
        Ok(length)
    }

    /// A part of a view.
    pub(super) async fn part(
        &self,
        recording: RecordingId,
        range: Range<u64>,
    ) -> Result<ViewRange, MediaError> {
        let growing = self.growing(recording);
        let is_known = growing.fold().index().bytes >= range.end;
        if !is_known {
            self.look(recording, &growing).await?;
        }
        let fold = growing.fold();
        match fold.index().bytes >= range.end {
            true => Ok(ViewRange::new(fold.index(), range, Limits::default())),
            false => Err(damaged("so much of its view is not durable on this member")),
        }
    }

    /// Reads what has become durable.
    async fn look(&self, recording: RecordingId, growing: &Growing) -> Result<(), MediaError> {
        let until = Instant::now() + LOOK_LIMIT;
        let limit_ms = u64::try_from(LOOK_LIMIT.as_millis()).unwrap_or(u64::MAX);
        let read = timeout_at(until, self.read_on(recording, growing)).await;
        read.unwrap_or(Err(MediaError::Deadline { limit_ms }))
    }

    /// What it has read stays when it is dropped.
    async fn read_on(&self, recording: RecordingId, growing: &Growing) -> Result<(), MediaError> {
        let _turn = growing.turn.acquire().await.map_err(|_| MediaError::Crashed)?;
        let object = ObjectId::from(recording);
        let end = self.cluster.length(object).await.map_err(unreadable)?;
        if end <= growing.looked_at.load(Ordering::Relaxed) || growing.fold().is_over() {
            return Ok(());
        }
        let from = growing.fold().rewind();
        let _look = self.looks.acquire().await.map_err(|_| MediaError::Crashed)?;
        let mut source = self.cluster.read(object, from..end).await.map_err(unreadable)?;
        while let Some(piece) = source.next().await {
            growing.fold().push(&piece.map_err(unreadable)?);
        }
        growing.fold().rewind();
        growing.looked_at.store(end, Ordering::Relaxed);
        Ok(())
    }

    /// The index of a recording; those that were not used for longest make room for a new one.
    fn growing(&self, recording: RecordingId) -> Arc<Growing> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(growing) = kept.get(&recording) {
            *growing.used() = Instant::now();
            return Arc::clone(growing);
        }
        let held = |growing: &Growing| growing.fold().index().held_bytes();
        let mut bytes: usize = kept.values().map(|growing| held(growing)).sum();
        while kept.len() >= KEPT_MAX || bytes > KEPT_BYTES_MAX {
            let oldest = kept.iter().min_by_key(|(_, growing)| *growing.used());
            let Some(oldest) = oldest.map(|(recording, _)| *recording) else { break };
            bytes -= kept.remove(&oldest).map_or(0, |growing| held(&growing));
        }
        let growing = Arc::new(Growing::new());
        kept.insert(recording, Arc::clone(&growing));
        growing
    }
}
