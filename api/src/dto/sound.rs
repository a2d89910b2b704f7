//! The file of sound of a session.

use cluster::catalog::{SealFacts, SoundRow};
use cluster::id::RecordingId;
use serde::Serialize;
use utoipa::ToSchema;

use super::hex;

/// A file of sound that was recorded beside a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Sound {
    /// Its bytes as received.
    pub(crate) size_bytes: u64,
    /// When it begins, in milliseconds from the first frame of the recording; negative when its beginning is not heard.
    pub(crate) offset_ms: i64,
    /// SHA-256 of its bytes.
    pub(crate) sha256: String,
    /// The Merkle root over all of it (RFC 6962).
    pub(crate) root: String,
    /// Where the bytes are.
    pub(crate) file: String,
}

impl Sound {
    /// What is said of a row whose object is sealed with these facts.
    pub(crate) fn new(id: RecordingId, row: &SoundRow, facts: &SealFacts) -> Self {
        Self {
            size_bytes: row.length,
            offset_ms: row.offset_ms,
            sha256: hex(&row.content_hash.0),
            root: hex(&facts.root.0),
            file: format!("/v1/sessions/{id}/sound"),
        }
    }
}
