//! A member's side of every chunk that it holds.
//!
//! INVARIANTS
//! - What is answered is durable: answers wait for the batch that has what they speak of.
//! - After the promise to an epoch was answered, the chunk grows by nothing but that epoch's fills. Crashes do not end
//!   the promise; only the committed chunk does.
//! - A chunk's records are those of its one owner, in order and without a hole: the chunk file takes no others.

use super::closing::Closed;
use super::effect::{Answer, Effect};
use super::frames::Frames;
use super::message::{Append, Bytes, Fill, Held, Message, Refused};
use super::options::Rules;
use super::shelf::{Found, Settled, Shelf};
use crate::catalog::{Catalog, CatalogError};
use crate::chunk::disk::DiskError;
use crate::chunk::{AppendError, ChunkHeader, ClosedChunk, CreateError, FileError};
use crate::id::{ChunkId, Epoch, MemberId};
use std::collections::{BTreeMap, BTreeSet};

/// Most bytes of records in one message.
pub(crate) const FRAMES_BYTES_MAX: usize = 1 << 20;

/// Why a member must end.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// A sync failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The facts cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// The copies of one member.
#[derive(Debug)]
pub(crate) struct Replica {
    fences: BTreeMap<ChunkId, Epoch>,
    damaged: BTreeSet<ChunkId>,
    /// Answers that wait for the next batch.
    waiting: BTreeSet<Waiting>,
    /// Answers that wait for the batch that is under way, with what it makes durable.
    pending: Vec<Pending>,
    /// Why the last chunk that was to be closed was not.
    hindrance: Option<Answer>,
    rules: Rules,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Waiting {
    Appended { to: MemberId, chunk: ChunkId },
    Held { to: MemberId, chunk: ChunkId, epoch: Epoch },
}

#[derive(Debug)]
enum Pending {
    Appended { to: MemberId, chunk: ChunkId, records: u32 },
    Held { to: MemberId, chunk: ChunkId, epoch: Epoch, held: Held },
}

impl Replica {
    pub(crate) fn new(found: Found, rules: Rules) -> Self {
        let Found { damaged, missing, fences, .. } = found;
        let damaged = damaged.into_iter().chain(missing).collect();
        Self { fences, damaged, waiting: BTreeSet::new(), pending: Vec::new(), hindrance: None, rules }
    }

    /// Records from an owner.
    pub(crate) fn append(
        &mut self,
        shelf: &mut Shelf,
        catalog: &Catalog,
        from: MemberId,
        append: Append,
    ) -> Result<Option<Effect>, TailError> {
        let Append { chunk, first, frames, durable_offset } = append;
        let id = chunk.id;
        let refusal = match self.fences.get(&id).filter(|_| self.rules.keeps_promises) {
            Some(by) => Some(Refused::Fenced { by: *by }),
            None => self.refusal(shelf, catalog, id)?,
        };
        if let Some(why) = refusal {
            return Ok(Some(refuse(from, id, why)));
        }
        if shelf.records(id).is_none() && first > 0 {
            return Ok(Some(send(from, Message::Appended { chunk: id, records: 0 })));
        }
        if shelf.is_scarce() {
            return Ok(Some(refuse(from, id, Refused::NoRoom)));
        }
        if let Some(why) = write(shelf, chunk, first, &frames)? {
            return Ok(Some(refuse(from, id, why)));
        }
        if let Some(tail) = shelf.tail(id) {
            tail.acknowledge(durable_offset);
        }
        self.waiting.insert(Waiting::Appended { to: from, chunk: id });
        Ok(None)
    }

    /// Somebody ends the chunk.
    pub(crate) fn fence(
        &mut self,
        shelf: &mut Shelf,
        catalog: &Catalog,
        from: MemberId,
        (chunk, epoch): (ChunkId, Epoch),
    ) -> Result<Option<Effect>, TailError> {
        if let Some(why) = self.refusal(shelf, catalog, chunk)? {
            return Ok(Some(refuse(from, chunk, why)));
        }
        match self.fences.get(&chunk) {
            Some(by) if *by > epoch => return Ok(Some(refuse(from, chunk, Refused::Fenced { by: *by }))),
            Some(by) if *by == epoch => {}
            Some(_) | None => {
                shelf.fence(chunk, epoch);
                self.fences.insert(chunk, epoch);
            }
        }
        self.waiting.insert(Waiting::Held { to: from, chunk, epoch });
        Ok(None)
    }

    /// Records from who ends the chunk.
    pub(crate) fn fill(
        &mut self,
        shelf: &mut Shelf,
        catalog: &Catalog,
        from: MemberId,
        fill: Fill,
    ) -> Result<Option<Effect>, TailError> {
        let Fill { chunk, epoch, first, frames } = fill;
        let id = chunk.id;
        if let Some(why) = self.refusal(shelf, catalog, id)? {
            return Ok(Some(refuse(from, id, why)));
        }
        match self.fences.get(&id) {
            Some(by) if *by == epoch => {}
            Some(by) => return Ok(Some(refuse(from, id, Refused::Fenced { by: *by }))),
            None => return Ok(Some(refuse(from, id, Refused::NotTaken))),
        }
        if let Some(why) = write(shelf, chunk, first, &frames)? {
            return Ok(Some(refuse(from, id, why)));
        }
        self.waiting.insert(Waiting::Held { to: from, chunk: id, epoch });
        Ok(None)
    }

    /// Records for who ends the chunk.
    pub(crate) fn fetch(
        &mut self,
        shelf: &Shelf,
        from: MemberId,
        (chunk, first): (ChunkId, u32),
    ) -> Result<Effect, TailError> {
        match shelf.frames(chunk, first, FRAMES_BYTES_MAX) {
            Ok(frames) => Ok(send(from, Message::Fetched { chunk, first, frames: Bytes::from(frames) })),
            Err(FileError::Damaged(_) | FileError::Missing { .. }) => {
                self.damaged.insert(chunk);
                Ok(refuse(from, chunk, Refused::Damaged))
            }
            Err(FileError::Disk(error)) => Err(error.into()),
        }
    }

    /// What a reader may see of an open chunk.
    pub(crate) fn tail(&self, shelf: &Shelf, from: MemberId, (chunk, offset): (ChunkId, u64)) -> Effect {
        let found = shelf.tail(chunk).and_then(|tail| {
            let frames = tail.acknowledged_frames(offset, FRAMES_BYTES_MAX).ok()?;
            Some(Message::Tail { chunk: *tail.header(), offset, frames: Bytes::from(frames) })
        });
        send(from, found.unwrap_or(Message::NoCopy { chunk }))
    }

    /// The chunk is committed: the open file becomes it, or goes. Whether this member has it closed already.
    pub(crate) fn settle(
        &mut self,
        shelf: &mut Shelf,
        id: ChunkId,
        committed: &ClosedChunk,
    ) -> Result<bool, TailError> {
        match shelf.settle(id, committed) {
            Settled::Closing | Settled::Later => return Ok(false),
            Settled::Nothing => self.finish(shelf, id),
        }
        Ok(shelf.store().is_closed(id)?)
    }

    /// The open file of a committed chunk has become it, or is gone. False when the disk did not take that.
    pub(crate) fn closed(&mut self, shelf: &mut Shelf, closed: Closed) -> bool {
        let id = closed.chunk;
        match shelf.closed(closed) {
            Ok(()) => {
                self.hindrance = None;
                self.finish(shelf, id);
                true
            }
            Err(error) => {
                self.hindrance = Some(if error.is_full() { Answer::NoRoom } else { Answer::NotTaken });
                false
            }
        }
    }

    /// No promise is needed any more.
    fn finish(&mut self, shelf: &mut Shelf, id: ChunkId) {
        self.fences.remove(&id);
        self.damaged.remove(&id);
        shelf.unfence(id);
    }

    /// The chunk was neither committed nor can it be.
    pub(crate) fn discard(&mut self, shelf: &mut Shelf, id: ChunkId) -> Result<(), TailError> {
        match shelf.discard(id) {
            Ok(()) | Err(DiskError::Io { .. }) => {}
            Err(fatal @ DiskError::Fatal(_)) => return Err(fatal.into()),
        }
        if shelf.records(id).is_none() {
            self.fences.remove(&id);
        }
        Ok(())
    }

    /// A batch begins: what is written until here becomes durable with it.
    pub(crate) fn begin(&mut self, shelf: &Shelf) {
        for waiting in std::mem::take(&mut self.waiting) {
            self.pending.extend(match waiting {
                Waiting::Appended { to, chunk } => {
                    shelf.records(chunk).map(|records| Pending::Appended { to, chunk, records })
                }
                // It is final; who asks again is told so.
                Waiting::Held { chunk, .. } if shelf.is_closing(chunk) => None,
                Waiting::Held { to, chunk, epoch } => {
                    let held = shelf.closing(chunk).map_or(Held::Nothing, Held::Records);
                    Some(Pending::Held { to, chunk, epoch, held })
                }
            });
        }
    }

    /// The batch is durable: the answers that waited for it.
    pub(crate) fn end(&mut self, shelf: &Shelf) -> Vec<Effect> {
        let answer = |pending| match pending {
            // The chunk is final meanwhile.
            Pending::Appended { chunk, .. } | Pending::Held { chunk, held: Held::Records(_), .. }
                if shelf.records(chunk).is_none() =>
            {
                None
            }
            Pending::Appended { to, chunk, records } => Some(send(to, Message::Appended { chunk, records })),
            Pending::Held { to, chunk, epoch, held } => Some(match shelf.is_fenced(chunk, epoch) {
                true => send(to, Message::Held { chunk, epoch, held }),
                // The disk has not taken the promise; who asked for it asks again.
                false if shelf.is_full() => refuse(to, chunk, Refused::NoRoom),
                false => refuse(to, chunk, Refused::NotTaken),
            }),
        };
        std::mem::take(&mut self.pending).into_iter().filter_map(answer).collect()
    }

    /// Why a chunk could not be closed.
    pub(crate) fn hindrance(&self) -> Option<&Answer> {
        self.hindrance.as_ref()
    }

    /// Whether answers wait for a batch.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn refusal(
        &self,
        shelf: &Shelf,
        catalog: &Catalog,
        chunk: ChunkId,
    ) -> Result<Option<Refused>, TailError> {
        if self.damaged.contains(&chunk) {
            return Ok(Some(Refused::Damaged));
        }
        if shelf.records(chunk).is_some() {
            return Ok(None);
        }
        let committed = catalog.chunks(chunk.object, chunk.number, 1)?;
        let is_committed = committed.first().is_some_and(|(number, _)| *number == chunk.number);
        let is_closed = is_committed || shelf.store().is_closed(chunk)?;
        Ok(is_closed.then_some(Refused::Closed))
    }
}

/// Writes records that were sent; why not, when not.
fn write(
    shelf: &mut Shelf,
    chunk: ChunkHeader,
    first: u32,
    frames: &Frames,
) -> Result<Option<Refused>, TailError> {
    let Some(records) = frames.records(&chunk, first) else { return Ok(Some(Refused::NotTaken)) };
    if shelf.records(chunk.id).is_none() {
        match shelf.create(chunk) {
            Ok(()) => {}
            Err(CreateError::Disk(fatal @ DiskError::Fatal(_))) => return Err(fatal.into()),
            Err(CreateError::Disk(error @ DiskError::Io { .. })) => return Ok(Some(not_taken(&error))),
            Err(CreateError::Exists { .. }) => return Ok(Some(Refused::NotTaken)),
        }
    }
    match shelf.write(chunk.id, &records) {
        // Behind a gap nothing is written; the answer says how much is held.
        Ok(()) | Err(AppendError::Gap { .. }) => Ok(None),
        Err(AppendError::Disk(fatal @ DiskError::Fatal(_))) => Err(fatal.into()),
        Err(AppendError::Disk(error @ DiskError::Io { .. })) => Ok(Some(not_taken(&error))),
        Err(AppendError::Conflict { .. } | AppendError::Full { .. }) => Ok(Some(Refused::NotTaken)),
    }
}

fn not_taken(error: &DiskError) -> Refused {
    if error.is_full() { Refused::NoRoom } else { Refused::NotTaken }
}

pub(crate) fn send(to: MemberId, message: Message) -> Effect {
    Effect::Send { to, message }
}

fn refuse(to: MemberId, chunk: ChunkId, why: Refused) -> Effect {
    send(to, Message::Refused { chunk, why })
}
