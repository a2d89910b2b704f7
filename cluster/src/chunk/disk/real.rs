//! Files of the operating system.

use nix::sys::statvfs::statvfs;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::{Disk, DiskFile, DiskSpace};

/// The mode of new files: nobody else on the machine has a reason to read them.
const OWNER_ONLY: u32 = 0o600;

/// The file systems of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(OWNER_ONLY);
        Ok(Arc::new(options.open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(OpenOptions::new().read(true).write(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn space(&self, folder: &Path) -> io::Result<DiskSpace> {
        let room = statvfs(folder)?;
        let bytes = |blocks: u64| blocks.saturating_mul(room.fragment_size());
        // As df counts: what only the system's administrator may write is neither free nor used.
        let used = room.blocks().saturating_sub(room.blocks_free());
        let free_bytes = bytes(room.blocks_available());
        Ok(DiskSpace { free_bytes, total_bytes: bytes(used).saturating_add(free_bytes) })
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

impl DiskFile for File {
    fn read_at(&self, position: u64, into: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(self, into, position)
    }

    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, position)
    }

    fn set_length(&self, length_bytes: u64) -> io::Result<()> {
        self.set_len(length_bytes)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn modified_ms(&self) -> io::Result<u64> {
        let since = self.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn set_modified_ms(&self, modified_ms: u64) -> io::Result<()> {
        let time = UNIX_EPOCH.checked_add(Duration::from_millis(modified_ms));
        self.set_modified(time.ok_or(io::ErrorKind::InvalidInput)?)
    }
}
