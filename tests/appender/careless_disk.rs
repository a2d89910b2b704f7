//! A disk that says it has synced and has not.

use cluster::chunk::disk::{Disk, DiskFile, DiskSpace, RealDisk};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The real disk, which from some time on does nothing for a sync in a folder and those below it: what a build would
/// be that forgot it in an append or a command.
pub(crate) struct CarelessDisk {
    folder: PathBuf,
    is_careless: Arc<AtomicBool>,
}

impl CarelessDisk {
    /// A disk that still takes care.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, is_careless: Arc::default() }
    }

    /// Set, it ends all care.
    pub(crate) fn is_careless(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_careless)
    }

    fn file(&self, path: &Path, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        match path.starts_with(&self.folder) {
            true => Arc::new(CarelessFile { file, is_careless: Arc::clone(&self.is_careless) }),
            false => file,
        }
    }
}

impl Disk for CarelessDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(path, RealDisk.create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(path, RealDisk.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_folder(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(folder)
    }

    fn space(&self, folder: &Path) -> io::Result<DiskSpace> {
        RealDisk.space(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        match folder.starts_with(&self.folder) && self.is_careless.load(Ordering::Relaxed) {
            true => Ok(()),
            false => RealDisk.sync_folder(folder),
        }
    }
}

struct CarelessFile {
    file: Arc<dyn DiskFile>,
    is_careless: Arc<AtomicBool>,
}

impl DiskFile for CarelessFile {
    fn read_at(&self, position: u64, into: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(position, into)
    }

    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(position, bytes)
    }

    fn set_length(&self, length_bytes: u64) -> io::Result<()> {
        self.file.set_length(length_bytes)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn sync(&self) -> io::Result<()> {
        match self.is_careless.load(Ordering::Relaxed) {
            true => Ok(()),
            false => self.file.sync(),
        }
    }

    fn modified_ms(&self) -> io::Result<u64> {
        self.file.modified_ms()
    }

    fn set_modified_ms(&self, modified_ms: u64) -> io::Result<()> {
        self.file.set_modified_ms(modified_ms)
    }
}
