use super::block::{BlockReader, BlockWriter};
use super::load::load;
use super::{SnapshotError, SnapshotFile, read_failed, sync_failed, write_failed};
use crate::catalog::{Catalog, CatalogError, KeyAndRow, Tree};
use crate::chunk::disk::Disk;
use crate::raft::files;
use crate::raft::types::SnapshotMeta;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

const SUFFIX: &str = ".snapshot";
const SUFFIX_NEW: &str = ".new";

/// The folder of snapshots. One is current; it is whole, durable and was read back.
pub(crate) struct SnapshotStore {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    current: Mutex<Option<(SnapshotMeta, SnapshotFile)>>,
    /// How long the current one is.
    bytes: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl SnapshotStore {
    /// Opens the folder and reads the newest snapshot in it from end to end.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, SnapshotError> {
        files::create_folders(&*disk, dir).map_err(write_failed(dir))?;
        let mut newest = None;
        for name in files::names(&*disk, dir).map_err(read_failed(dir))? {
            let path = dir.join(&name);
            if name.ends_with(SUFFIX_NEW) {
                disk.remove(&path).map_err(write_failed(&path))?;
            } else if name.ends_with(SUFFIX) {
                newest = Some(path);
            }
        }
        disk.sync_folder(dir).map_err(sync_failed(dir))?;
        let store = Self {
            disk,
            dir: dir.to_owned(),
            current: Mutex::default(),
            bytes: AtomicU64::new(0),
            thread: Mutex::default(),
        };
        if let Some(path) = newest {
            let file = store.file(path);
            let reader = BlockReader::open(&file)?;
            let meta = reader.meta.clone();
            store.bytes.store(reader.verify()?, Ordering::Relaxed);
            *lock(&store.current) = Some((meta, file));
        }
        Ok(store)
    }

    /// The current snapshot.
    pub(crate) fn current(&self) -> Option<(SnapshotMeta, SnapshotFile)> {
        lock(&self.current).clone()
    }

    /// How long the current snapshot is in bytes; 0 without any.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Where a snapshot of another member is to be written.
    pub(crate) fn receiving(&self) -> SnapshotFile {
        self.file(self.dir.join(format!("received{SUFFIX_NEW}")))
    }

    /// Writes a catalog down that does not change.
    #[cfg(test)]
    pub(crate) fn write(
        &self,
        catalog: &Catalog,
        meta: &SnapshotMeta,
    ) -> Result<SnapshotFile, SnapshotError> {
        let mut frozen = crate::catalog::Frozen::default();
        self.write_rows(meta, || frozen.next(catalog, crate::catalog::ROWS_AT_ONCE))
    }

    /// Writes rows down, until there are none.
    pub(crate) fn write_rows(
        &self,
        meta: &SnapshotMeta,
        mut next: impl FnMut() -> Result<Option<Vec<(Tree, KeyAndRow)>>, CatalogError>,
    ) -> Result<SnapshotFile, SnapshotError> {
        let new = self.dir.join(format!("built{SUFFIX_NEW}"));
        let mut writer = BlockWriter::create(&*self.disk, &new, meta)?;
        while let Some(rows) = next()? {
            writer.rows(rows.into_iter().map(|(tree, (key, row))| (tree.number(), key, row)).collect())?;
        }
        writer.finish()?;
        self.adopt(&new, meta)
    }

    /// Copies a snapshot of another member, checking every block. It is durable, and the current one unless that is as new.
    pub(crate) fn keep(&self, meta: &SnapshotMeta, received: &SnapshotFile) -> Result<(), SnapshotError> {
        if self.current().is_some_and(|(current, _)| current.last_log_id >= meta.last_log_id) {
            return Ok(());
        }
        let mut reader = BlockReader::open(received)?;
        if reader.meta != *meta {
            return Err(SnapshotError::Other { path: received.path.clone() });
        }
        let new = self.dir.join(format!("installed{SUFFIX_NEW}"));
        let mut writer = BlockWriter::create(&*self.disk, &new, meta)?;
        while let Some(rows) = reader.next()? {
            writer.rows(rows)?;
        }
        writer.finish()?;
        self.adopt(&new, meta).map(drop)
    }

    /// Loads the catalog from a snapshot of another member, which is kept.
    pub(crate) fn install(
        &self,
        catalog: &Catalog,
        meta: &SnapshotMeta,
        received: &SnapshotFile,
    ) -> Result<(), SnapshotError> {
        self.keep(meta, received)?;
        match self.current().filter(|(current, _)| current == meta) {
            Some((_, file)) => load(catalog, &file),
            // Another one was written meanwhile.
            None => load(catalog, received),
        }
    }

    /// Replaces all rows of the catalog by those of the current snapshot, or by none.
    pub(crate) fn load(&self, catalog: &Catalog) -> Result<(), SnapshotError> {
        match self.current() {
            Some((_, file)) => load(catalog, &file),
            None => Ok(catalog.empty()?),
        }
    }

    /// Does long work on a thread of its own, one at a time.
    pub(crate) async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, SnapshotError> + Send + 'static,
    ) -> Result<T, SnapshotError> {
        #[cfg(any(test, feature = "simulation"))]
        if crate::simulation::runtime::is_simulated() {
            crate::simulation::runtime::disk_pause().await;
            return work();
        }
        let (done, waiting) = oneshot::channel();
        let thread = std::thread::Builder::new().name("raft-snapshot".to_owned()).spawn(move || {
            let _: Result<(), _> = done.send(work());
        });
        let older = lock(&self.thread).replace(thread.map_err(|_| SnapshotError::Thread)?);
        if let Some(older) = older {
            let _: std::thread::Result<()> = older.join();
        }
        waiting.await.unwrap_or(Err(SnapshotError::Thread))
    }

    /// Waits for the thread.
    pub(crate) fn close(&self) {
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            let _: std::thread::Result<()> = thread.join();
        }
    }

    /// Gives a finished file its name, reads it back and lets go of older ones.
    fn adopt(&self, new: &Path, meta: &SnapshotMeta) -> Result<SnapshotFile, SnapshotError> {
        let name = file_name(meta);
        let path = self.dir.join(&name);
        self.disk.rename(new, &path).map_err(write_failed(&path))?;
        self.disk.sync_folder(&self.dir).map_err(sync_failed(&self.dir))?;
        let file = self.file(path);
        let bytes = BlockReader::open(&file)?.verify()?;
        let mut current = lock(&self.current);
        // The log may have been given up as far as a newer one reaches, which came from another member meanwhile.
        if current.as_ref().is_some_and(|(newer, _)| newer.last_log_id > meta.last_log_id) {
            return Ok(file);
        }
        *current = Some((meta.clone(), file.clone()));
        self.bytes.store(bytes, Ordering::Relaxed);
        for other in self.disk.list(&self.dir).map_err(read_failed(&self.dir))? {
            if other.ends_with(SUFFIX) && other != name {
                let path = self.dir.join(other);
                self.disk.remove(&path).map_err(write_failed(&path))?;
            }
        }
        Ok(file)
    }

    fn file(&self, path: PathBuf) -> SnapshotFile {
        SnapshotFile { disk: Arc::clone(&self.disk), path }
    }
}

/// Names sort as the places of the log do.
fn file_name(meta: &SnapshotMeta) -> String {
    let (index, term) = meta.last_log_id.map_or((0, 0), |id| (id.index, id.leader_id.term));
    format!("{index:016x}-{term:016x}{SUFFIX}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
