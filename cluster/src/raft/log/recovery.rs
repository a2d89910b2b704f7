//! Reading the log at a start: what is whole is taken, a torn tail is cut, damage stops the member.

use super::frame::{self, Frame, FrameError, HEAD_BYTES, PAYLOAD_BYTES_MAX, Place};
use super::index::{FrameAt, Index};
use super::record::Record;
use super::segments::{self, SUFFIX, SUFFIX_NEW, Segments, WriteError};
use crate::chunk::disk::{Disk, DiskFile};
use crate::raft::files;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a log cannot be opened. Damage is never repaired: the member rejoins under a new id.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or a file refused.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The log could be read but not prepared for writing.
    #[error("cannot prepare the log for writing")]
    Write(#[from] WriteError),
    /// A file that is no segment.
    #[error("expected only segments in {}, found {name}", dir.display())]
    Stranger {
        /// The folder.
        dir: PathBuf,
        /// The file.
        name: String,
    },
    /// A segment is not there.
    #[error("expected segment {expected:016x} in {}, the next one found is {found:016x}", dir.display())]
    SegmentMissing {
        /// The folder.
        dir: PathBuf,
        /// The segment that is not there.
        expected: u64,
        /// The one that is.
        found: u64,
    },
    /// Bytes that were durable have changed or are gone.
    #[error(
        "the raft log is damaged in segment {segment:016x} at byte {offset}, frame {sequence}, \
         {}: {damage}; it was durable, so it is not cut: let this member rejoin under a new id",
        Newest(*after)
    )]
    Damaged {
        /// The segment.
        segment: u64,
        /// Where in its file.
        offset: u64,
        /// The number of the frame expected there.
        sequence: u64,
        /// The newest entry before it.
        after: Option<u64>,
        /// What is wrong.
        damage: Damage,
    },
    /// Entries between those given up and the oldest are not there.
    #[error("expected entry {expected} to be the oldest of the raft log, found {found}")]
    EntriesMissing {
        /// The first entry that should be there.
        expected: u64,
        /// The first that is.
        found: u64,
    },
}

/// How an error names the newest entry before a place.
struct Newest(Option<u64>);

impl fmt::Display for Newest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(index) => write!(formatter, "after entry {index}"),
            None => formatter.write_str("before any entry"),
        }
    }
}

/// What is wrong with a frame that was durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// No frame is there.
    #[error("{0}")]
    Frame(FrameError),
    /// A whole frame which belongs elsewhere.
    #[error("a frame of another place")]
    Misplaced,
    /// A frame that does not follow the one before it.
    #[error("a frame that does not follow the one before it")]
    Unchained,
    /// A frame whose records cannot be read.
    #[error("records that cannot be read: {0}")]
    Records(postcard::Error),
    /// A segment that does not begin with what the ones before it said.
    #[error("a segment without its head record")]
    Headless,
    /// Entries that do not follow those before them.
    #[error("expected entry {expected} to follow, found {found}")]
    Gap {
        /// The entry that should follow.
        expected: u64,
        /// The one that does.
        found: u64,
    },
}

/// What was cut at the end of the newest segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornTail {
    /// The segment.
    pub segment: u64,
    /// Where it was cut.
    pub offset: u64,
    /// How many bytes went; none of them was acknowledged.
    pub bytes: u64,
}

/// A log read and ready to be written on.
pub(super) struct Recovered {
    pub(super) segments: Segments,
    pub(super) index: Index,
    /// The bytes of all segments.
    pub(super) bytes: u64,
    pub(super) torn_tail: Option<TornTail>,
}

pub(super) fn open(disk: Arc<dyn Disk>, dir: &Path, segment_bytes: u64) -> Result<Recovered, OpenError> {
    let read = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::Read { path, source }
    };
    files::create_folders(&*disk, dir).map_err(read(dir))?;
    let ids = list(&*disk, dir)?;
    // Names may stand in the cache of the kernel only, after a kill between rename and sync.
    disk.sync_folder(dir).map_err(read(dir))?;
    let mut index = Index::default();
    let (Some(&oldest), Some(&newest)) = (ids.first(), ids.last()) else {
        let (segments, at, head) = Segments::create(disk, dir.to_owned(), segment_bytes)?;
        let _: Result<(), _> = index.apply(at, &[head]);
        return Ok(Recovered { segments, index, bytes: 0, torn_tail: None });
    };
    let mut scan = Scan { index, next: None, newest };
    let mut files = BTreeMap::new();
    let (mut tail, mut total) = (Tail::default(), 0);
    for segment in ids {
        let path = segments::path(dir, segment);
        let file = disk.open(&path).map_err(read(&path))?;
        let bytes = read_all(&*file).map_err(read(&path))?;
        tail = scan.segment(segment, &bytes)?;
        total += bytes_u64(tail.whole);
        if segment == newest {
            tail.settle(&*file, &bytes).map_err(read(&path))?;
        }
        files.insert(segment, file);
    }
    if let Some(gap) = scan.index.gap(oldest) {
        return Err(OpenError::EntriesMissing { expected: gap.expected, found: gap.found });
    }
    let next = scan.next.unwrap_or(Place { segment: newest, sequence: 0, chain: 0 });
    let segments = Segments {
        disk,
        dir: dir.to_owned(),
        segment_bytes,
        files,
        segment: newest,
        offset: bytes_u64(tail.whole),
        sequence: next.sequence,
        chain: next.chain,
    };
    let torn_tail = (tail.torn > 0).then(|| TornTail {
        segment: newest,
        offset: bytes_u64(tail.whole),
        bytes: bytes_u64(tail.torn),
    });
    Ok(Recovered { segments, index: scan.index, bytes: total, torn_tail })
}

/// The segments in a folder, without holes; unfinished ones are removed.
fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<u64>, OpenError> {
    let mut ids = Vec::new();
    let refused = |source| OpenError::Read { path: dir.to_owned(), source };
    for name in files::names(disk, dir).map_err(refused)? {
        if name.ends_with(SUFFIX_NEW) {
            disk.remove(&dir.join(&name)).map_err(refused)?;
            continue;
        }
        let id = name.strip_suffix(SUFFIX).and_then(|digits| u64::from_str_radix(digits, 16).ok());
        match id.filter(|id| segments::file_name(*id) == name) {
            Some(id) => ids.push(id),
            None => return Err(OpenError::Stranger { dir: dir.to_owned(), name }),
        }
    }
    for (before, found) in ids.iter().zip(ids.iter().skip(1)) {
        if before + 1 != *found {
            return Err(OpenError::SegmentMissing {
                dir: dir.to_owned(),
                expected: before + 1,
                found: *found,
            });
        }
    }
    Ok(ids)
}

/// How a segment ends.
#[derive(Debug, Default)]
struct Tail {
    /// Where its newest frame begins.
    newest: usize,
    /// Where that frame ends.
    whole: usize,
    /// Bytes after it that are no frame.
    torn: usize,
}

impl Tail {
    /// Cuts what is torn. The newest frame may only stand in the cache of the kernel, after a kill between
    /// write and sync, or even be marked clean there, after a failed sync: it is written once more.
    fn settle(&self, file: &dyn DiskFile, bytes: &[u8]) -> io::Result<()> {
        if self.torn > 0 {
            file.set_length(bytes_u64(self.whole))?;
        }
        let newest = bytes.get(self.newest..self.whole).unwrap_or_default();
        file.write_at(bytes_u64(self.newest), newest)?;
        file.sync()
    }
}

/// The frames so far.
#[derive(Debug)]
struct Scan {
    index: Index,
    /// Where the next frame stands; none before the first.
    next: Option<Place>,
    newest: u64,
}

impl Scan {
    fn segment(&mut self, segment: u64, bytes: &[u8]) -> Result<Tail, OpenError> {
        let mut tail = Tail::default();
        while tail.whole < bytes.len() {
            let rest = bytes.get(tail.whole..).unwrap_or_default();
            let frame = match frame::decode(rest) {
                Ok(frame) => frame,
                Err(error) if self.is_torn(segment, &tail, rest) => {
                    let _: FrameError = error;
                    tail.torn = rest.len();
                    return Ok(tail);
                }
                Err(error) => return Err(self.damaged(segment, tail.whole, Damage::Frame(error))),
            };
            let length = frame.length();
            self.frame(segment, tail.whole, &frame)
                .map_err(|damage| self.damaged(segment, tail.whole, damage))?;
            tail = Tail { newest: tail.whole, whole: tail.whole + length, torn: 0 };
        }
        match tail.whole {
            0 => Err(self.damaged(segment, 0, Damage::Headless)),
            _ => Ok(tail),
        }
    }

    /// A torn write is the newest of the log: after the first frame of the newest segment, no longer than a
    /// frame, and without a whole frame behind it.
    fn is_torn(&self, segment: u64, tail: &Tail, rest: &[u8]) -> bool {
        segment == self.newest
            && tail.whole > 0
            && rest.len() <= HEAD_BYTES + PAYLOAD_BYTES_MAX
            && frame::find(rest, segment).is_none()
    }

    fn frame(&mut self, segment: u64, offset: usize, frame: &Frame<'_>) -> Result<(), Damage> {
        if frame.place.segment != segment {
            return Err(Damage::Misplaced);
        }
        if let Some(next) = self.next
            && (next.sequence, next.chain) != (frame.place.sequence, frame.place.chain)
        {
            return Err(Damage::Unchained);
        }
        let records: Vec<Record> = postcard::from_bytes(frame.payload).map_err(Damage::Records)?;
        if offset == 0 && !matches!(records.first(), Some(Record::Head { .. })) {
            return Err(Damage::Headless);
        }
        let at = FrameAt { segment, offset: bytes_u64(offset), length: frame.length() };
        self.index
            .apply(at, &records)
            .map_err(|gap| Damage::Gap { expected: gap.expected, found: gap.found })?;
        self.next = Some(Place { segment, sequence: frame.place.sequence + 1, chain: frame.crc });
        Ok(())
    }

    fn damaged(&self, segment: u64, offset: usize, damage: Damage) -> OpenError {
        OpenError::Damaged {
            segment,
            offset: bytes_u64(offset),
            sequence: self.next.map_or(0, |next| next.sequence),
            after: self.index.last(),
            damage,
        }
    }
}

fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let length = usize::try_from(file.length()?).map_err(io::Error::other)?;
    files::read_at(file, 0, length)
}

fn bytes_u64(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
