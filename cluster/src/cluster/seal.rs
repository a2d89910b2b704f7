//! Seals and interruptions.

use super::errors::{Halt, SealError, WriteFailure};
use super::object::{Object, Writer};
use super::shared::Shared;
use crate::catalog::{Command, Outcome, Seal, SealFacts};
use crate::chunk::{CloseError, ClosedChunk, Hash, Manifest, OpenChunk};
use crate::id::{ChunkId, ChunkNumber, ObjectId};
use std::sync::Arc;

/// A manifest whose file is written.
struct Stored {
    open: Box<OpenChunk>,
    root: Hash,
    length: u64,
    chunk_count: u32,
}

impl Shared {
    /// Makes an object final.
    pub(super) async fn seal(self: Arc<Self>, id: ObjectId) -> Result<SealFacts, SealError> {
        let object = match self.object(id).await {
            Ok(object) => object,
            Err(Halt::Sealed { facts, .. }) => return Ok(facts),
            Err(halt) => return Err(halt.into()),
        };
        let _place = object.wait()?;
        let mut writer = object.writer.lock().await;
        match self.seal_object(&object, &mut writer).await {
            Ok(facts) | Err(Halt::Sealed { facts, .. }) => {
                self.finish_seal(&object, &mut writer).await?;
                Ok(facts)
            }
            Err(halt) => Err(halt.into()),
        }
    }

    async fn seal_object(&self, object: &Object, writer: &mut Writer) -> Result<SealFacts, Halt> {
        self.close_current(object, writer).await?;
        let id = ChunkId { object: object.id, number: ChunkNumber::MANIFEST, epoch: writer.epoch };
        let key = self.kept_key(object)?;
        self.commit_open(writer, id).await?;
        // Until the seal is committed, only a new owner can open another manifest or chunk.
        writer.is_owner = false;
        let (store, chunks) = (self.store.clone(), object.view().chunks.to_vec());
        let gather = move || -> Result<Stored, WriteFailure> {
            let chunk_count = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
            let manifest = Manifest::gather(&store, id.object, chunks)?;
            let open = Box::new(manifest.store(&store, &key, id.epoch)?);
            Ok(Stored { open, root: manifest.root(), length: manifest.plaintext_bytes(), chunk_count })
        };
        let stored = self.writers.run(gather).await.ok_or(Halt::Stopped)??;
        let Stored { open, root, length, chunk_count } = stored;
        let manifest = open.closing();
        writer.manifest = Some(*open);
        let seal = Seal { object: object.id, epoch: id.epoch, manifest, root, length, chunk_count };
        let actual = self.commit(writer, Command::Seal(seal)).await?;
        if !matches!(actual, Outcome::Sealed { .. }) {
            return Err(WriteFailure::Outcome { expected: "a seal", actual }.into());
        }
        let facts = SealFacts { manifest_hash: manifest.hash, root, length, chunk_count };
        writer.sealed = Some(facts);
        Ok(facts)
    }

    /// Makes the manifest's file the committed one and lets go of the object.
    pub(super) async fn finish_seal(&self, object: &Object, writer: &mut Writer) -> Result<(), Halt> {
        if let Some(open) = writer.manifest.take() {
            let catalog = self.facts.catalog().map_err(|_| Halt::NotReady)?;
            let row = catalog.chunks(object.id, ChunkNumber::MANIFEST, 1)?;
            let committed: Option<ClosedChunk> = row.into_iter().next().map(|(_, row)| row.chunk);
            let committed = committed.ok_or(WriteFailure::Lost { chunk: open.id() })?;
            let (store, journal) = (self.store.clone(), self.journal.clone());
            let close = move || {
                let id = open.id();
                store.close(open, &committed)?;
                journal.forget(id);
                Ok(())
            };
            match self.writers.run(close).await.ok_or(Halt::Stopped)? {
                Ok(()) => {}
                Err(CloseError::Disk { open, source }) => {
                    writer.manifest = Some(*open);
                    return Err(source.into());
                }
                Err(mismatch @ CloseError::Mismatch { .. }) => return Err(mismatch.into()),
            }
        }
        self.forget(object.id);
        Ok(())
    }

    /// Notes that a recorder is away.
    pub(super) async fn interrupt(self: Arc<Self>, id: ObjectId) -> Result<(), SealError> {
        let object = self.object(id).await?;
        let _place = object.wait()?;
        let mut writer = object.writer.lock().await;
        self.close_current(&object, &mut writer).await?;
        let interrupt = Command::Interrupt { object: id, epoch: writer.epoch };
        self.commit(&mut writer, interrupt).await?;
        Ok(())
    }

    /// Closes what is open of an object.
    pub(super) async fn close_current(&self, object: &Object, writer: &mut Writer) -> Result<(), Halt> {
        self.own(object, writer).await?;
        self.settle(object, writer).await?;
        writer.leave_current();
        self.settle(object, writer).await
    }
}
