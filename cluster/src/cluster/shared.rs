//! What all operations need: facts, bytes, threads, and the objects that grow.

use super::errors::{Halt, ReadError};
use super::object::{Object, View, Writer};
use super::operations::Operations;
use super::pool::Pool;
use crate::catalog::{Catalog, CatalogError, ObjectState};
use crate::chunk::disk::Fatal;
use crate::chunk::journal::JournalHandle;
use crate::chunk::key::{DataKey, Kek, Random, WrappedKey};
use crate::chunk::{ChunkStore, ClosedChunk, Reader};
use crate::facts::{Facts, NotReady};
use crate::id::{ChunkNumber, ObjectId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Rows of chunks read at once.
const CHUNKS_AT_ONCE: usize = 512;

/// The parts of an open door.
pub(super) struct Shared {
    pub(super) facts: Facts,
    pub(super) store: ChunkStore,
    pub(super) journal: JournalHandle,
    pub(super) kek: Kek,
    pub(super) random: Arc<dyn Random>,
    pub(super) writers: Pool,
    pub(super) readers: Arc<Pool>,
    pub(super) operations: Operations,
    /// Whether what the last run left open is known to the objects.
    pub(super) is_ready: AtomicBool,
    /// The failure after which the process must end.
    pub(super) fatal: watch::Sender<Option<Fatal>>,
    /// Milliseconds since the start.
    pub(super) now_ms: AtomicU64,
    objects: Mutex<HashMap<ObjectId, Arc<Object>>>,
}

/// The parts that are made before the door.
pub(super) struct Parts {
    pub(super) facts: Facts,
    pub(super) store: ChunkStore,
    pub(super) journal: JournalHandle,
    pub(super) kek: Kek,
    pub(super) random: Arc<dyn Random>,
    pub(super) writers: Pool,
    pub(super) readers: Pool,
    pub(super) fatal: watch::Sender<Option<Fatal>>,
}

impl Shared {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { facts, store, journal, kek, random, writers, readers, fatal } = parts;
        Self {
            facts,
            store,
            journal,
            kek,
            random,
            writers,
            readers: Arc::new(readers),
            operations: Operations::new(),
            is_ready: AtomicBool::new(false),
            fatal,
            now_ms: AtomicU64::new(0),
            objects: Mutex::default(),
        }
    }

    /// The catalog, once the objects know what the last run left open.
    pub(super) fn catalog(&self) -> Result<&Catalog, NotReady> {
        match self.is_ready.load(Ordering::Acquire) {
            true => self.facts.catalog(),
            false => Err(NotReady),
        }
    }

    /// An object that may grow, to be written.
    pub(super) async fn object(&self, id: ObjectId) -> Result<Arc<Object>, Halt> {
        let catalog = self.catalog().map_err(|_| Halt::NotReady)?.clone();
        if let Some(object) = self.known(id) {
            return Ok(object);
        }
        let load = move || -> Result<(Option<_>, Vec<ClosedChunk>), CatalogError> {
            Ok((catalog.object(id)?, chunks_of(&catalog, id)?))
        };
        let (row, chunks) = self.readers.run(load).await.ok_or(Halt::Stopped)??;
        let row = row.ok_or(Halt::ObjectUnknown { object: id })?;
        if let ObjectState::Sealed(facts) = row.state {
            return Err(Halt::Sealed { object: id, facts });
        }
        let view = View { chunks: Arc::new(chunks), ..View::default() };
        let object = self.keep(Object::new(id, Writer::new(row.epoch, false), view));
        // It may have been sealed, and let go of, since its row was read.
        let row = self.facts.catalog().map_err(|_| Halt::NotReady)?.object(id)?;
        match row.map(|row| row.state) {
            Some(ObjectState::Sealed(facts)) => {
                self.forget(id);
                Err(Halt::Sealed { object: id, facts })
            }
            Some(ObjectState::Open | ObjectState::Interrupted { .. }) | None => Ok(object),
        }
    }

    /// Keeps an object, unless it is kept already. Returns the one that is.
    pub(super) fn keep(&self, object: Object) -> Arc<Object> {
        object.use_at(self.now_ms.load(Ordering::Relaxed));
        Arc::clone(self.objects().entry(object.id).or_insert_with(|| Arc::new(object)))
    }

    /// The object is sealed: from here on the catalog says all about it.
    pub(super) fn forget(&self, object: ObjectId) {
        self.objects().remove(&object);
    }

    /// An object that is kept.
    pub(super) fn known(&self, object: ObjectId) -> Option<Arc<Object>> {
        self.objects().get(&object).cloned()
    }

    /// All objects that are kept.
    pub(super) fn all(&self) -> Vec<Arc<Object>> {
        self.objects().values().cloned().collect()
    }

    /// What may be read of an object.
    pub(super) async fn view(&self, id: ObjectId) -> Result<View, ReadError> {
        let catalog = self.catalog()?.clone();
        if let Some(object) = self.known(id) {
            return Ok(object.view());
        }
        let load = move || match catalog.object(id)? {
            Some(_) => Ok(View { chunks: Arc::new(chunks_of(&catalog, id)?), ..View::default() }),
            None => Err(ReadError::ObjectUnknown { object: id }),
        };
        self.readers.run(load).await.ok_or(ReadError::Stopped)?
    }

    /// A reader of what may be read.
    pub(super) fn reader(&self, object: ObjectId, view: &View) -> Result<Reader, ReadError> {
        let key = match self.known(object) {
            Some(object) => self.kept_key(&object)?,
            None => self.key(object)?,
        };
        let chunks = view.chunks.to_vec();
        Ok(Reader::new(self.store.clone(), key, object, chunks, view.tail.clone())?)
    }

    /// The data key of an object that is kept.
    pub(super) fn kept_key(&self, object: &Object) -> Result<Arc<DataKey>, ReadError> {
        if let Some(key) = object.key.get() {
            return Ok(Arc::clone(key));
        }
        let key = self.key(object.id)?;
        Ok(Arc::clone(object.key.get_or_init(|| key)))
    }

    /// The data key of an object: one of the two of its recording.
    fn key(&self, object: ObjectId) -> Result<Arc<DataKey>, ReadError> {
        let row = self.facts.catalog()?.object(object.recording.into())?;
        let keys = row.and_then(|row| row.keys).ok_or(ReadError::KeyMissing { object })?;
        let wrapped = if object.stream.is_text() { &keys.derived } else { &keys.data };
        let wrapped = WrappedKey::from_bytes(wrapped)?;
        Ok(Arc::new(DataKey::unwrap(object.recording, &wrapped, &self.kek)?))
    }

    /// How many bytes of an object may be read.
    pub(super) async fn length(&self, id: ObjectId) -> Result<u64, ReadError> {
        if let Some(object) = self.known(id) {
            return Ok(object.view().end());
        }
        let row = self.catalog()?.object(id)?.ok_or(ReadError::ObjectUnknown { object: id })?;
        Ok(row.length)
    }

    /// The facts, once nobody needs the rest; the journal's threads end when what they have is done.
    pub(super) fn end(self) -> Facts {
        self.facts
    }

    /// Tells of a disk that has failed.
    pub(super) fn tell_fatal(&self) {
        if let Some(fatal) = self.store.failed() {
            self.fatal.send_if_modified(|told| {
                let is_new = told.is_none();
                told.get_or_insert_with(|| fatal.clone());
                is_new
            });
        }
    }

    fn objects(&self) -> MutexGuard<'_, HashMap<ObjectId, Arc<Object>>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The closed chunks of an object, without its manifest.
pub(super) fn chunks_of(catalog: &Catalog, object: ObjectId) -> Result<Vec<ClosedChunk>, CatalogError> {
    let mut chunks: Vec<ClosedChunk> = Vec::new();
    loop {
        let from =
            chunks.last().map_or(ChunkNumber(0), |chunk| ChunkNumber(chunk.number.0.saturating_add(1)));
        let rows = catalog.chunks(object, from, CHUNKS_AT_ONCE)?;
        let is_last = rows.len() < CHUNKS_AT_ONCE;
        let own = rows.into_iter().filter(|(number, _)| *number != ChunkNumber::MANIFEST);
        chunks.extend(own.map(|(_, row)| row.chunk));
        if is_last {
            return Ok(chunks);
        }
    }
}
