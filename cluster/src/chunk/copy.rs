//! What this member's copy of a closed chunk is worth, and which copies are known to be bad.

use super::damage::FileError;
use super::disk::{DiskError, Fatal, Volume};
use super::file::ClosedChunk;
use super::store::{ChunkStore, closed_path};
use crate::id::{ChunkId, ObjectId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const BAD: &str = "bad";
/// Ends the names of marks: the chunk itself may be under way to its own name at the same time.
const MARK: &str = ".bad";

/// A member's copy of a closed chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CopyState {
    /// Its file has the committed length. Its bytes were compared with the hash when it was written or later.
    Verified {
        /// When they were compared last, in milliseconds since 1970.
        at_ms: u64,
    },
    /// There is no file.
    Missing,
    /// It was found damaged, and no good copy has taken its place yet.
    Bad,
}

/// The copies that are known to be bad. Each has a mark on the disk, so that a start knows them too.
#[derive(Debug, Clone, Default)]
pub(crate) struct BadCopies(Arc<Mutex<BTreeSet<ChunkId>>>);

impl BadCopies {
    /// Reads the marks.
    pub(crate) fn open(volume: &Volume) -> Result<Self, DiskError> {
        let names = volume.list(Path::new(BAD))?;
        let marks = names.iter().filter_map(|name| name.strip_suffix(MARK)?.parse().ok());
        Ok(Self(Arc::new(Mutex::new(marks.collect()))))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<ChunkId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChunkStore {
    /// What the copy of a chunk of a committed length is worth, as far as is known without reading it.
    pub fn copy_state(&self, chunk: ChunkId, length_bytes: u64) -> Result<CopyState, DiskError> {
        if self.is_bad(chunk) {
            return Ok(CopyState::Bad);
        }
        match self.volume().open(&closed_path(chunk)) {
            Ok(file) if file.length()? == length_bytes => {
                Ok(CopyState::Verified { at_ms: file.modified_ms()? })
            }
            Ok(_) => Ok(CopyState::Bad),
            Err(error) if error.is_not_found() => Ok(CopyState::Missing),
            Err(error) => Err(error),
        }
    }

    /// Compares the whole copy with its hash, and notes that it was done at `now_ms`. A copy that is the committed one is
    /// no bad one any more, whoever has put it right.
    pub fn verify(&self, object: ObjectId, chunk: &ClosedChunk, now_ms: u64) -> Result<(), FileError> {
        drop(self.whole(object, chunk)?);
        let id = chunk.id(object);
        self.clear_bad(id)?;
        // That the time is noted helps whoever asks; the copy is good without it.
        match self.volume().open(&closed_path(id)).and_then(|file| file.set_modified_ms(now_ms)) {
            Ok(()) | Err(DiskError::Io { .. }) => Ok(()),
            Err(fatal @ DiskError::Fatal(_)) => Err(fatal.into()),
        }
    }

    /// Notes that the copy is bad, until a good one takes its place. Whether that is news.
    pub fn mark_bad(&self, chunk: ChunkId) -> Result<bool, Fatal> {
        if !self.bad().lock().insert(chunk) {
            return Ok(false);
        }
        match self.volume().folder(Path::new(BAD)).and_then(|()| self.volume().create(&mark_path(chunk), &[]))
        {
            // Without room for the mark it is known as long as the process lives.
            Ok(_) | Err(DiskError::Io { .. }) => Ok(true),
            Err(DiskError::Fatal(fatal)) => Err(fatal),
        }
    }

    /// Whether the copy is known to be bad.
    pub fn is_bad(&self, chunk: ChunkId) -> bool {
        self.bad().lock().contains(&chunk)
    }

    /// A good copy has taken its place, or there is none any more.
    pub(super) fn clear_bad(&self, chunk: ChunkId) -> Result<(), DiskError> {
        let was_bad = self.bad().lock().remove(&chunk);
        if was_bad { self.volume().remove(&mark_path(chunk)) } else { Ok(()) }
    }
}

fn mark_path(chunk: ChunkId) -> PathBuf {
    Path::new(BAD).join(format!("{chunk}{MARK}"))
}

#[cfg(test)]
mod tests {
    use super::super::disk::MemoryDisk;
    use super::super::key::{DataKey, KeyPurpose};
    use super::super::{ChunkHeader, RecordSealer, Writer};
    use super::*;
    use crate::id::{ChunkNumber, Epoch, RecordingId};

    const RECORDING: RecordingId = RecordingId([9; 16]);

    fn open(disk: &MemoryDisk) -> ChunkStore {
        ChunkStore::open(Volume::new(Arc::new(disk.clone()), "")).unwrap()
    }

    /// A store with one closed chunk, and the chunk's file.
    fn closed(disk: &MemoryDisk) -> (ChunkStore, ClosedChunk, Vec<u8>) {
        let store = open(disk);
        let id = ChunkId { object: RECORDING.into(), number: ChunkNumber(0), epoch: Epoch(1) };
        let header = ChunkHeader { id, offset: 0 };
        let key = DataKey::generate(RECORDING, KeyPurpose::Bytes, &ring::rand::SystemRandom::new()).unwrap();
        let mut writer = Writer::new(RecordSealer::new(&key, header).unwrap());
        let mut records = Vec::new();
        writer.push(&[7; 1000], &mut records).unwrap();
        records.extend(writer.flush().unwrap());
        let mut open = store.create(header).unwrap();
        open.write(&records).unwrap();
        open.sync().unwrap();
        let chunk = open.closing();
        store.close(open, &chunk).unwrap();
        let bytes = store.whole(RECORDING.into(), &chunk).unwrap();
        (store, chunk, bytes)
    }

    #[test]
    fn a_bad_copy_stays_bad_over_a_start_until_a_good_one_takes_its_place() {
        let (disk, object) = (MemoryDisk::default(), RECORDING.into());
        let (store, chunk, bytes) = closed(&disk);
        let id = chunk.id(object);
        store.verify(object, &chunk, 5).unwrap();
        assert_eq!(
            store.copy_state(chunk.id(object), chunk.length_bytes).unwrap(),
            CopyState::Verified { at_ms: 5 }
        );
        disk.tamper(&closed_path(id), |bytes| bytes[100] ^= 1).unwrap();
        assert!(matches!(store.verify(object, &chunk, 6), Err(FileError::Damaged(_))));
        assert_eq!((store.mark_bad(id).unwrap(), store.mark_bad(id).unwrap()), (true, false));
        disk.cut_power(&mut |_| 0);
        let store = open(&disk);
        assert_eq!(store.copy_state(chunk.id(object), chunk.length_bytes).unwrap(), CopyState::Bad);
        store.receive(object, &chunk, &bytes).unwrap();
        store.verify(object, &chunk, 7).unwrap();
        disk.cut_power(&mut |_| 0);
        let store = open(&disk);
        assert!(matches!(
            store.copy_state(chunk.id(object), chunk.length_bytes).unwrap(),
            CopyState::Verified { .. }
        ));
        assert_eq!(store.whole(object, &chunk).unwrap(), bytes);
    }

    #[test]
    fn a_copy_that_is_gone_is_missing_and_one_of_another_length_is_bad() {
        let (disk, object) = (MemoryDisk::default(), RECORDING.into());
        let (store, chunk, _) = closed(&disk);
        disk.tamper(&closed_path(chunk.id(object)), |bytes| bytes.push(0)).unwrap();
        assert_eq!(store.copy_state(chunk.id(object), chunk.length_bytes).unwrap(), CopyState::Bad);
        store.delete(chunk.id(object)).unwrap();
        assert_eq!(store.copy_state(chunk.id(object), chunk.length_bytes).unwrap(), CopyState::Missing);
    }
}
