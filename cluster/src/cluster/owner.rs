//! What an object's owner commits: ownership, and chunks as they are opened and closed.

use super::errors::{Halt, WriteFailure};
use super::object::{Current, Left, LeftFile, Object, Writer};
use super::shared::{Shared, chunks_of};
use crate::catalog::{
    CloseChunk, Command, ObjectRow, ObjectState, OpenChunk, OpenChunkFact, Outcome, SealFacts,
};
use crate::chunk::{self, ChunkHeader, ClosedChunk, MANIFEST_CHUNKS_MAX, RecordSealer};
use crate::facts::SubmitError;
use crate::id::{ChunkId, ChunkNumber, Epoch};
use std::sync::Arc;

impl Shared {
    /// Makes this process the owner of an object: a new owner, who continues no chunk of an older one.
    ///
    /// That is needed once for each object after a start, and again after a command whose outcome is unknown: what
    /// the catalog says then is true, whatever this process believes.
    pub(super) async fn own(&self, object: &Object, writer: &mut Writer) -> Result<(), Halt> {
        if let Some(facts) = writer.sealed {
            return Err(Halt::Sealed { object: object.id, facts });
        }
        if writer.is_owner {
            return Ok(());
        }
        writer.leave_current();
        self.facts.read_index().await?;
        let catalog = self.facts.catalog().map_err(|_| Halt::NotReady)?;
        let row = catalog.object(object.id)?.ok_or(Halt::ObjectUnknown { object: object.id })?;
        if let ObjectState::Sealed(facts) = row.state {
            return Err(self.find_sealed(object, writer, facts).await);
        }
        let open_chunk = self.take_over(object, &row).await?;
        writer.epoch = next(row.epoch);
        let (catalog, id) = (catalog.clone(), object.id);
        let chunks = self.readers.run(move || chunks_of(&catalog, id)).await.ok_or(Halt::Stopped)??;
        if let Some(manifest) = compare_open_chunk(object, writer, open_chunk, chunks.last()) {
            self.give_up(manifest).await;
        }
        // The view holds no chunk that is committed and whose file is still open.
        let files_closed = chunks
            .into_iter()
            .filter(|chunk| writer.left.as_ref().is_none_or(|left| left.id != chunk.id(object.id)));
        let files_closed: Vec<ClosedChunk> = files_closed.collect();
        object.change_view(|view| {
            view.chunks = Arc::new(files_closed);
            view.tail = view.tail.take().filter(|_| writer.left.is_some());
        });
        writer.is_owner = true;
        Ok(())
    }

    async fn take_over(&self, object: &Object, row: &ObjectRow) -> Result<Option<OpenChunkFact>, Halt> {
        let (epoch, owner) = (next(row.epoch), self.facts.member());
        let take_over = Command::TakeOver { object: object.id, epoch, owner };
        let actual = self.facts.submit(take_over).await?;
        let Outcome::TakenOver { open_chunk } = actual else {
            return Err(WriteFailure::Outcome { expected: "a takeover", actual }.into());
        };
        Ok(open_chunk)
    }

    /// Removes the file of a manifest that will not be committed. One that stays is removed at the next start.
    pub(super) async fn give_up(&self, manifest: ChunkId) {
        let (store, journal) = (self.store.clone(), self.journal.clone());
        let remove = move || {
            let removed = store.delete_open(manifest);
            journal.forget(manifest);
            removed
        };
        let _: Option<Result<(), chunk::DiskError>> = self.writers.run(remove).await;
    }

    /// The object was sealed by a command of this process whose outcome was unknown.
    async fn find_sealed(&self, object: &Object, writer: &mut Writer, facts: SealFacts) -> Halt {
        writer.sealed = Some(facts);
        match self.finish_seal(object, writer).await {
            Ok(()) => Halt::Sealed { object: object.id, facts },
            Err(halt) => halt,
        }
    }

    /// Closes the chunk that takes no more records: first as a fact, then as a file.
    pub(super) async fn settle(&self, object: &Object, writer: &mut Writer) -> Result<(), Halt> {
        let Some(Left { id, file, committed }) = writer.left.take() else { return Ok(()) };
        let open = match file {
            LeftFile::Open(open) => open,
            LeftFile::Absent => {
                writer.left = Some(Left { id, file: LeftFile::Absent, committed });
                let store = self.store.clone();
                let header = ChunkHeader { id, offset: object.view().closed_end() };
                Box::new(self.writers.run(move || store.create(header)).await.ok_or(Halt::Stopped)??)
            }
            LeftFile::Lost => {
                writer.left = Some(Left { id, file: LeftFile::Lost, committed });
                return Err(WriteFailure::Lost { chunk: id }.into());
            }
        };
        // INVARIANT: all that a committed chunk holds is durable.
        let synced = self.writers.run(move || (open.sync(), open.closing(), open)).await;
        let (synced, closing, open) = synced.ok_or(Halt::Stopped)?;
        writer.left = Some(Left { id, file: LeftFile::Open(open), committed });
        synced.map_err(chunk::DiskError::from)?;
        let committed = match committed {
            Some(committed) => committed,
            None => {
                let command = CloseChunk { object: object.id, epoch: writer.epoch, chunk: closing };
                self.commit(writer, Command::CloseChunk(command)).await?;
                closing
            }
        };
        self.close_left(object, writer, committed).await
    }

    /// Makes the file of a chunk the committed one.
    async fn close_left(
        &self,
        object: &Object,
        writer: &mut Writer,
        committed: ClosedChunk,
    ) -> Result<(), Halt> {
        let Some(Left { id, file: LeftFile::Open(open), .. }) = writer.left.take() else {
            return Err(Halt::Stopped);
        };
        let (store, journal) = (self.store.clone(), self.journal.clone());
        let close = move || {
            store.close(*open, &committed)?;
            journal.forget(id);
            Ok(())
        };
        match self.writers.run(close).await.ok_or(Halt::Stopped)? {
            Ok(()) => {
                object.change_view(|view| {
                    Arc::make_mut(&mut view.chunks).push(committed);
                    view.tail = None;
                });
                Ok(())
            }
            Err(error) => Err(keep_left(writer, committed, error)),
        }
    }

    /// Opens the next chunk: first as a fact, then as a file.
    pub(super) async fn open_next(&self, object: &Object, writer: &mut Writer) -> Result<(), Halt> {
        let view = object.view();
        let limit = MANIFEST_CHUNKS_MAX;
        let number = u32::try_from(view.chunks.len()).ok().filter(|_| view.chunks.len() < limit);
        let number = ChunkNumber(number.ok_or(Halt::ObjectFull { object: object.id, limit })?);
        let id = ChunkId { object: object.id, number, epoch: writer.epoch };
        let header = ChunkHeader { id, offset: view.closed_end() };
        let key = self.kept_key(object)?;
        self.commit_open(writer, id).await?;
        writer.left = Some(Left { id, file: LeftFile::Absent, committed: None });
        let store = self.store.clone();
        let create = move || -> Result<Current, WriteFailure> {
            let sealer = RecordSealer::new(&key, header).map_err(chunk::StoreManifestError::from)?;
            Ok(Current { open: store.create(header)?, cutter: chunk::Writer::new(sealer) })
        };
        let current = self.writers.run(create).await.ok_or(Halt::Stopped)??;
        writer.left = None;
        object.change_view(|view| view.tail = Some(current.open.tail()));
        writer.current = Some(current);
        Ok(())
    }

    /// Commits that a chunk begins, on this member.
    pub(super) async fn commit_open(&self, writer: &mut Writer, id: ChunkId) -> Result<(), Halt> {
        let ChunkId { object, number, epoch } = id;
        let members = vec![self.facts.member()];
        let command = Command::OpenChunk(OpenChunk { object, number, epoch, members });
        self.commit(writer, command).await.map(|_| ())
    }

    /// Submits a command of an owner. After any error this process is no owner before it has asked the catalog.
    pub(super) async fn commit(&self, writer: &mut Writer, command: Command) -> Result<Outcome, Halt> {
        let outcome: Result<Outcome, SubmitError> = self.facts.submit(command).await;
        if outcome.is_err() {
            writer.is_owner = false;
        }
        Ok(outcome?)
    }
}

/// Brings what this process holds of the chunk that was open together with what the catalog says. Returns a
/// manifest that is to be given up: nothing of it was acknowledged, and the next one is another chunk.
fn compare_open_chunk(
    object: &Object,
    writer: &mut Writer,
    open_chunk: Option<OpenChunkFact>,
    last: Option<&ClosedChunk>,
) -> Option<ChunkId> {
    let Some(OpenChunkFact { number, epoch, .. }) = open_chunk else {
        if let Some(left) = &mut writer.left {
            left.committed = last.filter(|last| last.id(object.id) == left.id).copied();
        }
        return None;
    };
    let id = ChunkId { object: object.id, number, epoch };
    if number == ChunkNumber::MANIFEST {
        writer.manifest = None;
        return Some(id);
    }
    if writer.left.as_ref().is_none_or(|left| left.id != id) {
        writer.left = Some(Left { id, file: LeftFile::Absent, committed: None });
    }
    None
}

/// A file that could not be closed is kept for the next attempt.
fn keep_left(writer: &mut Writer, committed: ClosedChunk, error: chunk::CloseError) -> Halt {
    match error {
        chunk::CloseError::Disk { open, source } => {
            let id = open.id();
            let file = LeftFile::Open(open);
            writer.left = Some(Left { id, file, committed: Some(committed) });
            source.into()
        }
        chunk::CloseError::Mismatch { open, expected, actual } => {
            let id = open.id();
            writer.left = Some(Left { id, file: LeftFile::Lost, committed: Some(committed) });
            chunk::CloseError::Mismatch { open, expected, actual }.into()
        }
    }
}

fn next(epoch: Epoch) -> Epoch {
    Epoch(epoch.0.saturating_add(1))
}
