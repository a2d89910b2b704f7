//! openraft's types with ours in them.

use crate::catalog::{Applied, Request};
use crate::id::MemberId;
use crate::raft::snapshot::SnapshotFile;
use serde::{Deserialize, Serialize};

openraft::declare_raft_types!(
    /// What the members agree on.
    pub(crate) TypeConfig:
        D = Proposal,
        R = Reply,
        NodeId = u64,
        Node = openraft::EmptyNode,
        Entry = openraft::Entry<TypeConfig>,
        SnapshotData = SnapshotFile,
        Responder = openraft::impls::OneshotResponder<TypeConfig>,
        AsyncRuntime = crate::runtime::Runtime,
);

pub(crate) type NodeId = u64;
pub(crate) type Node = openraft::EmptyNode;
pub(crate) type Entry = openraft::Entry<TypeConfig>;
pub(crate) type LogId = openraft::LogId<NodeId>;
pub(crate) type Vote = openraft::Vote<NodeId>;
pub(crate) type StoredMembership = openraft::StoredMembership<NodeId, Node>;
pub(crate) type SnapshotMeta = openraft::SnapshotMeta<NodeId, Node>;
pub(crate) type Snapshot = openraft::Snapshot<TypeConfig>;
pub(crate) type StorageError = openraft::StorageError<NodeId>;

/// Where a membership stands in the log, and all of its members, as they are stored.
pub(crate) fn stored_members(stored: &[u8]) -> Option<(u64, Vec<MemberId>)> {
    let stored: StoredMembership = postcard::from_bytes(stored).ok()?;
    let index = stored.log_id().map_or(0, |id| id.index);
    Some((index, stored.nodes().map(|(id, _)| MemberId(*id)).collect()))
}

/// How openraft answers a proposal.
pub(crate) type WriteAnswer = openraft::raft::ClientWriteResult<TypeConfig>;

/// The bytes of a request in a log entry; none if it cannot be encoded.
pub(crate) fn entry_bytes(request: &Request) -> Option<usize> {
    postcard::experimental::serialized_size(request).ok()
}

/// The most bytes of a log entry.
const ENTRY_BYTES_MAX: usize = 4096;
/// What Raft adds to the requests of an entry, at most.
const ENTRY_OVERHEAD_BYTES: usize = 64;
/// The most bytes of an entry's requests.
pub(crate) const REQUESTS_BYTES_MAX: usize = ENTRY_BYTES_MAX - ENTRY_OVERHEAD_BYTES;

/// A log entry: the requests that were waiting together, so that they share one fsync on each member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proposal {
    pub(crate) requests: Vec<Request>,
}

/// What became of each request of a [`Proposal`], in order; empty for entries of Raft's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) applied: Vec<Applied>,
}
