//! The way to other members. A cluster of one member has none, and whoever asks is told so.

use super::types::{Node, NodeId, Snapshot, TypeConfig, Vote};
use openraft::OptionalSend;
use openraft::error::{Fatal, RPCError, RaftError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use std::future::Future;

/// A network without other members.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NoPeers;

/// Nobody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("member {target} cannot be reached: this cluster has one member")]
pub(crate) struct NoPeer {
    pub(crate) target: NodeId,
}

impl RaftNetworkFactory<TypeConfig> for NoPeers {
    type Network = NoPeer;

    async fn new_client(&mut self, target: NodeId, _node: &Node) -> NoPeer {
        NoPeer { target }
    }
}

type Answer<T> = Result<T, RPCError<NodeId, Node, RaftError<NodeId>>>;

impl RaftNetwork<TypeConfig> for NoPeer {
    async fn append_entries(
        &mut self,
        _request: AppendEntriesRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Answer<AppendEntriesResponse<NodeId>> {
        Err(RPCError::Unreachable(Unreachable::new(self)))
    }

    async fn vote(
        &mut self,
        _request: VoteRequest<NodeId>,
        _option: RPCOption,
    ) -> Answer<VoteResponse<NodeId>> {
        Err(RPCError::Unreachable(Unreachable::new(self)))
    }

    async fn full_snapshot(
        &mut self,
        _vote: Vote,
        _snapshot: Snapshot,
        _cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<NodeId>, StreamingError<TypeConfig, Fatal<NodeId>>> {
        Err(StreamingError::Unreachable(Unreachable::new(self)))
    }
}
