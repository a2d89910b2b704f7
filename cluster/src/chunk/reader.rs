//! Reads any range of an object, checked and decrypted.

use std::ops::Range;
use std::sync::Arc;

use super::closed::ClosedFile;
use super::damage::FileError;
use super::fields::memory_size;
use super::file::{ChunkHeader, ClosedChunk, Entry};
use super::key::DataKey;
use super::manifest::{ChunksError, Manifest, ManifestFormatError, check_chunks};
use super::open::{OpenChunk, Tail};
use super::record::{OpenError, OtherRecording, RecordKey, RecordSealer, SealError};
use super::store::{ChunkStore, CreateError};
use super::writer::Writer;
use crate::id::{ChunkId, ChunkNumber, Epoch, ObjectId, RecordIndex};

/// Why bytes could not be read. What was given out before an error is right.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The range ends behind what may be read.
    #[error("bytes {start}..{end} of {object} were asked for, which has {available}")]
    OutOfRange {
        /// The object.
        object: ObjectId,
        /// The first byte asked for.
        start: u64,
        /// The byte behind the last one asked for.
        end: u64,
        /// How many bytes may be read.
        available: u64,
    },
    /// This member's copy is missing or damaged, or its disk failed; other members have good ones.
    #[error(transparent)]
    File(#[from] FileError),
    /// The stored bytes are the committed ones, but this data key does not decrypt them.
    #[error(transparent)]
    Undecipherable(#[from] OpenError),
}

/// Why there is no reader of these chunks with this key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// The chunks are no object.
    #[error(transparent)]
    Chunks(#[from] ChunksError),
    /// The open chunk is another object's, or does not continue the closed ones.
    #[error(
        "{object} continues at byte {expected_offset}, and its open chunk {tail} begins at {actual_offset}"
    )]
    OtherTail {
        /// The object.
        object: ObjectId,
        /// The open chunk.
        tail: ChunkId,
        /// Where the closed chunks end.
        expected_offset: u64,
        /// Where the open chunk begins.
        actual_offset: u64,
    },
    /// The key is another recording's.
    #[error(transparent)]
    OtherRecording(#[from] OtherRecording),
}

/// One object as it is now: its closed chunks, and its open one up to the acknowledged offset. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Reader(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: ChunkStore,
    key: Arc<DataKey>,
    object: ObjectId,
    chunks: Vec<ClosedChunk>,
    closed_end: u64,
    tail: Option<Tail>,
    /// Committed chunks that are read from their open files.
    closing: Vec<Tail>,
}

impl Reader {
    /// A reader of committed chunks in order and, while the object grows, of its open chunk.
    pub fn new(
        store: ChunkStore,
        key: Arc<DataKey>,
        object: ObjectId,
        chunks: Vec<ClosedChunk>,
        tail: Option<Tail>,
    ) -> Result<Self, ReaderError> {
        let closed_end = check_chunks(object, &chunks)?;
        if key.recording() != object.recording {
            return Err(OtherRecording { key: key.recording(), chunk: object.recording }.into());
        }
        if let Some(ChunkHeader { id, offset }) = tail.as_ref().map(Tail::header)
            && (id.object != object || *offset != closed_end)
        {
            let (expected_offset, actual_offset) = (closed_end, *offset);
            return Err(ReaderError::OtherTail { object, tail: *id, expected_offset, actual_offset });
        }
        Ok(Self(Arc::new(Shared { store, key, object, chunks, closed_end, tail, closing: Vec::new() })))
    }

    /// Reads these of the committed chunks from their open files, which hold just their records.
    pub(crate) fn beside(self, closing: Vec<Tail>) -> Self {
        let Shared { store, key, object, chunks, closed_end, tail, .. } = &*self.0;
        Self(Arc::new(Shared {
            store: store.clone(),
            key: Arc::clone(key),
            object: *object,
            chunks: chunks.clone(),
            closed_end: *closed_end,
            tail: tail.clone(),
            closing,
        }))
    }

    /// Which object.
    pub fn object(&self) -> ObjectId {
        self.0.object
    }

    /// How many bytes may be read; grows while the object does.
    pub fn available(&self) -> u64 {
        self.0.tail.as_ref().map_or(self.0.closed_end, Tail::acknowledged)
    }

    /// Reads a range piece by piece. At most one record and the leaves of one chunk are in memory.
    pub fn read(&self, range: Range<u64>) -> Result<RangeRead, ReadError> {
        let (Range { start, end }, available) = (range, self.available());
        if start > end || end > available {
            return Err(ReadError::OutOfRange { object: self.0.object, start, end, available });
        }
        Ok(RangeRead { shared: self.0.clone(), next: start, end, chunk: None })
    }
}

/// A range that is being read: an iterator over pieces of plaintext of up to 64 KiB, none of them empty. It ends
/// after the first error.
#[derive(Debug)]
pub struct RangeRead {
    shared: Arc<Shared>,
    next: u64,
    end: u64,
    chunk: Option<Chunk>,
}

/// The chunk which the next byte is in.
#[derive(Debug)]
struct Chunk {
    source: Source,
    key: RecordKey,
    offset: u64,
    end: u64,
}

#[derive(Debug)]
enum Source {
    Closed(ClosedFile),
    Open(Tail),
}

impl RangeRead {
    /// Where in the object the next piece begins; after an error, where another member's copy must continue.
    pub fn position(&self) -> u64 {
        self.next
    }

    fn piece(&mut self) -> Result<Vec<u8>, ReadError> {
        let chunk = match self.chunk.take() {
            Some(chunk) if self.next < chunk.end => chunk,
            Some(_) | None => self.shared.chunk_at(self.next)?,
        };
        let chunk = self.chunk.insert(chunk);
        let (index, entry, mut bytes) = chunk.record_at(self.next)?;
        let start = chunk.offset + u64::from(entry.end - entry.plaintext_bytes);
        let length = chunk.key.open(index, start, &mut bytes)?.len();
        bytes.truncate(length);
        let within = |offset: u64| memory_size(offset.saturating_sub(start)).unwrap_or(length).min(length);
        bytes.truncate(within(self.end));
        bytes.drain(..within(self.next));
        self.next = self.end.min(start + u64::from(entry.plaintext_bytes));
        Ok(bytes)
    }
}

impl Iterator for RangeRead {
    type Item = Result<Vec<u8>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let piece = self.piece();
        if piece.is_err() {
            self.end = self.next;
        }
        Some(piece)
    }
}

impl Shared {
    fn chunk_at(&self, offset: u64) -> Result<Chunk, ReadError> {
        let at = self.chunks.partition_point(|chunk| chunk.end() <= offset);
        let (source, id, start, end) = match (self.chunks.get(at), &self.tail) {
            (Some(chunk), _) => {
                let id = chunk.id(self.object);
                let source = match self.closing.iter().find(|tail| tail.header().id == id) {
                    Some(tail) => Source::Open(tail.clone()),
                    None => Source::Closed(self.store.closed(self.object, chunk)?),
                };
                (source, id, chunk.offset, chunk.end())
            }
            (None, Some(tail)) => {
                (Source::Open(tail.clone()), tail.header().id, tail.header().offset, u64::MAX)
            }
            (None, None) => {
                let (object, available) = (self.object, self.closed_end);
                return Err(ReadError::OutOfRange { object, start: offset, end: offset, available });
            }
        };
        let key = RecordKey::derive(&self.key, id).expect("Reader::new compared the recordings");
        Ok(Chunk { source, key, offset: start, end })
    }
}

impl Chunk {
    fn record_at(&self, offset: u64) -> Result<(RecordIndex, Entry, Vec<u8>), FileError> {
        match &self.source {
            Source::Closed(file) => file.record_at(offset),
            Source::Open(tail) => tail.record_at(offset),
        }
    }
}

/// Why a manifest could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadManifestError {
    /// The fact of the manifest's chunk is no such fact.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The chunk could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The chunk holds no manifest.
    #[error(transparent)]
    Format(#[from] ManifestFormatError),
}

/// Why a manifest could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreManifestError {
    /// The chunk could not be created.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The key is another recording's.
    #[error(transparent)]
    OtherRecording(#[from] OtherRecording),
    /// The manifest could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The chunk could not be written.
    #[error(transparent)]
    Append(#[from] super::open::AppendError),
}

impl Manifest {
    /// Writes the manifest, durably, as an open chunk. Commit its [`OpenChunk::closing`] with Seal, then close it.
    pub fn store(
        &self,
        store: &ChunkStore,
        key: &DataKey,
        epoch: Epoch,
    ) -> Result<OpenChunk, StoreManifestError> {
        let id = ChunkId { object: self.object(), number: ChunkNumber::MANIFEST, epoch };
        let header = ChunkHeader { id, offset: 0 };
        let sealer = RecordSealer::new(key, header)?;
        let mut open = store.create(header)?;
        let (mut writer, mut records) = (Writer::new(sealer), Vec::new());
        writer.push(&self.encode(), &mut records)?;
        records.extend(writer.flush()?);
        open.write(&records)?;
        open.sync().map_err(|fatal| super::open::AppendError::Disk(fatal.into()))?;
        Ok(open)
    }

    /// Reads the manifest whose chunk was committed.
    pub fn load(
        store: &ChunkStore,
        key: Arc<DataKey>,
        object: ObjectId,
        committed: &ClosedChunk,
    ) -> Result<Self, LoadManifestError> {
        let reader = Reader::new(store.clone(), key, object, vec![*committed], None)?;
        let pieces: Result<Vec<Vec<u8>>, ReadError> = reader.read(0..reader.available())?.collect();
        Ok(Self::decode(&pieces?.concat())?)
    }
}
