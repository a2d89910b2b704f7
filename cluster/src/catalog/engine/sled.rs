#[cfg(test)]
mod tests;

use super::{Batch, Engine, EngineError, KeyAndRow, KeyRange, Tree};
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Pages that sled keeps in memory.
const CACHE_BYTES: u64 = 128 << 20;
/// sled's own folder, inside the engine's: the first one, and how the names of all begin.
const STORE: &str = "sled";
/// The file that names the folder in use; without it, it is the first one.
const NAME: &str = "store";
/// Rows that are copied before others have a turn.
const ROWS_AT_ONCE: usize = 256;
/// How often the removal of a folder is tried: sled may be at its last file.
const REMOVALS: usize = 50;
/// The file that says under which start of the machine the store is in use, or that it was closed.
const MARK: &str = "in-use";
const CLOSED: &str = "closed";

/// Trees in sled 0.34.7, which writes in order but does not make durable (its `flush` calls `sync_file_range`).
/// After a kill of the process the kernel still has all that was written; after a stop of the machine without
/// [`Engine::close`] nothing of it is trusted, and it is emptied.
///
/// sled keeps the bytes of rows that are no more in its files for as long as it likes. So [`Engine::renew`] copies the rows
/// into another folder, where changes go as well meanwhile, and then removes the first one.
#[derive(Debug)]
pub struct SledEngine {
    stores: RwLock<Stores>,
    dir: PathBuf,
    /// Held while rows are copied.
    renewing: Mutex<()>,
}

#[derive(Debug)]
struct Stores {
    database: ::sled::Db,
    name: String,
    /// Where the rows are copied to.
    next: Option<::sled::Db>,
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
        fs::create_dir_all(dir).map_err(failed)?;
        let name = store_name(dir).map_err(failed)?;
        let store = dir.join(&name);
        remove_others(dir, &name).map_err(failed)?;
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
        let stores = RwLock::new(Stores { database, name, next: None });
        Ok((Self { stores, dir: dir.to_owned(), renewing: Mutex::default() }, start))
    }

    fn read(&self) -> RwLockReadGuard<'_, Stores> {
        self.stores.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Stores> {
        self.stores.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies all rows to the next store; false when it was to go on no longer.
    fn copy(&self, next: &::sled::Db, go_on: &dyn Fn() -> bool) -> Result<bool, EngineError> {
        let mut after: Option<::sled::IVec> = None;
        while go_on() {
            // INVARIANT: no change is made meanwhile, and those after it go to both stores: what is copied is never older
            // than what is there.
            let stores = self.write();
            let from = after.take().map_or(Bound::Unbounded, Bound::Excluded);
            let mut rows = ::sled::Batch::default();
            for row in stores.database.range((from, Bound::Unbounded)).take(ROWS_AT_ONCE) {
                let (key, row) = row?;
                after = Some(key.clone());
                rows.insert(key, row);
            }
            if after.is_none() {
                drop(stores);
                next.flush()?;
                return Ok(true);
            }
            next.apply_batch(rows)?;
        }
        Ok(false)
    }
}

impl Engine for SledEngine {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.read().database.get(full_key(tree, key))?.map(|row| row.to_vec()))
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
        let stores = self.read();
        let rows = stores.database.range((from, to));
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
        let stores = self.read();
        if let Some(next) = &stores.next {
            next.apply_batch(changes.clone())?;
        }
        Ok(stores.database.apply_batch(changes)?)
    }

    /// Batches exclude one another; rows alone do not.
    fn load(&self, rows: Vec<(Tree, KeyAndRow)>) -> Result<(), EngineError> {
        let stores = self.read();
        for (tree, (key, row)) in rows {
            let key = full_key(tree, &key);
            if let Some(next) = &stores.next {
                next.insert(&key, row.as_slice())?;
            }
            stores.database.insert(key, row)?;
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), EngineError> {
        let stores = self.read();
        if let Some(next) = &stores.next {
            next.clear()?;
        }
        Ok(stores.database.clear()?)
    }

    fn bytes(&self) -> Result<u64, EngineError> {
        Ok(self.read().database.size_on_disk()?)
    }

    fn renew(&self, go_on: &dyn Fn() -> bool) -> Result<bool, EngineError> {
        let failed = |error| EngineError::File(Arc::new(error));
        let _renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let older = self.read().name.clone();
        let name = next_name(&older);
        let store = self.dir.join(&name);
        empty(&store).map_err(failed)?;
        let next = open_store(&store)?;
        self.write().next = Some(next.clone());
        let copied = self.copy(&next, go_on);
        let is_copied = match copied {
            Ok(true) => write_durably(&self.dir, NAME, &name).map_err(failed).map(|()| true),
            other => other,
        };
        let mut stores = self.write();
        stores.next = None;
        if !matches!(is_copied, Ok(true)) {
            drop(stores);
            drop(next);
            empty(&store).map_err(failed)?;
            return is_copied;
        }
        let gone = std::mem::replace(&mut stores.database, next);
        stores.name = name;
        drop(stores);
        drop(gone);
        empty(&self.dir.join(older)).map_err(failed)?;
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
        Ok(true)
    }

    fn close(&self) -> Result<(), EngineError> {
        let failed = |error| EngineError::File(Arc::new(error));
        let stores = self.read();
        stores.database.flush()?;
        sync_all(&self.dir.join(&stores.name)).map_err(failed)?;
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
    let mut removals = 0..REMOVALS;
    loop {
        match fs::remove_dir_all(store) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            // Its threads are at their end.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && removals.next().is_some() => {
                std::thread::yield_now();
            }
            removed => return removed,
        }
    }
}

/// The folder in use.
fn store_name(dir: &Path) -> io::Result<String> {
    let name = read_text(&dir.join(NAME))?;
    Ok(name.filter(|name| is_store(name)).unwrap_or_else(|| STORE.to_owned()))
}

fn is_store(name: &str) -> bool {
    name.strip_prefix(STORE).is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix('-').is_some_and(|number| number.parse::<u64>().is_ok())
    })
}

fn next_name(name: &str) -> String {
    let number = name.strip_prefix(STORE).and_then(|rest| rest.strip_prefix('-'));
    let number: u64 = number.and_then(|number| number.parse().ok()).unwrap_or(1);
    format!("{STORE}-{}", number.wrapping_add(1))
}

/// Removes the folders that are not in use: a process has ended while it copied rows, or before it removed the older ones.
fn remove_others(dir: &Path, name: &str) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let other = entry?.file_name();
        if other.to_str().is_some_and(|other| is_store(other) && other != name) {
            empty(&dir.join(other))?;
        }
    }
    Ok(())
}

fn read_mark(dir: &Path) -> io::Result<Option<String>> {
    read_text(&dir.join(MARK))
}

fn read_text(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(mark) => Ok(Some(mark)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write_mark(dir: &Path, mark: &str) -> io::Result<()> {
    write_durably(dir, MARK, mark)
}

fn write_durably(dir: &Path, name: &str, text: &str) -> io::Result<()> {
    let new = dir.join(format!("{name}.new"));
    fs::write(&new, text)?;
    File::open(&new)?.sync_all()?;
    fs::rename(&new, dir.join(name))?;
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
