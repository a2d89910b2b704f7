//! Snapshots: the whole catalog as a file, written beside the log and read back before it is relied on.

mod block;
mod load;
mod store;

#[cfg(test)]
mod tests;

pub(crate) use store::SnapshotStore;

use crate::catalog::CatalogError;
use crate::chunk::disk::Disk;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A snapshot as openraft passes it on.
#[derive(Clone)]
pub(crate) struct SnapshotFile {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) path: PathBuf,
}

impl fmt::Debug for SnapshotFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SnapshotFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Why a snapshot cannot be made, kept or used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file or folder refused to be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder refused to be written.
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
    /// Its bytes have changed, or never were a snapshot.
    #[error("snapshot {} is damaged at byte {offset}: {damage}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What is wrong.
        damage: SnapshotDamage,
    },
    /// It is whole but not the one that was announced.
    #[error("snapshot {} is not the one that was announced", path.display())]
    Other {
        /// Which.
        path: PathBuf,
    },
    /// The catalog could not be read or written.
    #[error("the catalog could not be dumped or loaded")]
    Catalog(#[from] CatalogError),
    /// A block that cannot be encoded.
    #[error("a block of a snapshot cannot be encoded: {source}")]
    Encode {
        /// Why.
        source: postcard::Error,
    },
    /// The thread that was to do the work did not start or did not end.
    #[error("the snapshot's thread did not run to its end")]
    Thread,
}

/// What is wrong with a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotDamage {
    /// It does not begin as a snapshot of this version does.
    #[error("expected the first bytes of a snapshot")]
    Magic,
    /// It ends early.
    #[error("the file ends inside a block")]
    Short,
    /// A block's checksum and bytes differ, or a block is missing before it.
    #[error("the checksum of a block and its bytes differ")]
    Checksum,
    /// A block that cannot be read.
    #[error("a block cannot be read: {0}")]
    Block(postcard::Error),
    /// Blocks in a wrong order.
    #[error("expected a head, rows and an end, in this order")]
    Order,
    /// Another number of rows than the end says.
    #[error("expected {expected} rows, found {found}")]
    Rows {
        /// As the end says.
        expected: u64,
        /// As they are.
        found: u64,
    },
    /// A row of a tree that is not known.
    #[error("there is no tree {tree}")]
    Tree {
        /// Its number.
        tree: u8,
    },
}

fn read_failed(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    let path = path.to_owned();
    move |source| SnapshotError::Read { path, source }
}

fn write_failed(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    let path = path.to_owned();
    move |source| SnapshotError::Write { path, source }
}

fn sync_failed(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    let path = path.to_owned();
    move |source| SnapshotError::Sync { path, source }
}
