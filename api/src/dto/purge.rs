//! Purging, and what it leaves.

use cluster::catalog::{PurgeCause, Tombstone};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::hex;
use super::named::End;

/// A session is to be gone before its time.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PurgeRequest {
    /// Why; it stays in the tombstone.
    pub(crate) reason: String,
}

/// What a purge has left.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TombstonePart {
    /// How the session had ended.
    pub(crate) end: End,
    /// The Merkle root of its recording.
    pub(crate) root: String,
    /// The recording's bytes as received.
    pub(crate) size_bytes: u64,
    /// The recording's chunks.
    pub(crate) chunks: u32,
    /// Its videos that could be downloaded.
    pub(crate) videos: u32,
    pub(crate) purged_ms: u64,
    /// Who; none when its retention had passed.
    pub(crate) purged_by: Option<String>,
    /// Why; none when its retention had passed.
    pub(crate) reason: Option<String>,
}

impl From<Tombstone> for TombstonePart {
    fn from(tombstone: Tombstone) -> Self {
        let (purged_by, reason) = match tombstone.cause {
            PurgeCause::Retention => (None, None),
            PurgeCause::Person { by, reason } => (Some(by), Some(reason)),
        };
        Self {
            end: tombstone.end.into(),
            root: hex(&tombstone.root.0),
            size_bytes: tombstone.length,
            chunks: tombstone.chunk_count,
            videos: tombstone.video_count,
            purged_ms: tombstone.purged_ms,
            purged_by,
            reason,
        }
    }
}

/// Which part of the plan.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PurgePlanQuery {
    /// At most so many; 100 without.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<usize>,
    /// `next` of an earlier page.
    pub(crate) cursor: Option<String>,
    /// What is due then; now without.
    pub(crate) at_ms: Option<u64>,
}

/// What would be purged by age; nothing is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PurgePlan {
    /// The cluster's time.
    pub(crate) now_ms: u64,
    /// Why nothing is purged by age until an operator confirms, if the members' clocks are suspected.
    pub(crate) suspended: Option<String>,
    /// The oldest end first.
    pub(crate) sessions: Vec<DueSession>,
    /// The cursor of the next page; none after the last. A page may be short or empty before that.
    pub(crate) next: Option<String>,
}

/// A session whose retention has passed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DueSession {
    pub(crate) id: String,
    /// When it ended, in the cluster's time.
    pub(crate) ended_ms: u64,
    /// When its retention passed.
    pub(crate) due_ms: u64,
    /// Whether a hold keeps it.
    pub(crate) held: bool,
}
