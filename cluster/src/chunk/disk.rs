//! The disk under a member's bytes, and the one place where a failed fsync is noticed.

mod memory;
mod real;
mod space;
mod volume;

pub use memory::MemoryDisk;
pub use real::RealDisk;
pub use space::{DiskLevel, DiskSpace};
pub use volume::{DiskError, Fatal, Volume, VolumeFile};

use std::io;
use std::path::Path;
use std::sync::Arc;

/// The operations on files that bytes need. What is written is durable only after a sync.
pub trait Disk: Send + Sync {
    /// A new empty file for reading and writing; an error when the name is taken.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// An existing file, for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Gives a file its other name, replacing what had it; durable once both folders are synced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a file's name away.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// A new folder in an existing one; an error when the name is taken.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// The names in a folder, in any order; names that are no UTF-8 are left out.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// How much of what holds a folder is free.
    fn space(&self, folder: &Path) -> io::Result<DiskSpace>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// One open file. It stays readable and writable when its name changes or goes.
pub trait DiskFile: Send + Sync {
    /// Reads some bytes at `position`; 0 at or after the end.
    fn read_at(&self, position: u64, into: &mut [u8]) -> io::Result<usize>;
    /// Writes all of `bytes` at `position`, lengthening the file as needed.
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts or lengthens the file.
    fn set_length(&self, length_bytes: u64) -> io::Result<()>;
    /// The file's length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// Makes contents and length durable (fdatasync).
    fn sync(&self) -> io::Result<()>;
    /// When it was written last, or what [`DiskFile::set_modified_ms`] says, in milliseconds since 1970.
    fn modified_ms(&self) -> io::Result<u64>;
    /// Sets that time. It is durable some time later, or never.
    fn set_modified_ms(&self, modified_ms: u64) -> io::Result<()>;
}
