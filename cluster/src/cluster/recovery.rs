//! What the last run left open is closed by its new owner.

use super::errors::Halt;
use super::object::{Left, LeftFile, Object, View, Writer};
use super::shared::{Shared, chunks_of};
use crate::catalog::CatalogError;
use crate::chunk::ClosedChunk;
use crate::chunk::journal::Recovered;
use crate::facts::ReadIndexError;
use crate::id::{ChunkId, ChunkNumber};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

/// Objects that are taken over at once.
const AT_ONCE: usize = 64;

/// How far the recovery is.
pub(super) enum Recovery {
    /// What was found at the start.
    Found(Vec<Recovered>),
    /// It runs to its end also when nobody waits.
    Running(oneshot::Receiver<Result<(), ReadIndexError>>),
    /// All is known to the objects.
    Done,
    /// The catalog could not be read: this member does not become ready.
    Failed,
}

impl Recovery {
    /// Recovers, or waits for what an earlier call began. Cancel-safe.
    pub(super) async fn run(&mut self, shared: &Arc<Shared>) -> Result<(), ReadIndexError> {
        if let Self::Found(left) = self {
            let (left, recovering) = (std::mem::take(left), Arc::clone(shared));
            let begun = shared.operations.begin(async move { recovering.recover(left).await });
            *self = begun.map_or(Self::Failed, Self::Running);
        }
        if let Self::Running(running) = self {
            let ended = running.await.unwrap_or(Err(ReadIndexError::Stopped));
            *self = if ended.is_ok() { Self::Done } else { Self::Failed };
            return ended;
        }
        match self {
            Self::Done => Ok(()),
            Self::Found(_) | Self::Running(_) | Self::Failed => Err(ReadIndexError::Stopped),
        }
    }
}

impl Shared {
    /// Makes the objects know the chunks that the last run left open: from here on all that was acknowledged can be
    /// read. Then closes these chunks. What cannot be closed yet, because the disk is full, say, is closed by the
    /// next operation on its object, which reports why if it cannot.
    pub(super) async fn recover(self: &Arc<Self>, left: Vec<Recovered>) -> Result<(), ReadIndexError> {
        let mut objects: Vec<Arc<Object>> = Vec::new();
        for Recovered { chunk, outcome } in left {
            let file = outcome.map_or(LeftFile::Lost, |open| LeftFile::Open(Box::new(open)));
            let object = self.recover_chunk(chunk, file).await?;
            objects.extend(object);
        }
        self.is_ready.store(true, Ordering::Release);
        for some in objects.chunks(AT_ONCE) {
            let begun: Vec<_> = some.iter().map(|object| self.settle_recovered(object)).collect();
            for ended in begun.into_iter().flatten() {
                // An error is the next operation's to report.
                let _: Result<Result<(), Halt>, _> = ended.await;
            }
        }
        Ok(())
    }

    /// One chunk of the last run; its object, if something is to be done with it.
    async fn recover_chunk(
        &self,
        chunk: ChunkId,
        file: LeftFile,
    ) -> Result<Option<Arc<Object>>, ReadIndexError> {
        let catalog = self.facts.catalog().map_err(|_| ReadIndexError::Stopped)?.clone();
        let found = move || -> Result<_, CatalogError> {
            let committed = catalog.chunks(chunk.object, chunk.number, 1)?.into_iter().next();
            let committed = committed.map(|(_, row)| row.chunk).filter(|row| row.id(chunk.object) == chunk);
            Ok((catalog.object(chunk.object)?, committed, chunks_of(&catalog, chunk.object)?))
        };
        let found = self.readers.run(found).await.ok_or(ReadIndexError::Stopped)?;
        let (row, committed, mut chunks) = found.map_err(ReadIndexError::Catalog)?;
        let Some(row) = row else { return Ok(None) };
        if chunk.number == ChunkNumber::MANIFEST {
            self.recover_manifest(chunk, file, committed).await;
            return Ok(None);
        }
        let is_open =
            row.open_chunk.is_some_and(|open| (open.number, open.epoch) == (chunk.number, chunk.epoch));
        if !is_open && committed.is_none() {
            // Nobody needs it. It stays, since it may be evidence of what went wrong.
            return Ok(None);
        }
        chunks.retain(|closed| closed.number != chunk.number);
        let mut view = View { chunks: Arc::new(chunks), ..View::default() };
        match &file {
            LeftFile::Open(open) => {
                open.tail().acknowledge(open.end());
                view.tail = Some(open.tail());
            }
            LeftFile::Absent | LeftFile::Lost => view.lost = Some(chunk),
        }
        let left = Some(Left { id: chunk, file, committed });
        let writer = Writer { left, ..Writer::new(row.epoch, false) };
        Ok(Some(self.keep(Object::new(chunk.object, writer, view))))
    }

    /// A manifest is either committed, or nobody needs it: only its own process could have committed it.
    async fn recover_manifest(&self, chunk: ChunkId, file: LeftFile, committed: Option<ClosedChunk>) {
        match (file, committed) {
            (LeftFile::Open(open), Some(committed)) => {
                let (store, journal) = (self.store.clone(), self.journal.clone());
                let close = move || {
                    let closed = store.close(*open, &committed);
                    journal.forget(chunk);
                    closed
                };
                // What is not closed now is at the next start.
                drop(self.writers.run(close).await);
            }
            (_, None) => self.give_up(chunk).await,
            (LeftFile::Absent | LeftFile::Lost, Some(_)) => {}
        }
    }

    fn settle_recovered(
        self: &Arc<Self>,
        object: &Arc<Object>,
    ) -> Option<oneshot::Receiver<Result<(), Halt>>> {
        let (shared, object) = (Arc::clone(self), Arc::clone(object));
        let settle = async move {
            let mut writer = object.writer.lock().await;
            shared.close_current(&object, &mut writer).await
        };
        self.operations.begin(settle).ok()
    }
}
