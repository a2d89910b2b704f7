//! Members, and whether one is well.

use super::layout::Drain;
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
}

impl Member {
    /// A member, and how far those are that are not in the layout.
    pub(crate) fn new(status: MemberStatus, drains: &[MemberDrain]) -> Self {
        let drain = drains.iter().find(|drain| drain.member == status.id).map(Drain::from);
        Self { id: status.id.0, is_voter: status.is_voter, is_leader: status.is_leader, drain }
    }
}

/// That a member is well; one that is not answers with a problem.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Health {
    pub(crate) status: &'static str,
}
