//! What proves the bytes of a sealed object to somebody who has nothing of the cluster.

use super::Cluster;
use super::errors::ReadError;
use super::outbox::PIECE_DEADLINE;
use super::shared::{Shared, chunks_of};
use crate::catalog::{CatalogError, ObjectState};
use crate::chunk::key::{DataKey, KEY_BYTES};
use crate::chunk::{
    ChunksError, ClosedChunk, FileError, LEAF_BYTES, Manifest, OtherRecording, RecordKey, leaves_of,
    memory_size, trailer_bytes,
};
use crate::facts::NotReady;
use crate::id::{ChunkNumber, MemberId, ObjectId};
use crate::rpc;
use crate::tail::Bytes;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::sleep;
use zeroize::Zeroizing;

/// How often all members are asked for the leaves of a chunk: one that was just committed is a file in a moment.
const ROUNDS_MAX: usize = 40;
/// How long to wait before they are asked again.
const ROUND_PAUSE: Duration = Duration::from_millis(100);

/// Why there is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// This member has only just started.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The catalog's store failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// There is no such object.
    #[error("there is no object {object}")]
    ObjectUnknown {
        /// Which.
        object: ObjectId,
    },
    /// It may still grow.
    #[error("object {object} is not sealed")]
    NotSealed {
        /// Which.
        object: ObjectId,
    },
    /// The catalog's chunks are no object.
    #[error(transparent)]
    Chunks(#[from] ChunksError),
    /// Its key cannot be used.
    #[error(transparent)]
    Key(#[from] ReadError),
    /// Its key is another recording's.
    #[error(transparent)]
    OtherRecording(#[from] OtherRecording),
    /// No member gives the leaves of a chunk as they were committed.
    #[error("no member gives the leaves of chunk {number} of {object}")]
    LeavesMissing {
        /// Of which object.
        object: ObjectId,
        /// Of which chunk.
        number: ChunkNumber,
    },
    /// The member stops.
    #[error("the member reads no more")]
    Stopped,
}

/// What proves the bytes of a sealed object: its manifest, the leaves of its records and, for who may read it, their keys.
///
/// It does not keep the door open: after a stop it gives nothing.
pub struct Evidence {
    shared: Weak<Shared>,
    manifest: Manifest,
    key: Arc<DataKey>,
}

impl Cluster {
    /// What proves the bytes of a sealed object.
    pub async fn evidence(&self, object: ObjectId) -> Result<Evidence, EvidenceError> {
        let shared = Arc::clone(&self.shared);
        let gather = move || shared.evidence(object);
        self.shared.readers.run(gather).await.ok_or(EvidenceError::Stopped)?
    }
}

impl Shared {
    fn evidence(self: &Arc<Self>, object: ObjectId) -> Result<Evidence, EvidenceError> {
        let catalog = self.catalog()?;
        let row = catalog.object(object)?.ok_or(EvidenceError::ObjectUnknown { object })?;
        let ObjectState::Sealed(facts) = row.state else { return Err(EvidenceError::NotSealed { object }) };
        let manifest = Manifest::of_sealed(object, chunks_of(catalog, object)?, facts.root)?;
        Ok(Evidence { shared: Arc::downgrade(self), manifest, key: self.key(object)? })
    }

    /// The leaves of a closed chunk, if any member gives them as they were committed.
    async fn leaves(
        self: &Arc<Self>,
        object: ObjectId,
        chunk: &ClosedChunk,
    ) -> Result<Option<Vec<u8>>, EvidenceError> {
        let (shared, wanted) = (Arc::clone(self), *chunk);
        let look = move || shared.leaves_here(object, &wanted);
        // A file that cannot be read is one that is not here.
        let here = self.readers.run(look).await.ok_or(EvidenceError::Stopped)?.ok().flatten();
        if here.is_some() {
            return Ok(here);
        }
        let me = self.facts.member();
        for other in self.facts.members().into_iter().filter(|other| other.id != me) {
            let there = self.leaves_there(object, chunk, other.id).await;
            if there.is_some() {
                return Ok(there);
            }
        }
        Ok(None)
    }

    /// The leaves of a closed chunk in this member's file.
    fn leaves_here(&self, object: ObjectId, chunk: &ClosedChunk) -> Result<Option<Vec<u8>>, FileError> {
        let Some((offset, length)) = trailer_of(chunk) else { return Ok(None) };
        let trailer = self.store.piece(chunk.id(object), offset, length)?;
        Ok(leaves_of(object, chunk, &trailer).map(<[u8]>::to_vec))
    }

    /// The leaves of a closed chunk in another member's file; what it says is checked.
    async fn leaves_there(&self, object: ObjectId, chunk: &ClosedChunk, member: MemberId) -> Option<Vec<u8>> {
        let (start, length) = trailer_of(chunk)?;
        let mut trailer: Vec<u8> = Vec::new();
        while trailer.len() < length {
            let offset = start.checked_add(u64::try_from(trailer.len()).ok()?)?;
            let request = rpc::encode(&rpc::Request::Piece { chunk: chunk.id(object), offset });
            let answer = self.peers.call(member, request, PIECE_DEADLINE).await.ok()?;
            let Bytes(piece) = rpc::decode::<Option<Bytes>>(&answer)??;
            if piece.is_empty() {
                return None;
            }
            trailer.extend_from_slice(&piece);
        }
        leaves_of(object, chunk, &trailer).map(<[u8]>::to_vec)
    }
}

impl Evidence {
    /// The chunks in order, and the root over all leaves.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The leaves of a chunk, one after the other: the length of a record's plaintext (4 bytes, big-endian) and the hash
    /// of its leaf. From another member when this one's file is missing or damaged.
    pub async fn leaves(&self, chunk: &ClosedChunk) -> Result<Vec<u8>, EvidenceError> {
        let object = self.manifest.object();
        for round in 0..ROUNDS_MAX {
            if round > 0 {
                sleep(ROUND_PAUSE).await;
            }
            let shared = self.shared.upgrade().ok_or(EvidenceError::Stopped)?;
            if let Some(leaves) = shared.leaves(object, chunk).await? {
                return Ok(leaves);
            }
        }
        Err(EvidenceError::LeavesMissing { object, number: chunk.number })
    }

    /// How many bytes the leaves of all chunks have.
    pub fn leaves_bytes(&self) -> u64 {
        let leaf_bytes = u64::try_from(LEAF_BYTES).unwrap_or(u64::MAX);
        self.manifest.leaves().saturating_mul(leaf_bytes)
    }

    /// The key of a chunk's records. It opens this chunk and nothing else: only for who may read the object.
    pub fn record_key(&self, chunk: &ClosedChunk) -> Result<Zeroizing<[u8; KEY_BYTES]>, EvidenceError> {
        Ok(RecordKey::disclose(&self.key, chunk.id(self.manifest.object()))?)
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence").field("manifest", &self.manifest).finish_non_exhaustive()
    }
}

/// Where the leaves and the footer begin in a chunk's file, and how long they are.
fn trailer_of(chunk: &ClosedChunk) -> Option<(u64, usize)> {
    let length = trailer_bytes(chunk.leaves)?;
    let start = chunk.length_bytes.checked_sub(u64::try_from(length).ok()?)?;
    memory_size(start)?;
    Some((start, length))
}
