use super::frame::{self, FrameError};
use super::index::{Facts, FrameAt, Index, Purged, Run};
use super::record::Record;
use super::recovery::{self, OpenError, TornTail};
use super::segments::Segments;
use super::writer::{Done, Writer};
use crate::chunk::disk::{Disk, DiskFile};
use crate::raft::files;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Entries that are held in memory besides those not yet durable, in bytes.
const CACHE_BYTES: usize = 4 << 20;

/// Sizes of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions {
    /// A segment that has grown to this many bytes is followed by another.
    pub segment_bytes: u64,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20 }
    }
}

/// Why entries cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file refused.
    #[error("cannot read the raft log's segment {segment:016x} at byte {offset}")]
    Read {
        /// The segment.
        segment: u64,
        /// Where in its file.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// What was written is no longer there.
    #[error("the raft log is damaged in segment {segment:016x} at byte {offset}: {damage}")]
    Damaged {
        /// The segment.
        segment: u64,
        /// Where in its file.
        offset: u64,
        /// What is wrong.
        damage: FrameError,
    },
    /// An entry that is no more, or not yet.
    #[error("entry {index} is not in the raft log")]
    Purged {
        /// The entry.
        index: u64,
    },
    /// A frame without the entries that were written into it.
    #[error("expected entry {index} in segment {segment:016x} at byte {offset}")]
    Absent {
        /// The entry.
        index: u64,
        /// The segment.
        segment: u64,
        /// Where in its file.
        offset: u64,
    },
}

/// The log: what is ordered is readable at once and durable when its writer says so.
pub(crate) struct RaftLog {
    writer: Writer,
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    state: Mutex<State>,
}

struct State {
    /// What is durable.
    index: Index,
    files: BTreeMap<u64, Arc<dyn DiskFile>>,
    /// What is ordered: entries not yet durable, and the newest of the durable ones.
    cache: BTreeMap<u64, Arc<[u8]>>,
    cache_bytes: usize,
    /// What is ordered: the newest entry, and the newest of each other fact.
    last: Option<u64>,
    facts: Facts,
    committed_new: bool,
    /// Truncations ordered and not yet written. Until they are, the durable index names entries that are no
    /// more, so nothing leaves the cache.
    truncations_waiting: usize,
    bytes_written: u64,
}

impl RaftLog {
    /// Opens the log in a folder of its own, or makes it.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: LogOptions,
    ) -> Result<(Self, Option<TornTail>), OpenError> {
        let recovered = recovery::open(disk, dir, options.segment_bytes)?;
        let (index, segments) = (recovered.index, recovered.segments);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                last: index.last(),
                facts: index.facts.clone(),
                index,
                files: segments.files.clone(),
                cache: BTreeMap::new(),
                cache_bytes: 0,
                committed_new: false,
                truncations_waiting: 0,
                bytes_written: recovered.bytes,
            }),
        });
        let writer = Writer::start(segments, Arc::clone(&shared))
            .map_err(|source| OpenError::Read { path: PathBuf::from(dir), source })?;
        Ok((Self { writer, shared }, recovered.torn_tail))
    }

    /// Writes what was ordered and ends the writer's thread; nothing is taken any more.
    pub(crate) fn close(&self) {
        self.writer.close();
    }

    /// Orders entries from an index on. They are readable when this returns.
    pub(crate) fn append(&self, first: u64, entries: Vec<Vec<u8>>, done: Done) {
        self.shared.state().cache(first, &entries);
        self.writer.order(vec![Record::Entries { first, entries }], done);
    }

    /// Orders that no entry from an index on is any more.
    pub(crate) fn truncate(&self, since: u64, done: Done) {
        self.shared.state().truncate(since);
        self.writer.order(vec![Record::Truncate { since }], done);
    }

    /// Orders that entries up to an index are given up; `id` is the log id of that place.
    pub(crate) fn purge(&self, index: u64, id: Vec<u8>, done: Done) {
        let purged = Purged { index, id };
        self.shared.state().purge(&purged);
        self.writer.order(vec![Record::Purge(purged)], done);
    }

    /// Orders that what follows goes into a new segment: those before it can go once their entries are given up.
    pub(crate) fn roll(&self, done: Done) {
        self.writer.roll(done);
    }

    /// Orders a vote.
    pub(crate) fn vote(&self, vote: Vec<u8>, done: Done) {
        self.shared.state().facts.vote = Some(vote.clone());
        self.writer.order(vec![Record::Vote(vote)], done);
    }

    /// Notes up to where entries are committed; written with the next frame, since it can be learnt again.
    pub(crate) fn commit(&self, committed: Vec<u8>) {
        let mut state = self.shared.state();
        state.facts.committed = Some(committed);
        state.committed_new = true;
    }

    /// The newest vote.
    pub(crate) fn newest_vote(&self) -> Option<Vec<u8>> {
        self.shared.state().facts.vote.clone()
    }

    /// The newest committed log id.
    pub(crate) fn newest_committed(&self) -> Option<Vec<u8>> {
        self.shared.state().facts.committed.clone()
    }

    /// The index and log id up to which entries were given up.
    pub(crate) fn purged(&self) -> Option<(u64, Vec<u8>)> {
        self.shared.state().facts.purged.clone().map(|purged| (purged.index, purged.id))
    }

    /// The index of the newest entry, or of the place up to which all were given up.
    pub(crate) fn last(&self) -> Option<u64> {
        self.shared.state().last
    }

    /// Bytes that the log had when it was opened, and those written since.
    pub(crate) fn bytes_written(&self) -> u64 {
        self.shared.state().bytes_written
    }

    /// Entries from `first` up to and without `end`, those that are there, at most about `bytes_max` bytes but
    /// at least one.
    pub(crate) fn read(&self, first: u64, end: u64, bytes_max: usize) -> Result<Vec<Arc<[u8]>>, ReadError> {
        let mut found: Vec<Arc<[u8]>> = Vec::new();
        let mut bytes = 0;
        let mut held = Held::default();
        let mut index = first.max(self.shared.state().first());
        while index < end && (bytes == 0 || bytes < bytes_max) {
            let Some(entry) = self.entry(index, &mut held)? else { break };
            bytes += entry.len();
            found.push(entry);
            index += 1;
        }
        Ok(found)
    }

    fn entry(&self, index: u64, held: &mut Held) -> Result<Option<Arc<[u8]>>, ReadError> {
        let (run, file) = {
            let state = self.shared.state();
            if state.last.is_none_or(|last| index > last) || index < state.first() {
                return Ok(None);
            }
            if let Some(entry) = state.cache.get(&index) {
                return Ok(Some(Arc::clone(entry)));
            }
            let Some(run) = state.index.run(index) else { return Ok(None) };
            (run, state.files.get(&run.at.segment).cloned())
        };
        let Some(file) = file else { return Ok(None) };
        held.entry(&*file, run, index).map(Some)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The committed log id, when it is newer than the one written last.
    pub(super) fn take_committed(&self) -> Option<Vec<u8>> {
        let mut state = self.state();
        let new = std::mem::take(&mut state.committed_new);
        state.facts.committed.clone().filter(|_| new)
    }

    /// What is durable besides entries.
    pub(super) fn facts(&self) -> Facts {
        self.state().index.facts.clone()
    }

    pub(super) fn oldest_segment(&self) -> Option<u64> {
        self.state().index.oldest_segment()
    }

    /// The set of files has changed.
    pub(super) fn open(&self, segments: &Segments) {
        self.state().files.clone_from(&segments.files);
    }

    /// A frame is durable.
    pub(super) fn written(&self, at: FrameAt, records: &[Record]) {
        let mut state = self.state();
        // The order of entries was checked by Raft; a gap would be found at the next start.
        let _: Result<(), super::index::Gap> = state.index.apply(at, records);
        let truncations = records.iter().filter(|record| matches!(record, Record::Truncate { .. })).count();
        state.truncations_waiting = state.truncations_waiting.saturating_sub(truncations);
        state.bytes_written += u64::try_from(at.length).unwrap_or(0);
        state.evict();
    }
}

impl State {
    /// The index of the oldest entry.
    fn first(&self) -> u64 {
        match &self.facts.purged {
            Some(purged) => purged.index + 1,
            None => {
                let written = self.index.runs.front().map(|run| run.first);
                let ordered = self.cache.first_key_value().map(|(index, _)| *index);
                written.into_iter().chain(ordered).min().unwrap_or(0)
            }
        }
    }

    fn cache(&mut self, first: u64, entries: &[Vec<u8>]) {
        for (index, entry) in (first..).zip(entries) {
            self.cache_bytes += entry.len();
            if let Some(older) = self.cache.insert(index, Arc::from(entry.as_slice())) {
                self.cache_bytes -= older.len();
            }
            self.last = Some(index);
        }
    }

    fn truncate(&mut self, since: u64) {
        self.truncations_waiting += 1;
        let gone = self.cache.split_off(&since);
        self.cache_bytes -= gone.values().map(|entry| entry.len()).sum::<usize>();
        if self.last.is_some_and(|last| last >= since) {
            let purged = self.facts.purged.as_ref().map(|purged| purged.index);
            self.last = since.checked_sub(1).max(purged);
        }
    }

    fn purge(&mut self, purged: &Purged) {
        if self.facts.purged.as_ref().is_some_and(|older| older.index >= purged.index) {
            return;
        }
        let kept = self.cache.split_off(&(purged.index + 1));
        let gone = std::mem::replace(&mut self.cache, kept);
        self.cache_bytes -= gone.values().map(|entry| entry.len()).sum::<usize>();
        self.last = self.last.max(Some(purged.index));
        self.facts.purged = Some(purged.clone());
    }

    /// Lets go of old entries that are durable.
    fn evict(&mut self) {
        while self.cache_bytes > CACHE_BYTES && self.truncations_waiting == 0 {
            let Some(oldest) = self.cache.first_entry() else { break };
            if self.index.run(*oldest.key()).is_none() {
                break;
            }
            self.cache_bytes -= oldest.remove().len();
        }
    }
}

/// The record read last, since the next entry mostly stands beside.
#[derive(Debug, Default)]
struct Held {
    run: Option<Run>,
    entries: Vec<Vec<u8>>,
}

impl Held {
    fn entry(&mut self, file: &dyn DiskFile, run: Run, index: u64) -> Result<Arc<[u8]>, ReadError> {
        if self.run != Some(run) {
            self.entries = read_run(file, run)?;
            self.run = Some(run);
        }
        let place = index.checked_sub(run.record_first).and_then(|place| usize::try_from(place).ok());
        place
            .and_then(|place| self.entries.get(place))
            .map(|entry| Arc::from(entry.as_slice()))
            .ok_or(ReadError::Absent { index, segment: run.at.segment, offset: run.at.offset })
    }
}

fn read_run(file: &dyn DiskFile, run: Run) -> Result<Vec<Vec<u8>>, ReadError> {
    let FrameAt { segment, offset, length } = run.at;
    let bytes =
        files::read_at(file, offset, length).map_err(|source| ReadError::Read { segment, offset, source })?;
    let frame = frame::decode(&bytes).map_err(|damage| ReadError::Damaged { segment, offset, damage })?;
    let absent = || ReadError::Absent { index: run.first, segment, offset };
    let records: Vec<Record> = postcard::from_bytes(frame.payload).map_err(|_| absent())?;
    match records.into_iter().nth(run.record) {
        Some(Record::Entries { entries, .. }) => Ok(entries),
        Some(
            Record::Head { .. }
            | Record::Truncate { .. }
            | Record::Purge(_)
            | Record::Vote(_)
            | Record::Committed(_),
        )
        | None => Err(absent()),
    }
}
