//! All that members say to one another. Variants are only ever added at the end.

use crate::chunk::key::KekId;
use crate::cluster::WorkerOrder;
use crate::facts::FactsRequest;
use crate::id::{ChunkId, ChunkNumber, Epoch, ObjectId};
use crate::raft::RaftRequest;
use crate::tail;
use serde::{Deserialize, Serialize};

/// A closed chunk whose copy is asked about.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// Its number.
    pub(crate) number: ChunkNumber,
    /// The epoch in which it was opened.
    pub(crate) epoch: Epoch,
    /// The committed length of its file.
    pub(crate) length_bytes: u64,
}

/// A request. Each part of a member has its own answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Raft's own.
    Raft(RaftRequest),
    /// For the leader.
    Facts(FactsRequest),
    /// Messages of the live tail, in order. No answer is meant.
    Tail(Vec<tail::Bytes>),
    /// A piece of a closed chunk's file from a place on.
    Piece {
        /// Which chunk.
        chunk: ChunkId,
        /// Where in the file.
        offset: u64,
    },
    /// For the owner of an object: what a caller of another member wants.
    Ask {
        /// Which object.
        object: ObjectId,
        /// What.
        request: tail::Request,
    },
    /// How many bytes of an object may be read, and whether its open chunk is there.
    Length {
        /// Which object.
        object: ObjectId,
    },
    /// What the copies of closed chunks are worth there.
    Copies {
        /// Of which object.
        object: ObjectId,
        /// Which chunks.
        chunks: Vec<Asked>,
    },
    /// What works in the background there.
    Workers,
    /// What one of them is to do.
    Order {
        /// Its name.
        worker: String,
        /// What.
        order: WorkerOrder,
    },
    /// What lies in the folders there that the cluster needs.
    Residue,
    /// How much room its disk has.
    Disk,
    /// A KEK, encrypted under another one that both hold.
    Kek {
        /// Which.
        kek: KekId,
        /// Those that the asking member holds.
        held: Vec<KekId>,
    },
    /// Who is there, and whether it is ready.
    Hello,
}

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The version of its program.
    pub version: String,
    /// Whether it knows what is committed.
    pub is_ready: bool,
}
