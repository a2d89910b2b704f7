//! Purging, and what it leaves.

use cluster::catalog::{PurgeCause, PurgeProgress, Tombstone};
use cluster::id::MemberId;
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
    /// Since when nothing of its keys, nor of what could open them, is left on any member.
    pub(crate) complete_ms: Option<u64>,
    /// What is missing for that.
    pub(crate) waits_for: Option<PurgeWaits>,
}

/// What is missing for the end of a purge.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PurgeWaits {
    /// The members that have yet to delete its files.
    pub(crate) deleting: Vec<u64>,
    /// The members whose log, snapshot and rows have yet to be rewritten.
    pub(crate) forgetting: Vec<u64>,
    /// The KEKs that wrapped its keys and are not gone.
    pub(crate) keks: Vec<u64>,
    /// The members that hold these.
    pub(crate) holding: Vec<u64>,
}

impl From<PurgeProgress> for PurgeWaits {
    fn from(progress: PurgeProgress) -> Self {
        let members = |members: Vec<MemberId>| members.into_iter().map(|member| member.0).collect();
        Self {
            deleting: members(progress.deleting),
            forgetting: members(progress.forgetting),
            keks: progress.keks.into_iter().map(|kek| kek.0).collect(),
            holding: members(progress.holding),
        }
    }
}

impl TombstonePart {
    /// What a purge has left, and how far it is.
    pub(crate) fn new(
        tombstone: Tombstone,
        complete_ms: Option<u64>,
        progress: Option<PurgeProgress>,
    ) -> Self {
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
            complete_ms,
            waits_for: progress.map(PurgeWaits::from),
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
    /// What is due then; now without, or what most members' clocks say where the cluster's time is ahead of them.
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
