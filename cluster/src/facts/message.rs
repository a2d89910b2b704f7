//! What a member asks of the leader. Variants are only ever added at the end.

use crate::catalog::{self, Applied};
use crate::id::MemberId;
use serde::{Deserialize, Serialize};

/// A request to the leader.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum FactsRequest {
    /// Commit this.
    Submit(Box<catalog::Request>),
    /// Up to where is everything that was committed?
    ReadIndex,
    /// Stand for election: from the leader that is about to stop.
    Elect,
}

/// What the leader answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FactsAnswer {
    /// To [`FactsRequest::Submit`].
    Submitted(Result<Committed, NotCommitted>),
    /// To [`FactsRequest::ReadIndex`]: an index of the log, 0 before the first entry.
    ReadIndex(Result<u64, NotCommitted>),
    /// To [`FactsRequest::Elect`]: it stands.
    Stands,
}

/// A request that is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Committed {
    /// The index of its log entry.
    pub(crate) index: u64,
    /// What became of it.
    pub(crate) applied: Applied,
}

/// Why a member cannot answer for the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NotCommitted {
    /// It does not lead. Nothing was done.
    NotLeader {
        /// Who does, as it knows.
        leader: Option<MemberId>,
    },
    /// It leads, but too few voters answer.
    NoQuorum,
    /// It may have been done, or may yet be.
    Unknown,
    /// It is ending. Nothing was done.
    Stopped,
}
