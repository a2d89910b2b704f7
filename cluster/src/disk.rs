//! The disk as an argument: real files, and a disk in memory that loses what was not synced.

mod memory;
mod real;

pub use memory::MemoryDisk;
pub use real::RealDisk;

use std::fmt::Debug;
use std::io;
use std::path::Path;

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, to read.
    Read,
    /// An existing file, to read and write.
    Write,
    /// A new file, or an old one emptied, to read and write.
    Create,
}

/// Folders and names. A name is durable only after [`Disk::sync_dir`] of its folder.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Makes a folder and those above it, durably.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// The names of the files in a folder, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Opens a file.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file another name in the same folder; an older file of that name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a name.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names of a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// An open file. What was written is durable only after [`DiskFile::sync`].
pub trait DiskFile: Debug + Send + Sync {
    /// Its length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// Reads as many bytes as there are, up to the buffer's length, and says how many.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Writes all bytes at an offset.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts or extends the file.
    fn set_length(&self, length: u64) -> io::Result<()>;
    /// Makes bytes and length durable (`fdatasync`). After an error nothing more may be written: the
    /// kernel may have dropped the pages and would report the next call as good.
    fn sync(&self) -> io::Result<()>;
}
