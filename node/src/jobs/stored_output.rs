//! A new object of the cluster, written from a thread from its first byte to its last.

use cluster::Cluster;
use cluster::chunk::Hash;
use cluster::chunk::key::KeyPurpose;
use cluster::id::{ObjectId, RecordingId};
use ring::digest::{Context, SHA256};
use std::io::{self, Write};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Bytes appended at once. An append of this size goes straight to the chunk's file.
const APPEND_BYTES: usize = 1 << 20;

/// Why an object cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// It cannot be begun.
    #[error("cannot begin an object of {recording}: {source}")]
    Open {
        /// Of which recording.
        recording: RecordingId,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It cannot be written.
    #[error("cannot write {object}: {source}")]
    Append {
        /// Which.
        object: ObjectId,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It cannot be closed.
    #[error("cannot seal {object}: {source}")]
    Seal {
        /// Which.
        object: ObjectId,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredObject {
    /// Where.
    pub(crate) object: ObjectId,
    /// Its bytes.
    pub(crate) length: u64,
    /// SHA-256 of them.
    pub(crate) content_hash: Hash,
}

/// An object that is being written. Dropped before [`StoredOutput::seal`], it stays open and nothing refers to it.
pub(crate) struct StoredOutput {
    cluster: Arc<Cluster>,
    runtime: Handle,
    recording: RecordingId,
    purpose: KeyPurpose,
    /// None before the first byte.
    object: Option<ObjectId>,
    offset: u64,
    waiting: Vec<u8>,
    hash: Context,
}

impl StoredOutput {
    /// An object that derives from `recording`; it is begun with its first bytes. Not to be used on a thread of the
    /// runtime.
    pub(crate) fn new(cluster: Arc<Cluster>, runtime: Handle, recording: RecordingId) -> Self {
        let (waiting, hash) = (Vec::with_capacity(APPEND_BYTES), Context::new(&SHA256));
        let purpose = KeyPurpose::Bytes;
        Self { cluster, runtime, recording, purpose, object: None, offset: 0, waiting, hash }
    }

    /// As [`StoredOutput::new`], for text of keystrokes: under the recording's second key.
    pub(crate) fn of_text(cluster: Arc<Cluster>, runtime: Handle, recording: RecordingId) -> Self {
        Self { purpose: KeyPurpose::Text, ..Self::new(cluster, runtime, recording) }
    }

    /// Makes the object final.
    pub(crate) fn seal(mut self) -> Result<StoredObject, StoreError> {
        self.append()?;
        let object = self.object()?;
        self.runtime
            .block_on(self.cluster.seal(object))
            .map_err(|error| StoreError::Seal { object, source: error.into() })?;
        let mut content_hash = [0; 32];
        content_hash.copy_from_slice(self.hash.finish().as_ref());
        Ok(StoredObject { object, length: self.offset, content_hash: Hash(content_hash) })
    }

    /// Where it stands, once it has begun.
    pub(super) fn begun(&self) -> Option<ObjectId> {
        self.object
    }

    fn object(&mut self) -> Result<ObjectId, StoreError> {
        if let Some(object) = self.object {
            return Ok(object);
        }
        let recording = self.recording;
        let object = self
            .runtime
            .block_on(self.cluster.open_stream(recording, self.purpose))
            .map_err(|error| StoreError::Open { recording, source: error.into() })?;
        self.object = Some(object);
        Ok(object)
    }

    fn append(&mut self) -> Result<(), StoreError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let object = self.object()?;
        let bytes = std::mem::replace(&mut self.waiting, Vec::with_capacity(APPEND_BYTES));
        self.hash.update(&bytes);
        self.offset = self
            .runtime
            .block_on(self.cluster.append(object, self.offset, bytes))
            .map_err(|error| StoreError::Append { object, source: error.into() })?;
        Ok(())
    }
}

impl Write for StoredOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(APPEND_BYTES - self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..taken]);
        if self.waiting.len() == APPEND_BYTES {
            self.append().map_err(io::Error::other)?;
        }
        Ok(taken)
    }

    /// Appends what waits, so that others can read all of it.
    fn flush(&mut self) -> io::Result<()> {
        self.append().map_err(io::Error::other)
    }
}
