//! A member's folder: who may use it, and which KEK it belongs to.

use super::errors::StartError;
use crate::chunk::disk::Disk;
use crate::chunk::key::{Kek, KekCheck, KekId};
use crate::chunk::{DiskError, Fields, Keks, Volume, disk_size};
use crate::raft::create_folders;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Arc;

const LOCK: &str = "lock";
const KEK_CHECK: &str = "kek-check";
const MAGIC: [u8; 4] = *b"KEKC";
const VERSION: u16 = 1;
const KEK_CHECK_BYTES: usize = 36;

/// Makes a folder on the real disk and locks it until the file is dropped. The kernel lets go of it with the process.
pub(super) fn lock(dir: &Path) -> Result<File, StartError> {
    let failed = |source| StartError::Folder { path: dir.to_owned(), source };
    fs::create_dir_all(dir).map_err(failed)?;
    let path = dir.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::Locked { path }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// The volume in a folder, which is made durably, with those above it, when it is not there.
pub(super) fn volume(disk: Arc<dyn Disk>, dir: &Path) -> Result<Volume, StartError> {
    let failed = |source| StartError::Folder { path: dir.to_owned(), source };
    create_folders(&*disk, dir).map_err(failed)?;
    Ok(Volume::new(disk, dir))
}

/// Looks for the KEK that the folder belongs to; a new folder belongs to the newest one from here on.
pub(super) fn check_kek(volume: &Volume, keks: &Keks) -> Result<(), StartError> {
    let newest = keks.newest();
    let path = Path::new(KEK_CHECK);
    let file = match volume.open(path) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => {
            return Ok(belong_to(volume, &newest)?);
        }
        Err(error) => return Err(error.into()),
    };
    let mut bytes = [0; KEK_CHECK_BYTES];
    let whole = file.length()? == disk_size(KEK_CHECK_BYTES);
    let read: Result<usize, DiskError> = file.read_at(0, &mut bytes);
    read?;
    let (expected, check) = decode(&bytes).filter(|_| whole).ok_or(StartError::KekCheck)?;
    match keks.get(expected).is_some_and(|kek| kek.check_value() == check) {
        true => Ok(()),
        false => Err(StartError::OtherKek { expected, actual: newest.id() }),
    }
}

/// From here on the folder belongs to this KEK.
pub(super) fn belong_to(volume: &Volume, kek: &Kek) -> Result<(), DiskError> {
    volume.create(Path::new(KEK_CHECK), &encode(kek.id(), kek.check_value())).map(drop)
}

fn encode(id: KekId, check: KekCheck) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&id.0.to_be_bytes());
    bytes.extend_from_slice(&check);
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_be_bytes());
    bytes
}

fn decode(bytes: &[u8; KEK_CHECK_BYTES]) -> Option<(KekId, KekCheck)> {
    let mut fields = Fields(bytes);
    if fields.array()? != MAGIC || fields.u16()? != VERSION {
        return None;
    }
    fields.zeros(2)?;
    let (id, check) = (KekId(fields.u64()?), fields.array()?);
    (encode(id, check) == bytes).then_some((id, check))
}
