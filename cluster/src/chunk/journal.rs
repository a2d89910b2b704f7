//! The journal: makes the small appends of all chunks durable with one fsync.
//!
//! Small appends are written to their chunk files unsynced and to the journal, whose fdatasync acknowledges them.
//! A segment of the journal goes once the chunk files are synced. After a crash the journal is replayed into
//! the chunk files. It also keeps marks: how much of a chunk file is known to be on the disk, so that damage is
//! told from a torn tail. And it keeps fences: promises to take no more of a chunk from older owners.

mod replay;
mod segment;

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use replay::{JournalError, Recovered};

use self::segment::{FrameHeader, FrameKind, SegmentHeader};
use super::disk::{DiskError, Fatal, Volume, VolumeFile};
use super::fields::disk_size;
use crate::id::{ChunkId, Epoch};

const FOLDER: &str = "journal";

/// When the journal does what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalLimits {
    /// Appends of so many bytes go straight to the chunk file; at most 1 MiB.
    pub direct_bytes: usize,
    /// A segment of so many bytes is retired.
    pub segment_bytes: u64,
    /// A segment is retired so many milliseconds after its first append.
    pub segment_age_ms: u64,
    /// Chunk files that are synced at once.
    pub syncs_at_once: usize,
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self { direct_bytes: 256 << 10, segment_bytes: 256 << 20, segment_age_ms: 30_000, syncs_at_once: 16 }
    }
}

/// Records that were written to a chunk file and wait to be durable.
#[derive(Debug)]
pub struct Entry {
    pub(crate) chunk: ChunkId,
    pub(crate) file: VolumeFile,
    /// Where the records begin in the chunk file.
    pub(crate) position: u64,
    /// The frames of the records.
    pub(crate) bytes: Bytes,
}

impl Entry {
    fn end(&self) -> u64 {
        self.position + disk_size(self.bytes.len())
    }
}

/// The journal of one member. Its user is one thread.
#[derive(Debug)]
pub struct Journal {
    volume: Volume,
    limits: JournalLimits,
    segment: Active,
    /// How much of each open chunk's file is durable without the journal.
    marks: BTreeMap<ChunkId, u64>,
    /// Those that the active segment does not tell yet.
    untold: BTreeMap<ChunkId, u64>,
    /// Chunks that take nothing more of owners before an epoch.
    fences: BTreeMap<ChunkId, Epoch>,
    /// Those that the active segment does not tell yet.
    untold_fences: BTreeMap<ChunkId, Epoch>,
    /// Those that some segment on the disk tells.
    durable_fences: BTreeMap<ChunkId, Epoch>,
    /// The chunk files that hold bytes of the active segment, and where these end.
    dirty: BTreeMap<ChunkId, (VolumeFile, u64)>,
    dirty_since_ms: Option<u64>,
    /// The chunks of the retirement under way.
    retiring: BTreeSet<ChunkId>,
    /// Retired segments that could not be removed yet.
    expired: Vec<u64>,
    /// Whether its file took no bytes for want of room.
    is_full: bool,
}

/// The segment that is written to.
#[derive(Debug)]
struct Active {
    header: SegmentHeader,
    file: VolumeFile,
    /// How much of it is durable; the next frame goes there.
    end: u64,
    frames: u32,
    previous_crc: u32,
}

impl Active {
    fn create(volume: &Volume, header: SegmentHeader) -> Result<Self, DiskError> {
        let bytes = header.encode();
        let file = volume.create(&segment_path(header.id), &bytes)?;
        let previous_crc = header.crc();
        Ok(Self { header, file, end: disk_size(bytes.len()), frames: 0, previous_crc })
    }
}

impl Journal {
    /// Makes entries durable, in one fdatasync.
    ///
    /// When the journal's file takes no bytes (the disk is full), their chunk files are synced instead: they hold
    /// the bytes already. Fences then stay untold: ask [`Journal::has_durable_fence`].
    pub fn commit(&mut self, entries: &[Entry], now_ms: u64) -> Result<(), Fatal> {
        let (bytes, frames, previous_crc) = self.encode(entries);
        if let Some(fatal) = self.volume.failed() {
            return Err(fatal.clone());
        }
        if bytes.is_empty() {
            return Ok(());
        }
        match self.segment.file.write_at(self.segment.end, &bytes) {
            Ok(()) => self.is_full = false,
            Err(DiskError::Fatal(fatal)) => return Err(fatal),
            Err(error @ DiskError::Io { .. }) => {
                self.is_full = error.is_full();
                return self.sync_files(entries);
            }
        }
        self.segment.file.sync()?;
        self.segment.end += disk_size(bytes.len());
        (self.segment.frames, self.segment.previous_crc) = (frames, previous_crc);
        self.untold.clear();
        self.durable_fences.append(&mut self.untold_fences);
        for entry in entries.iter().filter(|entry| !entry.bytes.is_empty()) {
            self.dirty_since_ms.get_or_insert(now_ms);
            self.dirty.insert(entry.chunk, (entry.file.clone(), entry.end()));
        }
        Ok(())
    }

    fn encode(&self, entries: &[Entry]) -> (Vec<u8>, u32, u32) {
        let fences =
            self.untold_fences.iter().map(|(chunk, epoch)| (FrameKind::Fence, *chunk, epoch.0, &[][..]));
        let marks = self.untold.iter().map(|(chunk, length)| (FrameKind::Mark, *chunk, *length, &[][..]));
        let records = entries
            .iter()
            .filter(|entry| !entry.bytes.is_empty())
            .map(|entry| (FrameKind::Records, entry.chunk, entry.position, &entry.bytes[..]));
        let (mut bytes, mut frames, mut previous_crc) =
            (Vec::new(), self.segment.frames, self.segment.previous_crc);
        for (kind, chunk, position, payload) in fences.chain(marks).chain(records) {
            let header = FrameHeader {
                kind,
                number: frames,
                previous_crc,
                durable: self.segment.end,
                position,
                chunk,
                payload_bytes: u32::try_from(payload.len()).expect("direct_bytes is at most 1 MiB"),
            };
            let (encoded, crc) = header.encode(self.segment.header.crc(), payload);
            bytes.extend_from_slice(&encoded);
            bytes.extend_from_slice(payload);
            frames += 1;
            previous_crc = crc;
        }
        (bytes, frames, previous_crc)
    }

    fn sync_files(&mut self, entries: &[Entry]) -> Result<(), Fatal> {
        let last: BTreeMap<ChunkId, &Entry> = entries.iter().map(|entry| (entry.chunk, entry)).collect();
        for entry in last.into_values() {
            entry.file.sync()?;
            self.mark(entry.chunk, entry.end());
        }
        Ok(())
    }

    /// Notes that a chunk's file is durable up to `length_bytes`; the next commit tells it.
    pub fn mark(&mut self, chunk: ChunkId, length_bytes: u64) {
        let mark = self.marks.entry(chunk).or_default();
        if length_bytes > *mark {
            *mark = length_bytes;
            self.untold.insert(chunk, length_bytes);
        }
    }

    /// Promises that the chunk takes nothing more of owners before `epoch`; the next commit makes it durable.
    pub fn fence(&mut self, chunk: ChunkId, epoch: Epoch) {
        let fence = self.fences.entry(chunk).or_insert(epoch);
        *fence = epoch.max(*fence);
        self.untold_fences.insert(chunk, *fence);
    }

    /// Whether the promise is on the disk.
    pub fn has_durable_fence(&self, chunk: ChunkId, epoch: Epoch) -> bool {
        self.durable_fences.get(&chunk).is_some_and(|fence| *fence >= epoch)
    }

    /// Whether promises wait for the next commit.
    pub fn has_untold_fences(&self) -> bool {
        !self.untold_fences.is_empty()
    }

    /// Whether the last commit found no room; then the chunk files were synced instead.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// All promises.
    pub fn fences(&self) -> &BTreeMap<ChunkId, Epoch> {
        &self.fences
    }

    /// The chunk is final here: no promise is needed any more.
    pub fn unfence(&mut self, chunk: ChunkId) {
        self.fences.remove(&chunk);
        self.untold_fences.remove(&chunk);
        self.durable_fences.remove(&chunk);
    }

    /// The chunk's file was closed or deleted. Its fence stays.
    pub fn forget(&mut self, chunk: ChunkId) {
        self.marks.remove(&chunk);
        self.untold.remove(&chunk);
        self.dirty.remove(&chunk);
        self.retiring.remove(&chunk);
    }

    /// Whether the active segment is large or old enough to be retired.
    pub fn is_due(&self, now_ms: u64) -> bool {
        let age_ms = self.dirty_since_ms.map_or(0, |since_ms| now_ms.saturating_sub(since_ms));
        self.segment.end >= self.limits.segment_bytes || age_ms >= self.limits.segment_age_ms
    }

    /// Begins the next segment. The returned work syncs the files of the one before, on any thread; afterwards
    /// [`Journal::retire`] removes it. One retirement at a time: a segment grows beyond its limit while the disk is
    /// busy with the one before.
    pub fn rotate(&mut self) -> Result<Retirement, DiskError> {
        let header = SegmentHeader { id: self.segment.header.id + 1, previous_bytes: self.segment.end };
        let next = Active::create(&self.volume, header)?;
        let retired = std::mem::replace(&mut self.segment, next);
        self.dirty_since_ms = None;
        self.retiring = self.dirty.keys().copied().collect();
        self.untold = self.marks.clone();
        self.untold_fences = self.fences.clone();
        Ok(Retirement { segment: retired.header.id, files: std::mem::take(&mut self.dirty) })
    }

    /// Removes a segment whose files are synced. It stays while the active one does not tell all fences, since the
    /// disk is full, say; then the next call removes it.
    pub fn retire(&mut self, retired: Retired) -> Result<(), DiskError> {
        let retiring = std::mem::take(&mut self.retiring);
        for (chunk, length_bytes) in retired.lengths {
            if retiring.contains(&chunk) {
                self.mark(chunk, length_bytes);
            }
        }
        self.expired.push(retired.segment);
        self.commit(&[], 0)?;
        if !self.untold_fences.is_empty() {
            return Ok(());
        }
        while let Some(segment) = self.expired.first() {
            self.volume.remove(&segment_path(*segment))?;
            self.expired.remove(0);
        }
        Ok(())
    }
}

/// A segment whose chunk files are still to be synced.
#[derive(Debug)]
pub struct Retirement {
    segment: u64,
    files: BTreeMap<ChunkId, (VolumeFile, u64)>,
}

impl Retirement {
    /// Syncs the files.
    pub fn run(self) -> Result<Retired, Fatal> {
        let mut lengths = Vec::with_capacity(self.files.len());
        for (chunk, (file, length_bytes)) in self.files {
            file.sync()?;
            lengths.push((chunk, length_bytes));
        }
        Ok(Retired { segment: self.segment, lengths })
    }
}

/// A segment that nobody needs any more.
#[derive(Debug)]
pub struct Retired {
    segment: u64,
    lengths: Vec<(ChunkId, u64)>,
}

fn segment_path(id: u64) -> PathBuf {
    Path::new(FOLDER).join(id.to_string())
}
