//! The manifest: the closed chunks of an object in order, and the Merkle root over all of their leaves.

use crc32c::crc32c;

use super::Hash;
use super::damage::FileError;
use super::fields::Fields;
use super::file::ClosedChunk;
use super::merkle::RootBuilder;
use super::store::ChunkStore;
use crate::id::{ChunkNumber, Epoch, ObjectId, StreamId};

/// Most chunks of one object: 512 GiB, or less when takeovers left short ones. So a manifest fits in one chunk.
pub const MANIFEST_CHUNKS_MAX: usize = 65_536;

const MAGIC: [u8; 4] = *b"MNFT";
const VERSION: u16 = 1;

/// What an object consists of. It is stored as the chunk [`ChunkNumber::MANIFEST`] of its object; Raft keeps that
/// chunk's fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    object: ObjectId,
    chunks: Vec<ClosedChunk>,
    root: Hash,
}

/// The chunks are not those of an object from its first byte on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunksError {
    /// A chunk does not begin where the one before ends, or is out of order, or has impossible lengths.
    #[error("chunk {number} of {object} should begin at byte {expected_offset}, not {actual_offset}")]
    NotContiguous {
        /// The object.
        object: ObjectId,
        /// The chunk.
        number: ChunkNumber,
        /// Where the chunk before ends.
        expected_offset: u64,
        /// Where the chunk says that it begins.
        actual_offset: u64,
    },
    /// There are too many of them.
    #[error("{object} has {actual} chunks, and a manifest lists at most {MANIFEST_CHUNKS_MAX}")]
    TooMany {
        /// The object.
        object: ObjectId,
        /// The number of chunks.
        actual: usize,
    },
}

/// Why a manifest could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// The chunks are no object.
    #[error(transparent)]
    Chunks(#[from] ChunksError),
    /// The leaves of a chunk could not be read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The bytes are no manifest of a version that is known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the manifest is malformed or of another version than {VERSION}")]
pub struct ManifestFormatError;

/// Checks that `chunks` are those of an object from its first byte on. Returns where the last one ends.
pub(crate) fn check_chunks(object: ObjectId, chunks: &[ClosedChunk]) -> Result<u64, ChunksError> {
    if chunks.len() > MANIFEST_CHUNKS_MAX {
        return Err(ChunksError::TooMany { object, actual: chunks.len() });
    }
    let (mut end, mut before) = (0, None);
    for chunk in chunks {
        let is_ordered = before.is_none_or(|before| before < chunk.number);
        if !is_ordered || chunk.offset != end || !chunk.is_plausible() {
            return Err(ChunksError::NotContiguous {
                object,
                number: chunk.number,
                expected_offset: end,
                actual_offset: chunk.offset,
            });
        }
        (end, before) = (chunk.end(), Some(chunk.number));
    }
    Ok(end)
}

impl Manifest {
    /// The manifest of committed chunks, whose stored leaves are read for the root.
    pub fn gather(
        store: &ChunkStore,
        object: ObjectId,
        chunks: Vec<ClosedChunk>,
    ) -> Result<Self, GatherError> {
        check_chunks(object, &chunks)?;
        let mut roots = RootBuilder::default();
        for chunk in &chunks {
            roots.extend(store.closed(object, chunk)?.leaves());
        }
        Ok(Self { object, chunks, root: roots.root() })
    }

    /// The manifest of a sealed object, from its facts alone: the bytes that were stored when it was sealed.
    pub fn of_sealed(object: ObjectId, chunks: Vec<ClosedChunk>, root: Hash) -> Result<Self, ChunksError> {
        check_chunks(object, &chunks)?;
        Ok(Self { object, chunks, root })
    }

    /// Whose manifest it is.
    pub fn object(&self) -> ObjectId {
        self.object
    }

    /// The closed chunks in order.
    pub fn chunks(&self) -> &[ClosedChunk] {
        &self.chunks
    }

    /// The Merkle root over the leaves of all chunks, as RFC 6962 defines it.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// How many leaves the root stands for.
    pub fn leaves(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.leaves)).sum()
    }

    /// The object's length.
    pub fn plaintext_bytes(&self) -> u64 {
        self.chunks.last().map_or(0, ClosedChunk::end)
    }

    /// The stored form, version 1.
    pub fn encode(&self) -> Vec<u8> {
        let count = u32::try_from(self.chunks.len()).expect("at most MANIFEST_CHUNKS_MAX chunks");
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&self.object.recording.0);
        bytes.extend_from_slice(&self.object.stream.0.to_be_bytes());
        bytes.extend_from_slice(&count.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.leaves().to_be_bytes());
        bytes.extend_from_slice(&self.plaintext_bytes().to_be_bytes());
        bytes.extend_from_slice(&self.root.0);
        for chunk in &self.chunks {
            bytes.extend_from_slice(&chunk.number.0.to_be_bytes());
            bytes.extend_from_slice(&chunk.epoch.0.to_be_bytes());
            bytes.extend_from_slice(&chunk.leaves.to_be_bytes());
            bytes.extend_from_slice(&chunk.length_bytes.to_be_bytes());
            bytes.extend_from_slice(&chunk.plaintext_bytes.to_be_bytes());
            bytes.extend_from_slice(&chunk.hash.0);
            bytes.extend_from_slice(&chunk.subtree.0);
        }
        let crc = crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestFormatError> {
        Self::parse(bytes).ok_or(ManifestFormatError)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.array()? != MAGIC || fields.u16()? != VERSION {
            return None;
        }
        fields.zeros(2)?;
        let object =
            ObjectId { recording: crate::id::RecordingId(fields.array()?), stream: StreamId(fields.u64()?) };
        let count = fields.u32()?;
        fields.zeros(4)?;
        let (_leaves, _plaintext_bytes) = (fields.u64()?, fields.u64()?);
        let root = Hash(fields.array()?);
        let mut chunks = Vec::new();
        let mut offset = 0;
        for _ in 0..count {
            let chunk = parse_chunk(&mut fields, offset)?;
            offset = chunk.offset.checked_add(chunk.plaintext_bytes)?;
            chunks.push(chunk);
        }
        check_chunks(object, &chunks).ok()?;
        let manifest = Self { object, chunks, root };
        // Whatever the sums and the check sum say twice is compared here.
        (manifest.encode() == bytes).then_some(manifest)
    }
}

fn parse_chunk(fields: &mut Fields<'_>, offset: u64) -> Option<ClosedChunk> {
    Some(ClosedChunk {
        number: ChunkNumber(fields.u32()?),
        epoch: Epoch(fields.u64()?),
        leaves: fields.u32()?,
        length_bytes: fields.u64()?,
        plaintext_bytes: fields.u64()?,
        offset,
        hash: Hash(fields.array()?),
        subtree: Hash(fields.array()?),
    })
}
