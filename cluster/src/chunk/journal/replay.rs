//! After a start: the journal's records into their chunk files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::segment::{Frame, FrameKind, SegmentFile, SegmentHeader};
use super::{Active, FOLDER, Journal, JournalLimits, segment_path};
use crate::chunk::damage::{Damage, FileError, Part};
use crate::chunk::disk::DiskError;
use crate::chunk::open::{AppendError, OpenChunk};
use crate::chunk::record::SealedRecord;
use crate::chunk::store::ChunkStore;
use crate::id::{ChunkId, Epoch, RecordIndex};

/// Why the journal could not be opened: the member must not serve from this disk.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Bytes that were durable are not as they were written; acknowledged appends are lost on this member.
    #[error("journal segment {segment} is damaged at byte {position}")]
    Damaged {
        /// The segment.
        segment: u64,
        /// Where its valid part ends.
        position: u64,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// An open chunk after a start. It serves to be read, sent and closed; its next records are another chunk's.
#[derive(Debug)]
pub struct Recovered {
    /// The chunk.
    pub chunk: ChunkId,
    /// The chunk, durable and with every acknowledged append; or what is wrong with its file. A missing file is
    /// loss only if the catalog still needs the chunk: a deleted one may be in the journal for a while.
    pub outcome: Result<OpenChunk, FileError>,
}

/// What the journal knows of one chunk.
#[derive(Default)]
struct Known {
    mark: u64,
    fence: Option<Epoch>,
    /// Where its records are: index of the segment, position of the frame.
    records: Vec<(usize, u64)>,
}

impl Known {
    /// Whether the chunk had a file.
    fn has_file(&self) -> bool {
        self.mark > 0 || !self.records.is_empty()
    }
}

impl Journal {
    /// Opens the journal of a store, replays it, and begins a new segment.
    ///
    /// Replaying twice gives the same files: a crash on the way costs only time.
    pub fn open(store: &ChunkStore, limits: JournalLimits) -> Result<(Self, Vec<Recovered>), JournalError> {
        let volume = store.volume().clone();
        volume.folder(Path::new(FOLDER))?;
        let ids = segment_ids(&volume.list(Path::new(FOLDER))?);
        let mut segments = Vec::with_capacity(ids.len());
        for id in &ids {
            let file = volume.open(&segment_path(*id))?;
            let segment = SegmentFile::read(*id, file)?;
            segments.push(segment.ok_or(JournalError::Damaged { segment: *id, position: 0 })?);
        }
        let known = read_segments(&segments)?;
        let recovered = recover_chunks(store, &segments, &known)?;
        let next = ids.last().map_or(1, |last| last + 1);
        let segment = Active::create(&volume, SegmentHeader { id: next, previous_bytes: 0 })?;
        let limits = JournalLimits { direct_bytes: limits.direct_bytes.min(1 << 20), ..limits };
        let mut journal = Self {
            volume,
            limits,
            segment,
            marks: BTreeMap::new(),
            untold: BTreeMap::new(),
            fences: BTreeMap::new(),
            untold_fences: BTreeMap::new(),
            durable_fences: BTreeMap::new(),
            dirty: BTreeMap::new(),
            dirty_since_ms: None,
            retiring: BTreeSet::new(),
            expired: Vec::new(),
            is_full: false,
        };
        let mut is_whole = true;
        for Recovered { chunk, outcome } in &recovered {
            match outcome {
                Ok(open) => journal.mark(*chunk, open.frames_end()),
                Err(FileError::Damaged(_)) => {
                    is_whole = false;
                    journal.mark(*chunk, known.get(chunk).map_or(0, |known| known.mark));
                }
                Err(FileError::Missing { .. } | FileError::Disk(_)) => {}
            }
        }
        for (chunk, known) in &known {
            if let Some(fence) = known.fence
                && !store.is_closed(*chunk)?
            {
                journal.fence(*chunk, fence);
            }
        }
        journal.commit(&[], 0).map_err(DiskError::from)?;
        // The records of a damaged chunk may be needed to repair it: then the segments wait for a better start. So
        // they do while the disk has no room to tell the fences again.
        is_whole &= journal.untold_fences.is_empty();
        for id in ids.into_iter().filter(|_| is_whole) {
            journal.volume.remove(&segment_path(id))?;
        }
        Ok((journal, recovered))
    }
}

fn segment_ids(names: &[String]) -> Vec<u64> {
    let ids: BTreeSet<u64> = names.iter().filter_map(|name| name.parse().ok()).collect();
    ids.into_iter().collect()
}

fn read_segments(segments: &[SegmentFile]) -> Result<BTreeMap<ChunkId, Known>, JournalError> {
    let mut known: BTreeMap<ChunkId, Known> = BTreeMap::new();
    for (at, segment) in segments.iter().enumerate() {
        let end = segment.walk(|position, frame| {
            let known = known.entry(frame.header.chunk).or_default();
            match frame.header.kind {
                FrameKind::Mark => known.mark = known.mark.max(frame.header.position),
                FrameKind::Records => known.records.push((at, position)),
                FrameKind::Fence => known.fence = known.fence.max(Some(Epoch(frame.header.position))),
            }
            Ok::<_, JournalError>(())
        })?;
        // The segment after was begun when this one was durable to its end.
        let complete = segments
            .get(at + 1)
            .is_none_or(|next| next.header.previous_bytes <= end || next.header.id != segment.header.id + 1);
        if !complete || segment.is_damaged_at(end)? {
            return Err(JournalError::Damaged { segment: segment.header.id, position: end });
        }
    }
    Ok(known)
}

fn recover_chunks(
    store: &ChunkStore,
    segments: &[SegmentFile],
    known: &BTreeMap<ChunkId, Known>,
) -> Result<Vec<Recovered>, JournalError> {
    let mut chunks: BTreeSet<ChunkId> = store.list_open()?.into_iter().collect();
    chunks.extend(known.iter().filter(|(_, known)| known.has_file()).map(|(chunk, _)| chunk));
    let mut recovered = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        if store.is_closed(chunk)? {
            // The open file is of no use any more: another member's closed chunk came, or a rename was cut in two.
            store.delete_open(chunk)?;
            continue;
        }
        let nothing = Known::default();
        let known = known.get(&chunk).unwrap_or(&nothing);
        let outcome = match recover_chunk(store, segments, chunk, known) {
            Err(FileError::Disk(error)) => return Err(error.into()),
            outcome @ (Ok(_) | Err(FileError::Missing { .. } | FileError::Damaged(_))) => outcome,
        };
        recovered.push(Recovered { chunk, outcome });
    }
    Ok(recovered)
}

fn recover_chunk(
    store: &ChunkStore,
    segments: &[SegmentFile],
    chunk: ChunkId,
    known: &Known,
) -> Result<OpenChunk, FileError> {
    let mut open = store.recover(chunk, known.mark)?;
    for (segment, position) in &known.records {
        let segment = segments.get(*segment);
        let frame = segment.map(|segment| segment.frame_at(*position)).transpose()?.flatten();
        let damage = |open: &OpenChunk| Damage { chunk, part: Part::Record(RecordIndex(open.records())) };
        let records = frame.and_then(|frame| records(&open, &frame)).ok_or_else(|| damage(&open))?;
        match open.write(&records) {
            Ok(_) => {}
            Err(AppendError::Disk(error)) => return Err(error.into()),
            Err(AppendError::Gap { .. } | AppendError::Conflict { .. } | AppendError::Full { .. }) => {
                return Err(damage(&open).into());
            }
        }
    }
    open.cut()?;
    open.sync().map_err(DiskError::from)?;
    Ok(open)
}

fn records(open: &OpenChunk, frame: &Frame) -> Option<Vec<SealedRecord>> {
    let mut rest = &frame.payload[..];
    let mut records = Vec::new();
    while !rest.is_empty() {
        let record = SealedRecord::parse(open.header(), rest).ok()?;
        rest = rest.get(record.frame().len()..)?;
        records.push(record);
    }
    Some(records)
}
