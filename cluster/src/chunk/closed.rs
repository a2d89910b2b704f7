//! A closed chunk's file, checked against its committed fact.

use super::Hash;
use super::damage::{Damage, FileError, Part, find_entry, read_ciphertext};
use super::disk::VolumeFile;
use super::fields::disk_size;
use super::file::{ChunkHeader, ClosedChunk, Entry, HEADER_BYTES, decode_trailer, trailer_bytes};
use crate::id::{ChunkId, ObjectId, RecordIndex};

/// A closed chunk, open for reading.
#[derive(Debug)]
pub struct ClosedFile {
    header: ChunkHeader,
    file: VolumeFile,
    entries: Vec<Entry>,
}

impl ClosedFile {
    /// Checks length, header, leaves and footer against `chunk`.
    pub(crate) fn check(object: ObjectId, chunk: &ClosedChunk, file: VolumeFile) -> Result<Self, FileError> {
        let header = chunk.header(object);
        let damage = |part| Damage { chunk: header.id, part };
        if !chunk.is_plausible() || file.length()? != chunk.length_bytes {
            return Err(damage(Part::Length).into());
        }
        let mut first = [0; HEADER_BYTES];
        file.read_at(0, &mut first)?;
        if first != header.encode() {
            return Err(damage(Part::Header).into());
        }
        let length = trailer_bytes(chunk.leaves).ok_or_else(|| damage(Part::Leaves))?;
        let mut trailer = vec![0; length];
        file.read_at(chunk.length_bytes.saturating_sub(disk_size(length)), &mut trailer)?;
        let entries = decode_trailer(&header, chunk, &trailer).ok_or_else(|| damage(Part::Leaves))?;
        Ok(Self { header, file, entries })
    }

    /// The chunk's identifier.
    pub fn id(&self) -> ChunkId {
        self.header.id
    }

    /// The hashes of its leaves, in order: what inclusion proofs are made of.
    pub fn leaves(&self) -> impl Iterator<Item = Hash> + '_ {
        self.entries.iter().map(|entry| entry.leaf)
    }

    /// The record that holds the byte at `offset` of the object: its index, entry and checked ciphertext.
    pub(crate) fn record_at(&self, offset: u64) -> Result<(RecordIndex, Entry, Vec<u8>), FileError> {
        let missing = Damage { chunk: self.header.id, part: Part::Length };
        let found = find_entry(&self.entries, offset.saturating_sub(self.header.offset));
        let (index, entry) = found.ok_or(missing)?;
        let ciphertext = read_ciphertext(&self.file, &self.header, index, &entry)?;
        Ok((index, entry, ciphertext))
    }
}
