//! All that members say to one another. Variants are only ever added at the end.

use crate::facts::FactsRequest;
use crate::raft::RaftRequest;
use serde::{Deserialize, Serialize};

/// A request. Each part of a member has its own answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Raft's own.
    Raft(RaftRequest),
    /// For the leader.
    Facts(FactsRequest),
}
