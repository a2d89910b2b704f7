//! Raft's way to other members, over the seam of [`crate::rpc`].

use super::files;
use super::message::{RaftAnswer, RaftRequest};
use super::snapshot::SnapshotFile;
use super::types::{Node, NodeId, Snapshot, TypeConfig, Vote};
use crate::id::MemberId;
use crate::rpc::{self, CallError, Peers};
use openraft::error::{
    Fatal, NetworkError, RPCError, RaftError, ReplicationClosed, StreamingError, Unreachable,
};
use openraft::network::{RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::{AnyError, OptionalSend};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How much of a snapshot goes in one message.
const PIECE_BYTES: usize = 1 << 20;
/// How long a piece may take.
const PIECE_DEADLINE: Duration = Duration::from_secs(5);
/// How long the other member may take to check and load a whole snapshot.
const INSTALL_DEADLINE: Duration = Duration::from_secs(50);

/// Makes the way to each member.
#[derive(Clone)]
pub(crate) struct RaftPeers(pub(crate) Arc<dyn Peers>);

impl RaftNetworkFactory<TypeConfig> for RaftPeers {
    type Network = RaftPeer;

    async fn new_client(&mut self, target: NodeId, _node: &Node) -> RaftPeer {
        RaftPeer { target: MemberId(target), peers: Arc::clone(&self.0) }
    }
}

/// The way to one member.
pub(crate) struct RaftPeer {
    target: MemberId,
    peers: Arc<dyn Peers>,
}

/// Why a request of Raft was not answered.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("member {target} has failed: {reason}")]
    Failed { target: MemberId, reason: String },
    #[error("member {target} has answered something else")]
    Other { target: MemberId },
    #[error("a snapshot cannot be read: {0}")]
    Snapshot(#[from] io::Error),
}

type Answered<T> = Result<T, RPCError<NodeId, Node, RaftError<NodeId>>>;

impl RaftPeer {
    async fn ask(&self, request: RaftRequest, deadline: Duration) -> Result<RaftAnswer, Unanswered> {
        let target = self.target;
        let request = rpc::encode(&rpc::Request::Raft(request));
        let answer = self.peers.call(target, request, deadline).await?;
        match rpc::decode(&answer).ok_or(CallError::Answer { target })? {
            RaftAnswer::Failed(reason) => Err(Unanswered::Failed { target, reason }),
            answer @ (RaftAnswer::Append(_)
            | RaftAnswer::Vote(_)
            | RaftAnswer::PieceTaken
            | RaftAnswer::Installed(_)) => Ok(answer),
        }
    }

    /// Sends a snapshot piece by piece, each checked on the other side as a whole file's is.
    async fn send_snapshot(
        &self,
        vote: Vote,
        snapshot: Snapshot,
    ) -> Result<SnapshotResponse<NodeId>, Unanswered> {
        let target = self.target;
        let SnapshotFile { disk, path } = *snapshot.snapshot;
        let file = disk.open(&path)?;
        let id = snapshot.meta.snapshot_id.clone();
        let mut offset = 0;
        loop {
            let bytes = files::read_at(&*file, offset, PIECE_BYTES)?;
            if bytes.is_empty() {
                break;
            }
            let length = u64::try_from(bytes.len()).map_err(io::Error::other)?;
            let piece = RaftRequest::SnapshotPiece { id: id.clone(), offset, bytes };
            match self.ask(piece, PIECE_DEADLINE).await? {
                RaftAnswer::PieceTaken => offset += length,
                RaftAnswer::Append(_)
                | RaftAnswer::Vote(_)
                | RaftAnswer::Installed(_)
                | RaftAnswer::Failed(_) => return Err(Unanswered::Other { target }),
            }
        }
        let end = RaftRequest::SnapshotEnd { vote, meta: snapshot.meta, bytes: offset };
        match self.ask(end, INSTALL_DEADLINE).await? {
            RaftAnswer::Installed(response) => Ok(response),
            RaftAnswer::Append(_) | RaftAnswer::Vote(_) | RaftAnswer::PieceTaken | RaftAnswer::Failed(_) => {
                Err(Unanswered::Other { target })
            }
        }
    }
}

impl RaftNetwork<TypeConfig> for RaftPeer {
    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Answered<AppendEntriesResponse<NodeId>> {
        match self.ask(RaftRequest::Append(request), option.hard_ttl()).await {
            Ok(RaftAnswer::Append(response)) => Ok(response),
            Ok(_) => Err(unanswered(Unanswered::Other { target: self.target })),
            Err(error) => Err(unanswered(error)),
        }
    }

    async fn vote(
        &mut self,
        request: VoteRequest<NodeId>,
        option: RPCOption,
    ) -> Answered<VoteResponse<NodeId>> {
        match self.ask(RaftRequest::Vote(request), option.hard_ttl()).await {
            Ok(RaftAnswer::Vote(response)) => Ok(response),
            Ok(_) => Err(unanswered(Unanswered::Other { target: self.target })),
            Err(error) => Err(unanswered(error)),
        }
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<NodeId>, StreamingError<TypeConfig, Fatal<NodeId>>> {
        tokio::select! {
            biased;
            closed = cancel => Err(StreamingError::Closed(closed)),
            sent = self.send_snapshot(vote, snapshot) => sent.map_err(|error| match is_away(&error) {
                true => StreamingError::Unreachable(Unreachable::new(&error)),
                false => StreamingError::Network(NetworkError::new(&error)),
            }),
        }
    }
}

/// A member that is away is asked again after a pause, another one at once.
fn unanswered(error: Unanswered) -> RPCError<NodeId, Node, RaftError<NodeId>> {
    match is_away(&error) {
        true => RPCError::Unreachable(Unreachable::new(&error)),
        false => RPCError::Network(NetworkError::from(AnyError::new(&error))),
    }
}

fn is_away(error: &Unanswered) -> bool {
    match error {
        Unanswered::Call(
            CallError::Unknown { .. } | CallError::Unreachable { .. } | CallError::Denied { .. },
        )
        | Unanswered::Failed { .. } => true,
        Unanswered::Call(CallError::Deadline { .. } | CallError::Answer { .. })
        | Unanswered::Other { .. }
        | Unanswered::Snapshot(_) => false,
    }
}
