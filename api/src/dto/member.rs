//! Members, and whether one is well.

use super::layout::Drain;
use cluster::chunk::DiskSpace;
use cluster::cluster::{Drain as MemberDrain, MemberStatus};
use serde::Serialize;
use utoipa::ToSchema;

/// A member of the cluster.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Member {
    pub(crate) id: u64,
    pub(crate) is_voter: bool,
    pub(crate) is_leader: bool,
    /// How far it is when it is not in the layout: whether it holds anything that is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drain: Option<Drain>,
    /// How much room its disk has; none when nothing was heard of it lately.
    pub(crate) disk: Option<MemberDisk>,
}

/// How much room a member's disk has.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct MemberDisk {
    pub(crate) free_bytes: u64,
    pub(crate) total_bytes: u64,
    /// `ample`, `low`, `filling` (no new sessions), or `scarce` (no recordings).
    pub(crate) level: &'static str,
}

impl Member {
    /// A member, what was heard of its disk, and how far those are that are not in the layout.
    pub(crate) fn new(status: MemberStatus, disk: Option<DiskSpace>, drains: &[MemberDrain]) -> Self {
        let drain = drains.iter().find(|drain| drain.member == status.id).map(Drain::from);
        let disk = disk.map(|space| MemberDisk {
            free_bytes: space.free_bytes,
            total_bytes: space.total_bytes,
            level: space.level().as_str(),
        });
        Self { id: status.id.0, is_voter: status.is_voter, is_leader: status.is_leader, drain, disk }
    }
}

/// That a member is well; one that is not answers with a problem.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Health {
    pub(crate) status: &'static str,
}
