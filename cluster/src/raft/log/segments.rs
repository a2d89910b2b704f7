//! Segments: the files of the log, written by one owner.

use super::frame::{self, FrameError, Place};
use super::index::{Facts, FrameAt};
use super::record::Record;
use crate::chunk::disk::{Disk, DiskFile};
use crate::raft::files;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of a segment's file.
pub(super) fn file_name(segment: u64) -> String {
    format!("{segment:016x}{SUFFIX}")
}

/// The end of a segment's name.
pub(super) const SUFFIX: &str = ".log";
/// The end of the name of a segment that is being made.
pub(super) const SUFFIX_NEW: &str = ".log.new";

/// Why the log cannot be written on. The log is then unusable: nothing is retried.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file refused a write.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder refused to be made durable: what it holds is unknown.
    #[error("cannot make {} durable; it is not tried again", path.display())]
    Sync {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Records that no frame holds.
    #[error("records do not fit into a frame: {source}")]
    Frame {
        /// Why.
        source: FrameError,
    },
    /// Records that cannot be encoded.
    #[error("records cannot be encoded: {source}")]
    Encode {
        /// Why.
        source: postcard::Error,
    },
}

/// The files, and the place where the next frame goes.
pub(super) struct Segments {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    /// A segment that has grown to this many bytes is followed by another.
    pub(super) segment_bytes: u64,
    pub(super) files: BTreeMap<u64, Arc<dyn DiskFile>>,
    /// The segment that grows.
    pub(super) segment: u64,
    /// Its length.
    pub(super) offset: u64,
    /// The number of the next frame.
    pub(super) sequence: u64,
    /// The checksum of the newest frame.
    pub(super) chain: u32,
}

impl Segments {
    /// Makes the first segment of a new log.
    pub(super) fn create(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        segment_bytes: u64,
    ) -> Result<(Self, FrameAt, Record), WriteError> {
        let files = BTreeMap::new();
        let mut segments =
            Self { disk, dir, segment_bytes, files, segment: 0, offset: 0, sequence: 0, chain: 0 };
        let (at, head) = segments.start(0, &Facts::default())?;
        Ok((segments, at, head))
    }

    /// Whether the next frame belongs into a new segment.
    pub(super) fn is_full(&self) -> bool {
        self.offset >= self.segment_bytes
    }

    /// Starts the segment after the newest.
    pub(super) fn roll(&mut self, facts: &Facts) -> Result<(FrameAt, Record), WriteError> {
        self.start(self.segment + 1, facts)
    }

    /// Writes one frame and makes it durable.
    // INVARIANT: at most one frame is not durable, the newest. So whatever precedes a whole frame was durable,
    // and damage to it is damage, never a torn write.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<FrameAt, WriteError> {
        let (bytes, crc) = self.encode(self.segment, records)?;
        let path = self.path(self.segment);
        let Some(file) = self.files.get(&self.segment) else {
            let source = io::Error::new(io::ErrorKind::NotFound, "expected the newest segment to be open");
            return Err(WriteError::Write { path, source });
        };
        file.write_at(self.offset, &bytes)
            .map_err(|source| WriteError::Write { path: path.clone(), source })?;
        file.sync().map_err(|source| WriteError::Sync { path, source })?;
        let at = FrameAt { segment: self.segment, offset: self.offset, length: bytes.len() };
        self.advance(crc, bytes.len());
        Ok(at)
    }

    /// Removes the segments before one.
    pub(super) fn remove_before(&mut self, segment: u64) -> Result<(), WriteError> {
        let kept = self.files.split_off(&segment.min(self.segment));
        let gone = std::mem::replace(&mut self.files, kept);
        if gone.is_empty() {
            return Ok(());
        }
        for segment in gone.into_keys() {
            let path = self.path(segment);
            self.disk.remove(&path).map_err(|source| WriteError::Write { path, source })?;
            // INVARIANT: the names left are without holes; the oldest goes first, durably.
            self.sync_dir()?;
        }
        Ok(())
    }

    /// Makes a segment with its first frame under another name, so that a file with a segment's name always
    /// has a whole first frame.
    fn start(&mut self, segment: u64, facts: &Facts) -> Result<(FrameAt, Record), WriteError> {
        let Facts { vote, committed, purged } = facts.clone();
        let head = Record::Head { vote, committed, purged };
        let (bytes, crc) = self.encode(segment, std::slice::from_ref(&head))?;
        let new = self.dir.join(format!("{segment:016x}{SUFFIX_NEW}"));
        let path = self.path(segment);
        let failed = |source| WriteError::Write { path: new.clone(), source };
        let file = files::create(&*self.disk, &new).map_err(failed)?;
        file.write_at(0, &bytes).map_err(failed)?;
        file.sync().map_err(|source| WriteError::Sync { path: new.clone(), source })?;
        self.disk.rename(&new, &path).map_err(failed)?;
        self.sync_dir()?;
        self.files.insert(segment, file);
        self.segment = segment;
        self.offset = 0;
        self.advance(crc, bytes.len());
        Ok((FrameAt { segment, offset: 0, length: bytes.len() }, head))
    }

    fn encode(&self, segment: u64, records: &[Record]) -> Result<(Vec<u8>, u32), WriteError> {
        let payload = postcard::to_stdvec(records).map_err(|source| WriteError::Encode { source })?;
        let place = Place { segment, sequence: self.sequence, chain: self.chain };
        frame::encode(place, &payload).map_err(|source| WriteError::Frame { source })
    }

    fn advance(&mut self, crc: u32, length: usize) {
        self.offset += u64::try_from(length).unwrap_or(u64::MAX);
        self.sequence += 1;
        self.chain = crc;
    }

    fn sync_dir(&self) -> Result<(), WriteError> {
        let sync = self.disk.sync_folder(&self.dir);
        sync.map_err(|source| WriteError::Sync { path: self.dir.clone(), source })
    }

    fn path(&self, segment: u64) -> PathBuf {
        path(&self.dir, segment)
    }
}

pub(super) fn path(dir: &Path, segment: u64) -> PathBuf {
    dir.join(file_name(segment))
}
