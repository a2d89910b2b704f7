use super::{Batch, Engine, EngineError, KeyAndRow, KeyRange, Tree};
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Pages that sled keeps in memory.
const CACHE_BYTES: u64 = 128 << 20;
/// sled's own folder, inside the engine's.
const STORE: &str = "sled";
/// The file that says under which start of the machine the store is in use, or that it was closed.
const MARK: &str = "in-use";
const CLOSED: &str = "closed";

/// Trees in sled 0.34.7, which writes in order but does not make durable (its `flush` calls `sync_file_range`).
/// After a kill of the process the kernel still has all that was written; after a stop of the machine without
/// [`Engine::close`] nothing of it is trusted, and it is emptied.
#[derive(Debug)]
pub struct SledEngine {
    database: ::sled::Db,
    dir: PathBuf,
}

/// What was found when a store was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SledStart {
    /// There was none.
    New,
    /// It was kept.
    Kept,
    /// The machine stopped without closing it, so it was emptied.
    EmptiedAfterMachineStop,
    /// sled could not read it, so it was emptied.
    EmptiedUnreadable {
        /// What sled said.
        reason: String,
    },
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SledOpenError {
    /// The folder or a file refused.
    #[error("cannot prepare {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// sled cannot make a store even in an empty folder.
    #[error("sled cannot make a store in {}", dir.display())]
    Store {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: ::sled::Error,
    },
}

impl SledEngine {
    /// Opens the store in a folder of its own. `boot_id` names this start of the machine (on Linux the text of
    /// `/proc/sys/kernel/random/boot_id`).
    pub fn open(dir: &Path, boot_id: &str) -> Result<(Self, SledStart), SledOpenError> {
        let failed = |source| SledOpenError::File { path: dir.to_owned(), source };
        let store = dir.join(STORE);
        fs::create_dir_all(dir).map_err(failed)?;
        let mark = read_mark(dir).map_err(failed)?;
        let mut start = match mark {
            None if !store.exists() => SledStart::New,
            Some(mark) if mark == CLOSED || mark == boot_id => SledStart::Kept,
            None | Some(_) => SledStart::EmptiedAfterMachineStop,
        };
        if start == SledStart::EmptiedAfterMachineStop {
            empty(&store).map_err(failed)?;
        }
        write_mark(dir, boot_id).map_err(failed)?;
        let database = match open_store(&store) {
            Ok(database) => database,
            Err(error) => {
                start = SledStart::EmptiedUnreadable { reason: error.to_string() };
                empty(&store).map_err(failed)?;
                open_store(&store).map_err(|source| SledOpenError::Store { dir: store.clone(), source })?
            }
        };
        Ok((Self { database, dir: dir.to_owned() }, start))
    }
}

impl Engine for SledEngine {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.database.get(full_key(tree, key))?.map(|row| row.to_vec()))
    }

    fn scan(&self, tree: Tree, range: KeyRange, limit: usize) -> Result<Vec<KeyAndRow>, EngineError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let from = match range.from {
            Bound::Included(key) => Bound::Included(full_key(tree, &key)),
            Bound::Excluded(key) => Bound::Excluded(full_key(tree, &key)),
            Bound::Unbounded => Bound::Included(vec![tree.number()]),
        };
        let to = match range.to {
            Bound::Included(key) => Bound::Included(full_key(tree, &key)),
            Bound::Excluded(key) => Bound::Excluded(full_key(tree, &key)),
            Bound::Unbounded => Bound::Excluded(vec![tree.number() + 1]),
        };
        let strip = |row: ::sled::Result<(::sled::IVec, ::sled::IVec)>| {
            let (key, row) = row?;
            Ok((key.get(1..).unwrap_or_default().to_vec(), row.to_vec()))
        };
        let rows = self.database.range((from, to));
        match range.descending {
            true => rows.rev().take(limit).map(strip).collect(),
            false => rows.take(limit).map(strip).collect(),
        }
    }

    fn commit(&self, batch: Batch) -> Result<(), EngineError> {
        let mut changes = ::sled::Batch::default();
        for ((tree, key), row) in batch {
            match row {
                Some(row) => changes.insert(full_key(tree, &key), row),
                None => changes.remove(full_key(tree, &key)),
            }
        }
        Ok(self.database.apply_batch(changes)?)
    }

    fn clear(&self) -> Result<(), EngineError> {
        Ok(self.database.clear()?)
    }

    fn close(&self) -> Result<(), EngineError> {
        let failed = |error| EngineError::File(Arc::new(error));
        self.database.flush()?;
        sync_all(&self.dir.join(STORE)).map_err(failed)?;
        write_mark(&self.dir, CLOSED).map_err(failed)
    }
}

/// One tree of sled holds all of ours, since its batches span only one; the first byte of a key tells them apart.
fn full_key(tree: Tree, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(1 + key.len());
    full.push(tree.number());
    full.extend_from_slice(key);
    full
}

fn open_store(store: &Path) -> ::sled::Result<::sled::Db> {
    ::sled::Config::new()
        .path(store)
        .cache_capacity(CACHE_BYTES)
        .mode(::sled::Mode::HighThroughput)
        .flush_every_ms(Some(1000))
        .open()
}

fn empty(store: &Path) -> io::Result<()> {
    match fs::remove_dir_all(store) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn read_mark(dir: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(dir.join(MARK)) {
        Ok(mark) => Ok(Some(mark)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write_mark(dir: &Path, mark: &str) -> io::Result<()> {
    let new = dir.join(format!("{MARK}.new"));
    fs::write(&new, mark)?;
    File::open(&new)?.sync_all()?;
    fs::rename(&new, dir.join(MARK))?;
    File::open(dir)?.sync_all()
}

/// Makes every file and folder below a folder durable.
fn sync_all(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => sync_all(&entry.path())?,
            false => File::open(entry.path())?.sync_all()?,
        }
    }
    File::open(dir)?.sync_all()
}
