//! What can be wrong with stored bytes, and how one record of a file is checked.

use super::Hash;
use super::disk::{DiskError, VolumeFile};
use super::fields::disk_size;
use super::file::{ChunkHeader, Entry, HEADER_BYTES};
use super::merkle::record_leaf;
use super::record::{FRAME_HEADER_BYTES, FrameHeader, frame_bytes, frames_bytes};
use crate::id::{ChunkId, RecordIndex};

/// The part of a chunk's file that is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The file's header.
    Header,
    /// A record: its frame or its ciphertext.
    Record(RecordIndex),
    /// The leaves or the footer of a closed chunk.
    Leaves,
    /// The file's length.
    Length,
    /// The hash over the whole file; its parts were not looked at one by one.
    Whole,
}

/// A file that must be repaired from another member's copy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("chunk {chunk} is not as it was written: {part:?}")]
pub struct Damage {
    /// The chunk.
    pub chunk: ChunkId,
    /// What differs.
    pub part: Part,
}

/// Why a chunk's file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// This member has no such chunk.
    #[error("this member has no copy of chunk {chunk}")]
    Missing {
        /// The chunk.
        chunk: ChunkId,
    },
    /// The file is damaged; a good copy is on another member.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl FileError {
    /// A failure to open the file of `chunk`.
    pub(crate) fn opening(chunk: ChunkId, error: DiskError) -> Self {
        if error.is_not_found() { Self::Missing { chunk } } else { Self::Disk(error) }
    }
}

/// Where in a chunk's file record `index` begins, given where its plaintext begins in the chunk.
pub(crate) fn frame_position(index: RecordIndex, start: u32) -> u64 {
    frames_bytes(index.0, u64::from(start)) + disk_size(HEADER_BYTES)
}

/// Reads the ciphertext and tag of a record; every byte of its frame is checked.
pub(crate) fn read_ciphertext(
    file: &VolumeFile,
    chunk: &ChunkHeader,
    index: RecordIndex,
    entry: &Entry,
) -> Result<Vec<u8>, FileError> {
    Ok(read_frame(file, chunk, index, entry)?.split_off(FRAME_HEADER_BYTES))
}

/// Reads a record as it is stored; every byte is checked.
pub(crate) fn read_frame(
    file: &VolumeFile,
    chunk: &ChunkHeader,
    index: RecordIndex,
    entry: &Entry,
) -> Result<Vec<u8>, FileError> {
    let damage = Damage { chunk: chunk.id, part: Part::Record(index) };
    let start = entry.end.checked_sub(entry.plaintext_bytes).ok_or_else(|| damage.clone())?;
    let mut frame = vec![0; frame_bytes(entry.plaintext_bytes)];
    let read = file.read_at(frame_position(index, start), &mut frame)?;
    if read < frame.len() {
        return Err(damage.into());
    }
    let (header, ciphertext) = frame.split_at(FRAME_HEADER_BYTES);
    let expected = FrameHeader {
        index,
        offset: chunk.offset.saturating_add(u64::from(start)),
        plaintext_bytes: entry.plaintext_bytes,
        body_crc: crc32c::crc32c(ciphertext),
    };
    let leaf = record_leaf(&chunk.id, index, entry.plaintext_bytes, &Hash::of(&[ciphertext]));
    if leaf != entry.leaf || expected.encode(chunk.crc()) != *header {
        return Err(damage.into());
    }
    Ok(frame)
}

/// The entry of the record that holds the byte at `offset`, counted from the chunk's first.
pub(crate) fn find_entry(entries: &[Entry], offset: u64) -> Option<(RecordIndex, Entry)> {
    let at = entries.partition_point(|entry| u64::from(entry.end) <= offset);
    let index = u32::try_from(at).ok()?;
    entries.get(at).map(|entry| (RecordIndex(index), *entry))
}
