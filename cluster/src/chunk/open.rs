//! The chunk that is being written: its file, and what readers see of it meanwhile.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::Hash;
use super::damage::{Damage, FileError, Part, find_entry, read_ciphertext, read_frame};
use super::disk::{DiskError, Fatal, VolumeFile};
use super::fields::{disk_size, memory_size};
use super::file::{
    CHUNK_BYTES_MAX, ChunkHeader, ClosedChunk, Entry, HEADER_BYTES, closed_bytes, encode_trailer,
    record_room_bytes,
};
use super::file_digest::{FileDigest, Hashing};
use super::merkle::{self, RootBuilder};
use super::record::SealedRecord;
use crate::id::{ChunkId, RecordIndex};

/// Why records were not appended; the chunk is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A record between is missing.
    #[error(
        "chunk {chunk} continues with record {expected} at {expected_offset}, not {actual} at {actual_offset}"
    )]
    Gap {
        /// The chunk.
        chunk: ChunkId,
        /// The record that comes next.
        expected: RecordIndex,
        /// Where its plaintext begins.
        expected_offset: u64,
        /// The record that was given.
        actual: RecordIndex,
        /// Where its plaintext begins.
        actual_offset: u64,
    },
    /// The chunk holds other bytes under this index.
    #[error("chunk {chunk} holds another record {index}")]
    Conflict {
        /// The chunk.
        chunk: ChunkId,
        /// The record.
        index: RecordIndex,
    },
    /// The record does not fit.
    #[error("chunk {chunk} has no room for record {index}")]
    Full {
        /// The chunk.
        chunk: ChunkId,
        /// The record.
        index: RecordIndex,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// An open chunk on this member. It has one user, who appends; readers hold its [`Tail`].
pub struct OpenChunk {
    tail: Tail,
    next: u32,
    /// Where the records end in the file.
    frames_end: u64,
    digest: FileDigest,
    roots: RootBuilder,
}

impl OpenChunk {
    /// The empty chunk whose file holds `header` and nothing more.
    pub(crate) fn empty(header: ChunkHeader, file: VolumeFile) -> Self {
        let state = TailState { entries: Vec::new(), acknowledged: header.offset };
        let tail = Tail { header, file, state: Arc::new(Mutex::new(state)) };
        let digest = FileDigest::new(&header.encode());
        let frames_end = disk_size(HEADER_BYTES);
        Self { tail, next: 0, frames_end, digest, roots: RootBuilder::default() }
    }

    /// Takes the longest valid prefix of a file that a crash may have torn.
    ///
    /// Bytes below `durable_bytes` were once known to be on the disk, so that an invalid record there is damage.
    /// What follows the prefix above it was never acknowledged, or the journal has it.
    pub(crate) fn recover(id: ChunkId, file: VolumeFile, durable_bytes: u64) -> Result<Self, FileError> {
        let mut bytes = vec![0; memory_size(CHUNK_BYTES_MAX.min(file.length()?)).unwrap_or(0)];
        let read = file.read_at(0, &mut bytes)?;
        bytes.truncate(read);
        let header = ChunkHeader::decode(&bytes)
            .filter(|header| header.id == id)
            .ok_or(Damage { chunk: id, part: Part::Header })?;
        let mut chunk = Self::empty(header, file);
        let mut rest = bytes.get(HEADER_BYTES..).unwrap_or(&[]);
        while let Some(record) = chunk.next_of(rest) {
            rest = rest.get(record.frame().len()..).unwrap_or(&[]);
            chunk.count(&[&record]);
            chunk.digest.catch_up();
        }
        if chunk.frames_end < durable_bytes {
            return Err(Damage { chunk: id, part: Part::Record(RecordIndex(chunk.next)) }.into());
        }
        Ok(chunk)
    }

    fn next_of(&self, bytes: &[u8]) -> Option<SealedRecord> {
        let record = SealedRecord::parse(&self.tail.header, bytes).ok()?;
        let expected = record.index().0 == self.next && record.offset() == self.end();
        (expected && self.fits(&record, self.next, self.end())).then_some(record)
    }

    /// The chunk's identifier.
    pub fn id(&self) -> ChunkId {
        self.tail.header.id
    }

    /// The chunk's header.
    pub fn header(&self) -> &ChunkHeader {
        &self.tail.header
    }

    /// Where in the object the chunk's plaintext ends, acknowledged or not.
    pub fn end(&self) -> u64 {
        let frames = self.frames_end - disk_size(HEADER_BYTES);
        self.tail.header.offset + frames.saturating_sub(super::record::frames_bytes(self.next, 0))
    }

    /// How many records it holds.
    pub fn records(&self) -> u32 {
        self.next
    }

    /// What readers see.
    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }

    pub(crate) fn file(&self) -> &VolumeFile {
        &self.tail.file
    }

    /// Where the next record goes in the file.
    pub(crate) fn frames_end(&self) -> u64 {
        self.frames_end
    }

    /// Writes records to the file; they are durable only after [`OpenChunk::sync`] or by the journal.
    ///
    /// Records that the chunk holds are passed over, so that a retry with the stored ciphertext is harmless.
    /// Returns the position of the first new byte and the new bytes.
    pub(crate) fn write(&mut self, records: &[SealedRecord]) -> Result<(u64, Bytes), AppendError> {
        let fresh = self.fresh(records)?;
        let position = self.frames_end;
        let bytes = match fresh[..] {
            [record] => record.frame().clone(),
            _ => {
                let mut bytes = Vec::with_capacity(fresh.iter().map(|record| record.frame().len()).sum());
                fresh.iter().for_each(|record| bytes.extend_from_slice(record.frame()));
                bytes.into()
            }
        };
        if !bytes.is_empty() {
            self.tail.file.write_at(position, &bytes)?;
            self.count(&fresh);
        }
        Ok((position, bytes))
    }

    /// The records behind those that the chunk holds, once all of them are found to fit.
    fn fresh<'a>(&self, records: &'a [SealedRecord]) -> Result<Vec<&'a SealedRecord>, AppendError> {
        let chunk = self.id();
        let (mut next, mut end, mut fresh) = (self.next, self.end(), Vec::new());
        for record in records {
            let index = record.index();
            if index.0 < self.next {
                match self.tail.entry(index) {
                    Some(entry) if entry.leaf == *record.leaf() => continue,
                    Some(_) | None => return Err(AppendError::Conflict { chunk, index }),
                }
            }
            if index.0 != next || record.offset() != end {
                return Err(AppendError::Gap {
                    chunk,
                    expected: RecordIndex(next),
                    expected_offset: end,
                    actual: index,
                    actual_offset: record.offset(),
                });
            }
            if !self.fits(record, next, end) {
                return Err(AppendError::Full { chunk, index });
            }
            fresh.push(record);
            next += 1;
            end = record.end();
        }
        Ok(fresh)
    }

    fn fits(&self, record: &SealedRecord, records: u32, end: u64) -> bool {
        let room = record_room_bytes(records, end - self.tail.header.offset);
        memory_size(record.plaintext_bytes()).is_some_and(|length| length <= room)
    }

    fn count(&mut self, records: &[&SealedRecord]) {
        let mut entries = Vec::with_capacity(records.len());
        for record in records {
            self.digest.push(record.frame().clone());
            self.roots.push(*record.leaf());
            self.frames_end += disk_size(record.frame().len());
            self.next += 1;
            let end = u32::try_from(record.end() - self.tail.header.offset);
            entries.push(Entry {
                end: end.expect("a chunk holds at most 8 MiB"),
                plaintext_bytes: record.plaintext_bytes(),
                leaf: *record.leaf(),
            });
        }
        self.tail.lock().entries.extend(entries);
    }

    /// A record as it is stored, checked.
    pub(crate) fn frame(&self, index: u32) -> Result<Vec<u8>, FileError> {
        self.tail.frame(RecordIndex(index))
    }

    /// Makes all that was written durable. A failure ends the process.
    pub fn sync(&self) -> Result<(), Fatal> {
        self.tail.file.sync()
    }

    /// What is still to be hashed for the hash of the file, as work for another thread; one at a time.
    pub(crate) fn hashing(&self) -> Option<Hashing> {
        self.digest.hashing()
    }

    /// It is hashed.
    pub(crate) fn hashed(&mut self, hashing: Hashing) {
        self.digest.hashed(hashing);
    }

    /// Cuts what stands behind the last record.
    pub(crate) fn cut(&self) -> Result<(), DiskError> {
        if self.tail.file.length()? != self.frames_end {
            self.tail.file.set_length(self.frames_end)?;
        }
        Ok(())
    }

    /// The fact that CloseChunk commits, as this member's bytes have it.
    pub fn closing(&self) -> ClosedChunk {
        self.closed_form().0
    }

    /// That fact, and the leaves and footer that the file still lacks.
    pub(crate) fn closed_form(&self) -> (ClosedChunk, Vec<u8>) {
        let header = &self.tail.header;
        let subtree = self.roots.root();
        let trailer = encode_trailer(header, &self.tail.lock().entries, &subtree);
        let plaintext_bytes = self.end() - header.offset;
        let closed = ClosedChunk {
            number: header.id.number,
            epoch: header.id.epoch,
            offset: header.offset,
            plaintext_bytes,
            length_bytes: closed_bytes(self.next, plaintext_bytes),
            hash: self.digest.finish(&trailer),
            leaves: self.next,
            subtree,
        };
        (closed, trailer)
    }
}

impl fmt::Debug for OpenChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenChunk")
            .field("id", &self.id())
            .field("records", &self.next)
            .finish_non_exhaustive()
    }
}

/// An open chunk as readers see it: up to its acknowledged offset. Clones are the same tail, also after the chunk
/// was closed.
#[derive(Clone)]
pub struct Tail {
    header: ChunkHeader,
    file: VolumeFile,
    state: Arc<Mutex<TailState>>,
}

struct TailState {
    entries: Vec<Entry>,
    /// Where in the object the acknowledged bytes end.
    acknowledged: u64,
}

impl Tail {
    /// The chunk's header.
    pub fn header(&self) -> &ChunkHeader {
        &self.header
    }

    /// Where in the object the bytes end that readers may see.
    pub fn acknowledged(&self) -> u64 {
        self.lock().acknowledged
    }

    /// Lets readers see what is durable on enough members; `offset` is in the object and never goes back.
    pub fn acknowledge(&self, offset: u64) {
        let mut state = self.lock();
        let end = state.entries.last().map_or(0, |entry| u64::from(entry.end));
        state.acknowledged = state.acknowledged.max(offset.min(self.header.offset + end));
    }

    /// Whether its records are those of a closed chunk.
    pub(crate) fn holds(&self, chunk: &ClosedChunk) -> bool {
        let leaves: Vec<Hash> = self.lock().entries.iter().map(|entry| entry.leaf).collect();
        let is_as_long = memory_size(chunk.leaves) == Some(leaves.len());
        is_as_long
            && chunk.header(self.header.id.object) == self.header
            && merkle::root(&leaves) == chunk.subtree
    }

    /// The record that holds the byte at `offset` of the object: its index, entry and checked ciphertext.
    pub(crate) fn record_at(&self, offset: u64) -> Result<(RecordIndex, Entry, Vec<u8>), FileError> {
        let missing = Damage { chunk: self.header.id, part: Part::Length };
        let found = find_entry(&self.lock().entries, offset.saturating_sub(self.header.offset));
        let (index, entry) = found.ok_or(missing)?;
        let ciphertext = read_ciphertext(&self.file, &self.header, index, &entry)?;
        Ok((index, entry, ciphertext))
    }

    /// Acknowledged records as they are stored, from the one with the byte at `offset` on: one, or several that are
    /// together no longer than `limit_bytes`.
    pub(crate) fn acknowledged_frames(&self, offset: u64, limit_bytes: usize) -> Result<Vec<u8>, FileError> {
        let (mut frames, mut offset, acknowledged) = (Vec::new(), offset, self.acknowledged());
        while offset < acknowledged {
            let found = find_entry(&self.lock().entries, offset.saturating_sub(self.header.offset));
            let Some((index, entry)) = found else { break };
            offset = self.header.offset + u64::from(entry.end);
            let frame = self.frame(index)?;
            let is_full = !frames.is_empty() && frames.len() + frame.len() > limit_bytes;
            if offset > acknowledged || is_full {
                break;
            }
            frames.extend_from_slice(&frame);
        }
        Ok(frames)
    }

    fn frame(&self, index: RecordIndex) -> Result<Vec<u8>, FileError> {
        let damage = Damage { chunk: self.header.id, part: Part::Record(index) };
        let entry = self.entry(index).ok_or(damage)?;
        read_frame(&self.file, &self.header, index, &entry)
    }

    fn entry(&self, index: RecordIndex) -> Option<Entry> {
        self.lock().entries.get(memory_size(index.0)?).copied()
    }

    fn lock(&self) -> MutexGuard<'_, TailState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").field("header", &self.header).finish_non_exhaustive()
    }
}
