//! What log and snapshots do with files beyond single calls.

use crate::chunk::disk::{Disk, DiskFile};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Makes a folder and those above it that are not there, durably.
pub(crate) fn create_folders(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    if disk.list(folder).is_ok() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_folders(disk, parent)?;
    }
    match disk.create_folder(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    parent.map_or(Ok(()), |parent| disk.sync_folder(parent))
}

/// An empty file; an unfinished one of that name is given up.
pub(super) fn create(disk: &dyn Disk, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
    match disk.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk.remove(path)?;
            disk.create(path)
        }
        other => other,
    }
}

/// The names in a folder, sorted.
pub(super) fn names(disk: &dyn Disk, folder: &Path) -> io::Result<Vec<String>> {
    let mut names = disk.list(folder)?;
    names.sort();
    Ok(names)
}

/// Reads up to so many bytes; fewer only at the end of the file.
pub(super) fn read_at(file: &dyn DiskFile, offset: u64, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    let (mut done, mut at) = (0, offset);
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(at, rest) {
            Ok(0) => break,
            Ok(read) => {
                done += read;
                at += u64::try_from(read).map_err(io::Error::other)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}
