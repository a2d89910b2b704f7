//! The chunks of one member, as files.

use std::path::{Path, PathBuf};

use super::Hash;
use super::closed::ClosedFile;
use super::copy::BadCopies;
use super::damage::{Damage, FileError, Part};
use super::disk::{DiskError, DiskSpace, Fatal, Volume, VolumeFile};
use super::fields::memory_size;
use super::file::{ChunkHeader, ClosedChunk};
use super::open::OpenChunk;
use crate::id::{ChunkId, ObjectId, RecordingId};

const OPEN: &str = "open";
const CLOSED: &str = "chunks";

/// Why a chunk was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The identifier was used: its keys and nonces may be, too.
    #[error("chunk {chunk} exists, and an identifier serves once")]
    Exists {
        /// The chunk.
        chunk: ChunkId,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why a chunk was not closed. It is still open.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// This member's bytes are not the committed ones: delete them and fetch the chunk from another member.
    #[error("chunk {} was committed as {expected:?}, this member holds {actual:?}", open.id())]
    Mismatch {
        /// The chunk.
        open: Box<OpenChunk>,
        /// The committed fact.
        expected: Box<ClosedChunk>,
        /// What the file would be.
        actual: Box<ClosedChunk>,
    },
    /// The disk failed; unless that was fatal, try again.
    #[error("could not close chunk {}", open.id())]
    Disk {
        /// The chunk.
        open: Box<OpenChunk>,
        /// What failed.
        source: DiskError,
    },
}

/// The chunk files of one member. Clones are the same store.
#[derive(Debug, Clone)]
pub struct ChunkStore {
    volume: Volume,
    bad: BadCopies,
}

impl ChunkStore {
    /// How much room the disk below has; none where that is not known.
    pub fn space(&self) -> Option<DiskSpace> {
        self.volume.space()
    }

    /// The store in `volume`. What a crash left half made is removed.
    pub fn open(volume: Volume) -> Result<Self, DiskError> {
        volume.folder(Path::new(OPEN))?;
        volume.folder(Path::new(CLOSED))?;
        volume.remove_temporaries()?;
        Ok(Self { bad: BadCopies::open(&volume)?, volume })
    }

    /// The failure after which the process must end.
    pub fn failed(&self) -> Option<&Fatal> {
        self.volume.failed()
    }

    /// A new open chunk, whose file is durable when this returns. Commit OpenChunk first.
    pub fn create(&self, header: ChunkHeader) -> Result<OpenChunk, CreateError> {
        let chunk = header.id;
        if self.is_open(chunk)? || self.is_closed(chunk)? {
            return Err(CreateError::Exists { chunk });
        }
        let file = self.volume.create(&open_path(chunk), &header.encode())?;
        Ok(OpenChunk::empty(header, file))
    }

    /// A new open chunk whose file has no name yet: once it is synced, [`ChunkStore::place`] gives it its name.
    pub(crate) fn prepare(&self, header: ChunkHeader) -> Result<OpenChunk, CreateError> {
        let chunk = header.id;
        if self.is_open(chunk)? || self.is_closed(chunk)? {
            return Err(CreateError::Exists { chunk });
        }
        let file = self.volume.prepare(&open_path(chunk), &header.encode())?;
        Ok(OpenChunk::empty(header, file))
    }

    /// Gives prepared chunks their names, durably. Returns those for which there was no room.
    pub(crate) fn place(&self, chunks: &[ChunkId]) -> Result<Vec<ChunkId>, Fatal> {
        let mut failed = Vec::new();
        for chunk in chunks {
            match self.volume.place(&open_path(*chunk)) {
                Ok(()) => {}
                Err(DiskError::Io { .. }) => failed.push(*chunk),
                Err(DiskError::Fatal(fatal)) => return Err(fatal),
            }
        }
        if failed.len() < chunks.len() {
            self.volume.sync_folder(Path::new(OPEN))?;
        }
        Ok(failed)
    }

    /// Takes up an open chunk after a crash; see [`OpenChunk::recover`] for `durable_bytes`.
    ///
    /// The result serves to replay the journal, to read and to close; nobody seals further records for it.
    pub(crate) fn recover(&self, chunk: ChunkId, durable_bytes: u64) -> Result<OpenChunk, FileError> {
        OpenChunk::recover(chunk, self.file(chunk, &open_path(chunk))?, durable_bytes)
    }

    /// Makes an open chunk the committed one, durably. Commit CloseChunk first.
    pub fn close(&self, open: OpenChunk, committed: &ClosedChunk) -> Result<(), CloseError> {
        let (actual, trailer) = open.closed_form();
        if actual != *committed {
            let (expected, actual) = (Box::new(*committed), Box::new(actual));
            return Err(CloseError::Mismatch { open: Box::new(open), expected, actual });
        }
        self.write_closed(&open, &trailer).map_err(|source| CloseError::Disk { open: Box::new(open), source })
    }

    fn write_closed(&self, open: &OpenChunk, trailer: &[u8]) -> Result<(), DiskError> {
        open.cut()?;
        open.file().write_at(open.frames_end(), trailer)?;
        open.sync()?;
        self.volume.rename(&open_path(open.id()), &closed_path(open.id()))
    }

    /// Keeps a whole closed chunk that another member sent, if it is the committed one. It takes the place of a bad copy
    /// once it is durable itself.
    pub fn receive(&self, object: ObjectId, chunk: &ClosedChunk, bytes: &[u8]) -> Result<(), FileError> {
        let id = chunk.id(object);
        if !chunk.is_plausible() || memory_size(chunk.length_bytes) != Some(bytes.len()) {
            return Err(Damage { chunk: id, part: Part::Length }.into());
        }
        if Hash::of(&[bytes]) != chunk.hash {
            return Err(Damage { chunk: id, part: Part::Whole }.into());
        }
        self.volume.create(&closed_path(id), bytes)?;
        Ok(self.clear_bad(id)?)
    }

    /// A closed chunk for reading; its records are checked as they are read.
    pub fn closed(&self, object: ObjectId, chunk: &ClosedChunk) -> Result<ClosedFile, FileError> {
        let id = chunk.id(object);
        ClosedFile::check(object, chunk, self.file(id, &closed_path(id))?)
    }

    /// The whole file of a closed chunk, checked against its hash: what scrub looks at and another member receives.
    pub fn whole(&self, object: ObjectId, chunk: &ClosedChunk) -> Result<Vec<u8>, FileError> {
        let id = chunk.id(object);
        let file = self.file(id, &closed_path(id))?;
        let damage = |part| FileError::from(Damage { chunk: id, part });
        if !chunk.is_plausible() || file.length()? != chunk.length_bytes {
            return Err(damage(Part::Length));
        }
        let mut bytes = vec![0; memory_size(chunk.length_bytes).ok_or_else(|| damage(Part::Length))?];
        let read = file.read_at(0, &mut bytes)?;
        if read < bytes.len() || Hash::of(&[&bytes]) != chunk.hash {
            return Err(damage(Part::Whole));
        }
        Ok(bytes)
    }

    /// A piece of a closed chunk's file, as it lies there: shorter than asked for only at the end. Whoever puts the
    /// pieces together checks them. Of a copy that is known to be bad, nothing.
    pub fn piece(&self, chunk: ChunkId, offset: u64, length_bytes: usize) -> Result<Vec<u8>, FileError> {
        if self.is_bad(chunk) {
            return Err(Damage { chunk, part: Part::Whole }.into());
        }
        let file = self.file(chunk, &closed_path(chunk))?;
        let mut bytes = vec![0; length_bytes];
        let read = file.read_at(offset, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Removes a chunk, open or closed, durably; a missing one is already removed.
    pub fn delete(&self, chunk: ChunkId) -> Result<(), DiskError> {
        self.delete_open(chunk)?;
        self.volume.remove(&closed_path(chunk))?;
        self.clear_bad(chunk)
    }

    /// Removes the file of an open chunk, durably; a missing one is already removed.
    pub fn delete_open(&self, chunk: ChunkId) -> Result<(), DiskError> {
        self.volume.remove(&open_path(chunk))
    }

    /// Whether the chunk is open on this member.
    pub fn is_open(&self, chunk: ChunkId) -> Result<bool, DiskError> {
        self.exists(&open_path(chunk))
    }

    /// Whether the chunk is closed on this member.
    pub fn is_closed(&self, chunk: ChunkId) -> Result<bool, DiskError> {
        self.exists(&closed_path(chunk))
    }

    /// The open chunks, in order.
    pub fn list_open(&self) -> Result<Vec<ChunkId>, DiskError> {
        self.list(Path::new(OPEN))
    }

    /// The closed chunks of all objects of a recording, in order.
    pub fn list_closed(&self, recording: RecordingId) -> Result<Vec<ChunkId>, DiskError> {
        let mut chunks = self.list_closed_under(fan_out(recording))?;
        chunks.retain(|chunk| chunk.object.recording == recording);
        Ok(chunks)
    }

    /// The folders of closed chunks that are there, by the last bytes of the identifiers in them.
    pub fn closed_folders(&self) -> Result<Vec<[u8; 2]>, DiskError> {
        let numbers = |folder: &Path| -> Result<Vec<u8>, DiskError> {
            let names = self.volume.list(folder)?;
            Ok(names.iter().filter_map(|name| u8::from_str_radix(name, 16).ok()).collect())
        };
        let mut folders = Vec::new();
        for first in numbers(Path::new(CLOSED))? {
            let inside = numbers(&Path::new(CLOSED).join(format!("{first:02x}")))?;
            folders.extend(inside.into_iter().map(|second| [first, second]));
        }
        Ok(folders)
    }

    /// The closed chunks of all recordings whose identifiers end with these bytes: a walk's unit of work.
    pub fn list_closed_under(&self, last: [u8; 2]) -> Result<Vec<ChunkId>, DiskError> {
        self.list(&closed_folder(last))
    }

    fn list(&self, folder: &Path) -> Result<Vec<ChunkId>, DiskError> {
        let names = self.volume.list(folder)?;
        let mut chunks: Vec<ChunkId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        chunks.sort_unstable();
        Ok(chunks)
    }

    fn exists(&self, path: &Path) -> Result<bool, DiskError> {
        match self.volume.open(path) {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn file(&self, chunk: ChunkId, path: &Path) -> Result<VolumeFile, FileError> {
        self.volume.open(path).map_err(|error| FileError::opening(chunk, error))
    }

    pub(crate) fn volume(&self) -> &Volume {
        &self.volume
    }

    pub(super) fn bad(&self) -> &BadCopies {
        &self.bad
    }
}

fn open_path(chunk: ChunkId) -> PathBuf {
    Path::new(OPEN).join(chunk.to_string())
}

pub(super) fn closed_path(chunk: ChunkId) -> PathBuf {
    closed_folder(fan_out(chunk.object.recording)).join(chunk.to_string())
}

/// The end of an identifier is random also when its beginning is a time.
fn fan_out(recording: RecordingId) -> [u8; 2] {
    let [.., first, second] = recording.0;
    [first, second]
}

fn closed_folder([first, second]: [u8; 2]) -> PathBuf {
    Path::new(CLOSED).join(format!("{first:02x}")).join(format!("{second:02x}"))
}
