//! What members say to one another about Raft. Variants are only ever added at the end.

use super::types::{NodeId, SnapshotMeta, TypeConfig, Vote};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use serde::{Deserialize, Serialize};

/// A request of Raft.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum RaftRequest {
    /// Entries, or a heartbeat.
    Append(AppendEntriesRequest<TypeConfig>),
    /// A candidate asks for a vote.
    Vote(VoteRequest<NodeId>),
    /// A part of a snapshot's file, in order; offset 0 begins another one.
    SnapshotPiece { id: String, offset: u64, bytes: Vec<u8> },
    /// The snapshot was sent as a whole and is to be installed.
    SnapshotEnd { vote: Vote, meta: SnapshotMeta, bytes: u64 },
}

/// What Raft answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum RaftAnswer {
    Append(AppendEntriesResponse<NodeId>),
    Vote(VoteResponse<NodeId>),
    PieceTaken,
    Installed(SnapshotResponse<NodeId>),
    /// Raft has ended on that member, or its disk has failed.
    Failed(String),
}
