//! Members, and whether one is well.

use cluster::chunk::DiskSpace;
use cluster::cluster::MemberStatus;
use serde::Serialize;
use utoipa::ToSchema;

/// A member of the cluster.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Member {
    pub(crate) id: u64,
    pub(crate) is_voter: bool,
    pub(crate) is_leader: bool,
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
    /// A member, and what was heard of its disk.
    pub(crate) fn new(status: MemberStatus, disk: Option<DiskSpace>) -> Self {
        let disk = disk.map(|space| MemberDisk {
            free_bytes: space.free_bytes,
            total_bytes: space.total_bytes,
            level: space.level().as_str(),
        });
        Self { id: status.id.0, is_voter: status.is_voter, is_leader: status.is_leader, disk }
    }
}

/// That a member is well; one that is not answers with a problem.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Health {
    pub(crate) status: &'static str,
}
