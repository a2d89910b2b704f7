//! Parts of the views of recordings, filtered from what is stored as they are sent.

use api::{BoxFuture, MediaError, ViewPart, ViewRead};
use cluster::Cluster;
use cluster::cluster::{ObjectRead, ReadError};
use cluster::id::ObjectId;
use codec::limits::Limits;
use codec::view::{ViewIndex, ViewRange};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Views that are read at one time: each may hold the longest instruction that there may be.
const VIEWS_AT_ONCE: usize = 32;
/// When somebody who found all of them taken may ask again.
const RETRY_AFTER_S: u64 = 2;
/// The version of indexes that is read. What another one points to may be another view.
const INDEX_VERSION: u32 = 1;

/// Reads views for the API.
pub(super) struct ViewPool {
    cluster: Arc<Cluster>,
    free: Arc<Semaphore>,
}

impl ViewPool {
    /// A pool that reads from `cluster`.
    pub(super) fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster, free: Arc::new(Semaphore::new(VIEWS_AT_ONCE)) }
    }

    /// Begins to read a part of a view.
    pub(super) async fn open(&self, part: ViewPart) -> Result<Box<dyn ViewRead>, MediaError> {
        let busy = MediaError::Busy { retry_after_s: RETRY_AFTER_S };
        let permit = Arc::clone(&self.free).try_acquire_owned().map_err(|_| busy)?;
        let ViewPart { recording, index, range } = part;
        let range = ViewRange::new(&self.index(index).await?, range, Limits::default());
        let object = ObjectId::from(recording);
        let end = self.cluster.length(object).await.map_err(unreadable)?;
        let start = range.start_byte().min(end);
        let source = self.cluster.read(object, start..end).await.map_err(unreadable)?;
        Ok(Box::new(StoredView { range, source: Some(source), _permit: permit }))
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

/// A part of a view that is being read.
struct StoredView {
    range: ViewRange,
    /// None after an error.
    source: Option<ObjectRead>,
    _permit: OwnedSemaphorePermit,
}

impl StoredView {
    /// Reads on until something is seen: a long stretch of keys is passed over in one step.
    async fn read_on(&mut self) -> Option<Result<Vec<u8>, MediaError>> {
        while !self.range.is_complete() {
            let source = self.source.as_mut()?;
            let seen = match source.next().await {
                Some(Ok(piece)) => self.range.push(&piece).map_err(|error| damaged(&error.to_string())),
                Some(Err(error)) => Err(unreadable(error)),
                None => Err(damaged("its view is shorter than its index says")),
            };
            match seen {
                Ok([]) => {}
                Ok(seen) => return Some(Ok(seen.to_vec())),
                Err(error) => {
                    self.source = None;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl ViewRead for StoredView {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Vec<u8>, MediaError>>> {
        Box::pin(self.read_on())
    }
}

fn unreadable(error: ReadError) -> MediaError {
    damaged(&error.to_string())
}

fn damaged(reason: &str) -> MediaError {
    MediaError::Damaged { reason: reason.to_owned() }
}
