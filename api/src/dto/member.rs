//! Members, and whether one is well.

use cluster::cluster::MemberStatus;
use serde::Serialize;
use utoipa::ToSchema;

/// A member of the cluster.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Member {
    pub(crate) id: u64,
    pub(crate) is_voter: bool,
    pub(crate) is_leader: bool,
}

impl From<MemberStatus> for Member {
    fn from(status: MemberStatus) -> Self {
        Self { id: status.id.0, is_voter: status.is_voter, is_leader: status.is_leader }
    }
}

/// That a member is well; one that is not answers with a problem.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Health {
    pub(crate) status: &'static str,
}
