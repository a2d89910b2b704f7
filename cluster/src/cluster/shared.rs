//! What all operations need: facts, bytes, the thread of the live tail, and threads that read.

use super::errors::ReadError;
use super::forget::ForgetWorker;
use super::inbox::Inbox;
use super::input::Input;
use super::kek::KekWorker;
use super::pool::Pool;
use super::residue::Scan;
use super::scrub::Scrub;
use super::space::Spaces;
use super::worker::{self, Worker};
use crate::catalog::{Catalog, CatalogError, ObjectRow};
use crate::chunk::key::{DataKey, Random, WrappedKey};
use crate::chunk::{ChunkStore, ClosedChunk, Keks, Reader, Tail, Tails};
use crate::facts::{Facts, NotReady};
use crate::id::{ChunkId, ChunkNumber, ObjectId};
use crate::rpc::Peers;
use crate::tail::{Answer, Drops, Repairs, Request};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// Rows of chunks read at once.
const CHUNKS_AT_ONCE: usize = 512;
/// Most bytes of other members' messages that wait for the machine.
const MESSAGE_ROOM_BYTES: usize = 64 << 20;

/// The parts of an open door.
pub(super) struct Shared {
    pub(super) facts: Arc<Facts>,
    pub(super) store: ChunkStore,
    /// The chunks that are open on this member.
    pub(super) tails: Tails,
    pub(super) keks: Arc<Keks>,
    pub(super) random: Arc<dyn Random>,
    pub(super) peers: Arc<dyn Peers>,
    pub(super) readers: Arc<Pool>,
    /// Threads that check what other members send.
    pub(super) takers: Pool,
    pub(super) message_room: Arc<Semaphore>,
    pub(super) inbox: Inbox,
    pub(super) scrub: Arc<Scrub>,
    pub(super) repairs: Arc<Repairs>,
    pub(super) drops: Arc<Drops>,
    pub(super) kek_worker: Arc<KekWorker>,
    pub(super) forget_worker: Arc<ForgetWorker>,
    pub(super) workers: Vec<Arc<dyn Worker>>,
    pub(super) spaces: Spaces,
    /// What a scan of this member's folders has come to that is not at its end.
    pub(super) scan: Mutex<Option<Scan>>,
    /// Whether what the last run left open is ended.
    is_ready: AtomicBool,
}

/// The parts that are made before the door.
pub(super) struct Parts {
    pub(super) facts: Arc<Facts>,
    pub(super) store: ChunkStore,
    pub(super) tails: Tails,
    pub(super) keks: Arc<Keks>,
    pub(super) random: Arc<dyn Random>,
    pub(super) peers: Arc<dyn Peers>,
    pub(super) readers: Pool,
    pub(super) takers: Pool,
    pub(super) inbox: Inbox,
    pub(super) scrub: Arc<Scrub>,
    pub(super) repairs: Arc<Repairs>,
    pub(super) drops: Arc<Drops>,
}

/// What may be read of an object on this member.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) row: ObjectRow,
    pub(super) chunks: Vec<ClosedChunk>,
    /// Committed chunks whose files are not closed yet.
    pub(super) closing: Vec<Tail>,
    /// The chunk behind them, when it is on this member.
    pub(super) tail: Option<Tail>,
}

impl Shared {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { facts, store, tails, keks, random, peers, readers, takers, inbox, scrub, repairs, drops } =
            parts;
        let (kek_worker, forget_worker) = (Arc::new(KekWorker::default()), Arc::new(ForgetWorker::default()));
        Self {
            workers: worker::all(&scrub, (&repairs, &drops), &kek_worker, &forget_worker),
            kek_worker,
            forget_worker,
            scrub,
            repairs,
            drops,
            facts,
            store,
            tails,
            keks,
            random,
            peers,
            readers: Arc::new(readers),
            takers,
            message_room: Arc::new(Semaphore::new(MESSAGE_ROOM_BYTES)),
            inbox,
            spaces: Spaces::default(),
            scan: Mutex::default(),
            is_ready: AtomicBool::new(false),
        }
    }

    /// The catalog, once what the last run left open is ended.
    pub(super) fn catalog(&self) -> Result<&Catalog, NotReady> {
        match self.is_ready.load(Ordering::Acquire) {
            true => self.facts.catalog(),
            false => Err(NotReady),
        }
    }

    pub(super) fn be_ready(&self) {
        self.is_ready.store(true, Ordering::Release);
    }

    /// Asks this member's machine. It does what it was asked also when nobody waits for the answer. None when the
    /// member stops.
    pub(super) async fn ask_here(&self, object: ObjectId, request: Request) -> Option<Answer> {
        self.inbox.begin(|caller| Input::Ask { object, request, caller })?.await.ok()
    }

    /// What may be read of an object now. Looks into the catalog: not for async threads.
    pub(super) fn view(&self, object: ObjectId) -> Result<View, ReadError> {
        let catalog = self.catalog()?;
        let unknown = || ReadError::ObjectUnknown { object };
        let mut row = catalog.object(object)?.ok_or_else(unknown)?;
        loop {
            let chunks = chunks_of(catalog, object)?;
            let tail = open_chunk(object, &row).and_then(|chunk| self.tails.get(chunk));
            let after = catalog.object(object)?.ok_or_else(unknown)?;
            if after != row {
                row = after;
                continue;
            }
            let last =
                chunks.iter().rev().map_while(|chunk| Some((chunk, self.tails.get(chunk.id(object))?)));
            let closing = last.filter(|(chunk, tail)| tail.holds(chunk)).map(|(_, tail)| tail).collect();
            return Ok(View { row, chunks, closing, tail });
        }
    }

    /// A reader of what may be read.
    pub(super) fn reader(&self, object: ObjectId, view: View) -> Result<Reader, ReadError> {
        let key = self.key(object)?;
        let View { chunks, closing, tail, .. } = view;
        Ok(Reader::new(self.store.clone(), key, object, chunks, tail)?.beside(closing))
    }

    /// The data key of an object: one of the two of its recording.
    pub(super) fn key(&self, object: ObjectId) -> Result<Arc<DataKey>, ReadError> {
        let row = self.facts.catalog()?.object(object.recording.into())?;
        let keys = row.and_then(|row| row.keys).ok_or(ReadError::KeyMissing { object })?;
        let wrapped = WrappedKey::from_bytes(keys.of(object))?;
        Ok(Arc::new(self.keks.unwrap(object.recording, &wrapped)?))
    }

    /// How many bytes of an object may be read, as this member knows; and whether its open chunk is here, if it has one.
    pub(super) fn length_here(&self, object: ObjectId) -> Result<(u64, bool), ReadError> {
        let catalog = self.catalog()?;
        let unknown = || ReadError::ObjectUnknown { object };
        let mut row = catalog.object(object)?.ok_or_else(unknown)?;
        loop {
            let Some(chunk) = open_chunk(object, &row) else { return Ok((row.length, true)) };
            if let Some(tail) = self.tails.get(chunk) {
                return Ok((tail.acknowledged().max(row.length), true));
            }
            let after = catalog.object(object)?.ok_or_else(unknown)?;
            if after == row {
                return Ok((row.length, false));
            }
            row = after;
        }
    }
}

/// The open chunk, unless it is a manifest.
pub(super) fn open_chunk(object: ObjectId, row: &ObjectRow) -> Option<ChunkId> {
    let open = row.open_chunk.as_ref().filter(|open| open.number != ChunkNumber::MANIFEST)?;
    Some(ChunkId { object, number: open.number, epoch: open.epoch })
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
