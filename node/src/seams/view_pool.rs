//! Parts of the views of recordings, filtered from what is stored as they are sent.

use super::growing_views::GrowingViews;
use api::{BoxFuture, MediaError, ViewPart, ViewRead};
use cluster::Cluster;
use cluster::cluster::{ObjectRead, ReadError};
use cluster::id::{ObjectId, RecordingId};
use codec::limits::Limits;
use codec::view::{ViewIndex, ViewRange};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Pieces of views that are read at one time: each may hold the longest instruction that there may be.
const PIECES_AT_ONCE: usize = 32;
/// How long a piece may take, and the waiting for its turn. Who takes long to fetch the next one holds no turn meanwhile.
const PIECE_LIMIT: Duration = Duration::from_secs(20);
/// The most memory that a view keeps between two pieces; above, its reading begins anew at the last point of the index.
const KEPT_BYTES_MAX: usize = 256 << 10;
/// When somebody who found all turns taken may ask again.
const RETRY_AFTER_S: u64 = 2;
/// The version of indexes that is read. What another one points to may be another view.
const INDEX_VERSION: u32 = 1;

/// Reads views for the API.
pub(super) struct ViewPool {
    cluster: Arc<Cluster>,
    turns: Semaphore,
    growing: GrowingViews,
}

impl ViewPool {
    /// A pool that reads from `cluster`.
    pub(super) fn new(cluster: Arc<Cluster>) -> Self {
        let growing = GrowingViews::new(Arc::clone(&cluster));
        Self { cluster, turns: Semaphore::new(PIECES_AT_ONCE), growing }
    }

    /// Begins to read a part of a view.
    pub(super) async fn open(self: Arc<Self>, part: ViewPart) -> Result<Box<dyn ViewRead>, MediaError> {
        let busy = MediaError::Busy { retry_after_s: RETRY_AFTER_S };
        let _turn = self.turns.try_acquire().map_err(|_| busy)?;
        let reading = timeout(PIECE_LIMIT, self.begin(&part)).await.map_err(|_| late())??;
        let pool = Arc::clone(&self);
        Ok(Box::new(StoredView { pool, part, reading: Some(reading) }))
    }

    /// How long the view of a recording is that has no index yet.
    pub(super) async fn length(&self, recording: RecordingId) -> Result<u64, MediaError> {
        self.growing.length(recording).await
    }

    /// A part of the view of a recording that has no index yet.
    pub(super) async fn growing_part(
        &self,
        recording: RecordingId,
        range: std::ops::Range<u64>,
    ) -> Result<ViewRange, MediaError> {
        self.growing.part(recording, range).await
    }

    async fn begin(&self, part: &ViewPart) -> Result<Reading, MediaError> {
        let range = part.range.clone();
        let range = match part.index {
            Some(index) => ViewRange::new(&self.index(index).await?, range, Limits::default()),
            None => self.growing.part(part.recording, range).await?,
        };
        let object = ObjectId::from(part.recording);
        let end = self.cluster.length(object).await.map_err(unreadable)?;
        let start = range.start_byte().min(end);
        let source = self.cluster.read(object, start..end).await.map_err(unreadable)?;
        Ok(Reading { range, source })
    }

    async fn index(&self, object: ObjectId) -> Result<ViewIndex, MediaError> {
        let length = self.cluster.length(object).await.map_err(unreadable)?;
        let mut read = self.cluster.read(object, 0..length).await.map_err(unreadable)?;
        let mut json = Vec::new();
        while let Some(piece) = read.next().await {
            json.extend_from_slice(&piece.map_err(unreadable)?);
        }
        let index: ViewIndex = serde_json::from_slice(&json).map_err(|error| {
            tracing::error!(%object, %error, "the index of a view cannot be read");
            damaged("its view has an index that cannot be read")
        })?;
        match index.version {
            INDEX_VERSION => Ok(index),
            _ => Err(damaged("its view has an index of another version")),
        }
    }
}

/// A recording that is read for a part of its view.
struct Reading {
    range: ViewRange,
    source: ObjectRead,
}

/// A part of a view that is being read.
struct StoredView {
    pool: Arc<ViewPool>,
    /// What is still to be read.
    part: ViewPart,
    /// None where reading begins anew.
    reading: Option<Reading>,
}

impl StoredView {
    async fn read_on(&mut self) -> Option<Result<Vec<u8>, MediaError>> {
        if self.part.range.is_empty() {
            return None;
        }
        let piece = timeout(PIECE_LIMIT, self.piece()).await.unwrap_or_else(|_| Err(late()));
        let bytes = piece.as_ref().map_or(u64::MAX, |piece| u64::try_from(piece.len()).unwrap_or(u64::MAX));
        self.part.range.start = self.part.range.start.saturating_add(bytes).min(self.part.range.end);
        Some(piece)
    }

    /// Reads on until something is seen: a long stretch of keys is passed over in one step.
    async fn piece(&mut self) -> Result<Vec<u8>, MediaError> {
        let _turn = self.pool.turns.acquire().await.map_err(|_| MediaError::Crashed)?;
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => self.pool.begin(&self.part).await?,
        };
        loop {
            let short = || damaged("its view is shorter than its index says");
            let piece = reading.source.next().await.ok_or_else(short)?.map_err(unreadable)?;
            let seen = reading.range.push(&piece).map_err(|error| damaged(&error.to_string()))?;
            if !seen.is_empty() {
                let seen = seen.to_vec();
                self.reading = Some(reading).filter(|reading| reading.range.held_bytes() <= KEPT_BYTES_MAX);
                return Ok(seen);
            }
        }
    }
}

impl ViewRead for StoredView {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Vec<u8>, MediaError>>> {
        Box::pin(self.read_on())
    }
}

fn late() -> MediaError {
    MediaError::Deadline { limit_ms: u64::try_from(PIECE_LIMIT.as_millis()).unwrap_or(u64::MAX) }
}

pub(super) fn unreadable(error: ReadError) -> MediaError {
    damaged(&error.to_string())
}

pub(super) fn damaged(reason: &str) -> MediaError {
    MediaError::Damaged { reason: reason.to_owned() }
}
