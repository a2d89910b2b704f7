//! The two forms of a chunk's file: open (header and records) and closed (with the leaves behind them).

use crc32c::{crc32c, crc32c_append};
use serde::{Deserialize, Serialize};

use super::Hash;
use super::fields::{CHUNK_ID_BYTES, Fields, chunk_id_bytes, disk_size, memory_size};
use super::record::{FRAME_OVERHEAD_BYTES, RECORD_BYTES_MAX, frames_bytes};
use crate::id::{ChunkId, ChunkNumber, Epoch, ObjectId};

/// Most bytes of a closed chunk.
pub const CHUNK_BYTES_MAX: u64 = 8 << 20;
/// Bytes of a chunk file's header.
pub(crate) const HEADER_BYTES: usize = 64;
/// Bytes of a record's entry among the leaves: its plaintext's length and the hash of its leaf.
pub const LEAF_BYTES: usize = 36;
/// Bytes of a closed chunk's footer.
pub(crate) const FOOTER_BYTES: usize = 64;

const HEADER_MAGIC: [u8; 4] = *b"CHNK";
const FOOTER_MAGIC: [u8; 4] = *b"CEND";
const VERSION: u16 = 1;

/// How many bytes the next record may hold in a chunk with so many records and so much plaintext.
pub(crate) fn record_room_bytes(records: u32, plaintext_bytes: u64) -> usize {
    let taken = closed_bytes(records, plaintext_bytes);
    let room =
        CHUNK_BYTES_MAX.saturating_sub(taken).saturating_sub(disk_size(FRAME_OVERHEAD_BYTES + LEAF_BYTES));
    memory_size(room).map_or(RECORD_BYTES_MAX, |room| room.min(RECORD_BYTES_MAX))
}

/// The length of a closed chunk.
pub(crate) fn closed_bytes(records: u32, plaintext_bytes: u64) -> u64 {
    let leaves = u64::from(records).saturating_mul(disk_size(LEAF_BYTES));
    frames_bytes(records, plaintext_bytes)
        .saturating_add(leaves)
        .saturating_add(disk_size(HEADER_BYTES + FOOTER_BYTES))
}

/// What stands first in a chunk's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkHeader {
    /// The chunk.
    pub id: ChunkId,
    /// Where in its object the chunk's plaintext begins.
    pub offset: u64,
}

impl ChunkHeader {
    /// The 64 bytes of the header.
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&HEADER_MAGIC);
        bytes[4..6].copy_from_slice(&VERSION.to_be_bytes());
        bytes[8..8 + CHUNK_ID_BYTES].copy_from_slice(&chunk_id_bytes(&self.id));
        bytes[44..52].copy_from_slice(&self.offset.to_be_bytes());
        let crc = crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// Reads a header; none when it is damaged or of another version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes.get(..HEADER_BYTES)?);
        if fields.array()? != HEADER_MAGIC || fields.u16()? != VERSION {
            return None;
        }
        fields.zeros(2)?;
        let header = Self { id: fields.chunk_id()?, offset: fields.u64()? };
        // Then no sum of offsets within the chunk overflows.
        header.offset.checked_add(CHUNK_BYTES_MAX)?;
        (header.encode() == bytes.get(..HEADER_BYTES)?).then_some(header)
    }

    /// The header's check sum, which the check sums of its records continue.
    pub(crate) fn crc(&self) -> u32 {
        let bytes = self.encode();
        crc32c(&bytes[..60])
    }
}

/// The fact of a closed chunk: what CloseChunk commits and a manifest lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedChunk {
    /// Its place in the object.
    pub number: ChunkNumber,
    /// The ownership under which it was written.
    pub epoch: Epoch,
    /// Where in the object its plaintext begins.
    pub offset: u64,
    /// How much plaintext it holds.
    pub plaintext_bytes: u64,
    /// The length of its file.
    pub length_bytes: u64,
    /// SHA-256 of its whole file.
    pub hash: Hash,
    /// How many records it holds.
    pub leaves: u32,
    /// The Merkle root over its own leaves.
    pub subtree: Hash,
}

impl ClosedChunk {
    /// The chunk's identifier as a part of `object`.
    pub fn id(&self, object: ObjectId) -> ChunkId {
        ChunkId { object, number: self.number, epoch: self.epoch }
    }

    /// Where in the object its plaintext ends.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.plaintext_bytes)
    }

    /// The header of its file.
    pub(crate) fn header(&self, object: ObjectId) -> ChunkHeader {
        ChunkHeader { id: self.id(object), offset: self.offset }
    }

    /// The records in the whole file of the chunk.
    pub(crate) fn frames<'a>(&self, file: &'a [u8]) -> Option<&'a [u8]> {
        let end = file.len().checked_sub(trailer_bytes(self.leaves)?)?;
        file.get(HEADER_BYTES..end)
    }

    /// Whether the lengths can be those of a chunk at all; what comes from elsewhere is checked first.
    pub(crate) fn is_plausible(&self) -> bool {
        self.length_bytes == closed_bytes(self.leaves, self.plaintext_bytes)
            && self.length_bytes <= CHUNK_BYTES_MAX
            && self.plaintext_bytes >= u64::from(self.leaves)
            && self.offset.checked_add(self.plaintext_bytes).is_some()
    }
}

/// One record as the leaves of a closed chunk list it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where its plaintext ends, counted from the chunk's first byte.
    pub(crate) end: u32,
    /// Its plaintext's length.
    pub(crate) plaintext_bytes: u32,
    /// The hash of its leaf.
    pub(crate) leaf: Hash,
}

/// The leaves and the footer behind `frames_end`, where the records end.
pub(crate) fn encode_trailer(header: &ChunkHeader, entries: &[Entry], subtree: &Hash) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * LEAF_BYTES + FOOTER_BYTES);
    for entry in entries {
        bytes.extend_from_slice(&entry.plaintext_bytes.to_be_bytes());
        bytes.extend_from_slice(&entry.leaf.0);
    }
    bytes.extend_from_slice(&footer(header, entries, subtree));
    bytes
}

fn footer(header: &ChunkHeader, entries: &[Entry], subtree: &Hash) -> [u8; FOOTER_BYTES] {
    let leaves = u32::try_from(entries.len()).expect("a chunk of 8 MiB has fewer than 2^32 records");
    let plaintext_bytes = entries.last().map_or(0, |entry| u64::from(entry.end));
    let mut bytes = [0; FOOTER_BYTES];
    bytes[..4].copy_from_slice(&FOOTER_MAGIC);
    bytes[4..6].copy_from_slice(&VERSION.to_be_bytes());
    bytes[8..12].copy_from_slice(&leaves.to_be_bytes());
    bytes[12..20].copy_from_slice(&plaintext_bytes.to_be_bytes());
    bytes[20..52].copy_from_slice(&subtree.0);
    let crc = crc32c_append(header.crc(), &bytes[..60]);
    bytes[60..].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// Reads what [`encode_trailer`] wrote; none unless it is that of `chunk`, byte for byte.
pub(crate) fn decode_trailer(header: &ChunkHeader, chunk: &ClosedChunk, bytes: &[u8]) -> Option<Vec<Entry>> {
    let count = memory_size(chunk.leaves)?;
    let mut fields = Fields(bytes);
    let mut entries = Vec::with_capacity(count.min(bytes.len() / LEAF_BYTES));
    let mut end = 0u32;
    for _ in 0..count {
        let plaintext_bytes = fields.u32()?;
        end = end.checked_add(plaintext_bytes)?;
        entries.push(Entry { end, plaintext_bytes, leaf: Hash(fields.array()?) });
    }
    let leaves: Vec<Hash> = entries.iter().map(|entry| entry.leaf).collect();
    let sound = u64::from(end) == chunk.plaintext_bytes
        && super::merkle::root(&leaves) == chunk.subtree
        && fields.0 == footer(header, &entries, &chunk.subtree);
    sound.then_some(entries)
}

/// The leaves of a closed chunk as its file lists them, each as plaintext length and hash, when `trailer` is the end of
/// that file.
pub(crate) fn leaves_of<'a>(object: ObjectId, chunk: &ClosedChunk, trailer: &'a [u8]) -> Option<&'a [u8]> {
    decode_trailer(&chunk.header(object), chunk, trailer)?;
    trailer.get(..trailer.len().checked_sub(FOOTER_BYTES)?)
}

/// The leaves' and footer's length.
pub(crate) fn trailer_bytes(leaves: u32) -> Option<usize> {
    memory_size(leaves)?.checked_mul(LEAF_BYTES)?.checked_add(FOOTER_BYTES)
}
