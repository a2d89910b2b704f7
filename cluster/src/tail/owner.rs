//! One object under one epoch: its owner opens chunks, appends to them, acknowledges, and ends them.
//!
//! INVARIANTS
//! - The epoch was committed by this very process, and each chunk of it before its first byte.
//! - One chunk is open at a time; the next one is opened when the end of the one before is committed.
//! - After an answer of the facts that is not a plain yes this process is the owner no more: [`Owner::is_over`].
//! - The durable offset never goes back. Nobody is told it before this epoch has opened a chunk; and who asks for it,
//!   rather than appends, is told after a read index: a newer owner may have told more meanwhile, while an append is
//!   only answered when enough members took its bytes from this owner.

mod requests;

use super::effect::{Answer, RequestNumber, Ticket, Told};
use super::ending::Ending;
use super::options::acknowledge_quorum;
use super::stream::Stream;
use super::takeover::Owned;
use super::turn::{ChosenBy, Turn};
use crate::catalog::{CloseChunk, Command, GAP_MS_MIN, OpenChunk, OpenChunkLate, Outcome, Seal, SealFacts};
use crate::chunk::key::DataKey;
use crate::chunk::{ChunkHeader, ClosedChunk, MANIFEST_CHUNKS_MAX, Manifest, disk_size};
use crate::id::{ChunkId, ChunkNumber, Epoch, MemberId, ObjectId};
use std::sync::Arc;

/// An object at its owner.
#[derive(Debug)]
pub(crate) struct Owner {
    object: ObjectId,
    epoch: Epoch,
    key: Arc<DataKey>,
    stage: Stage,
    /// The number of the next chunk.
    number: ChunkNumber,
    durable_offset: u64,
    /// Whether the durable offset may be told.
    is_confirmed: bool,
    /// The bytes behind the durable offset, and how many of them are in records of the open chunk.
    bytes: Vec<u8>,
    cut: usize,
    waiting: Vec<Waiting>,
    wish: Option<Wish>,
    used_ms: u64,
    /// Since when the first of the bytes have waited.
    waiting_ms: Option<u64>,
}

#[derive(Debug)]
enum Stage {
    /// No chunk is open.
    Idle,
    /// Waits until the chunk is committed.
    Opening { ticket: Ticket, chunk: ChunkHeader, members: Vec<MemberId>, by: ChosenBy },
    /// The chunk takes records.
    Open(Box<Stream>),
    /// The chunk takes no more.
    Ending(Box<Ending>),
    /// Waits until its end is committed.
    Closing { ticket: Ticket, chunk: ClosedChunk },
    /// Waits until the object is interrupted.
    Interrupting { ticket: Ticket },
    /// Waits until the object is sealed.
    Sealing { ticket: Ticket, facts: SealFacts },
    /// This process is the owner no more.
    Over,
}

/// A request that waits until all bytes up to `end` are durable, or until this process is known to be the owner.
#[derive(Debug)]
struct Waiting {
    request: RequestNumber,
    end: u64,
    confirming: Option<Ticket>,
    kind: WaitingKind,
}

#[derive(Debug, Clone, Copy)]
enum WaitingKind {
    /// An append, or a question for the durable offset.
    Plain,
    /// Its bytes begin where others are durable already.
    Behind,
    /// Its bytes begin behind the last ones.
    Gap,
}

/// What is to be done once all bytes are durable.
#[derive(Debug)]
struct Wish {
    kind: WishKind,
    requests: Vec<RequestNumber>,
}

#[derive(Debug)]
enum WishKind {
    Interrupt,
    Seal {
        /// The manifest of all closed chunks, once they are at hand.
        manifest: Option<Box<Manifest>>,
    },
}

impl Owner {
    pub(crate) fn new(object: ObjectId, owned: Owned, key: Arc<DataKey>, now_ms: u64) -> Self {
        let Owned { epoch, number, offset } = owned;
        Self {
            object,
            epoch,
            key,
            stage: Stage::Idle,
            number,
            durable_offset: offset,
            is_confirmed: false,
            bytes: Vec::new(),
            cut: 0,
            waiting: Vec::new(),
            wish: None,
            used_ms: now_ms,
            waiting_ms: None,
        }
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether this process is the owner no more.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Leaves the object; all that wait are told that nothing is known.
    pub(crate) fn leave(&mut self, turn: &mut Turn<'_>) {
        self.stage = Stage::Over;
        let wishes = self.wish.take().map(|wish| wish.requests).unwrap_or_default();
        let waiting = std::mem::take(&mut self.waiting).into_iter().map(|waiting| waiting.request);
        for request in waiting.chain(wishes) {
            turn.answer(request, Answer::Unknown);
        }
    }

    /// Whether the manifest is what it waits for.
    pub(crate) fn lacks_manifest(&self) -> bool {
        let is_wanted = matches!(&self.wish, Some(Wish { kind: WishKind::Seal { manifest: None }, .. }));
        is_wanted && self.bytes.is_empty() && matches!(self.stage, Stage::Idle)
    }

    /// Whether it is to be sealed, for which all closed chunks must be here.
    pub(crate) fn is_sealing(&self) -> bool {
        matches!(&self.wish, Some(Wish { kind: WishKind::Seal { .. }, .. }))
    }

    /// The manifest of all closed chunks.
    pub(crate) fn gathered(&mut self, gathered: Manifest, turn: &mut Turn<'_>) {
        if self.lacks_manifest()
            && let Some(Wish { kind: WishKind::Seal { manifest }, .. }) = &mut self.wish
        {
            *manifest = Some(Box::new(gathered));
            self.step(turn);
        }
    }

    pub(crate) fn waits_for(&self, ticket: Ticket) -> bool {
        self.waiting.iter().any(|waiting| waiting.confirming == Some(ticket)) || self.is_at(ticket)
    }

    /// The chunk that bytes are in which are not closed, and up to where they are durable.
    pub(crate) fn acknowledged(&self) -> Option<(ChunkId, u64)> {
        let chunk = match &self.stage {
            Stage::Open(stream) => stream.header().id,
            Stage::Ending(ending) => ending.chunk().id,
            Stage::Closing { chunk, .. } => chunk.id(self.object),
            Stage::Idle
            | Stage::Opening { .. }
            | Stage::Interrupting { .. }
            | Stage::Sealing { .. }
            | Stage::Over => return None,
        };
        Some((chunk, self.durable_offset))
    }

    /// The chunk that is final once this ticket is applied.
    pub(crate) fn closes(&self, ticket: Ticket) -> Option<ChunkNumber> {
        match &self.stage {
            Stage::Closing { ticket: own, chunk } if *own == ticket => Some(chunk.number),
            Stage::Sealing { ticket: own, .. } if *own == ticket => Some(ChunkNumber::MANIFEST),
            Stage::Idle
            | Stage::Opening { .. }
            | Stage::Open(_)
            | Stage::Ending(_)
            | Stage::Closing { .. }
            | Stage::Interrupting { .. }
            | Stage::Sealing { .. }
            | Stage::Over => None,
        }
    }

    fn is_at(&self, ticket: Ticket) -> bool {
        match &self.stage {
            Stage::Opening { ticket: own, .. }
            | Stage::Closing { ticket: own, .. }
            | Stage::Interrupting { ticket: own }
            | Stage::Sealing { ticket: own, .. } => *own == ticket,
            Stage::Idle | Stage::Open(_) | Stage::Ending(_) | Stage::Over => false,
        }
    }

    /// The facts have answered.
    pub(crate) fn told(&mut self, ticket: Ticket, told: Told, turn: &mut Turn<'_>) {
        if !self.is_at(ticket) {
            self.confirmed(ticket, &told, turn);
            return self.step(turn);
        }
        let (stage, is_applied) =
            (std::mem::replace(&mut self.stage, Stage::Idle), matches!(told, Told::Applied(Ok(_))));
        match (stage, told) {
            (Stage::Opening { chunk, members, by, .. }, _) if is_applied => {
                self.opened(chunk, &members, by, turn);
            }
            (Stage::Closing { chunk, .. }, _) if is_applied => {
                self.number = ChunkNumber(chunk.number.0.saturating_add(1));
                self.advance(chunk.end(), turn);
                self.cut = 0;
            }
            (Stage::Interrupting { .. }, _) if is_applied => {
                self.grant(Answer::Interrupted, turn);
                // Nothing of it is needed in memory until its recorder comes back.
                if self.waiting.is_empty() && self.bytes.is_empty() {
                    self.leave(turn);
                }
            }
            (Stage::Sealing { facts, .. }, Told::Applied(Ok(Outcome::Sealed { .. }))) => {
                self.grant(Answer::Sealed(facts), turn);
                self.leave(turn);
            }
            (stage @ (Stage::Idle | Stage::Open(_) | Stage::Ending(_)), _) => self.stage = stage,
            (
                Stage::Opening { .. }
                | Stage::Closing { .. }
                | Stage::Interrupting { .. }
                | Stage::Sealing { .. }
                | Stage::Over,
                _,
            ) => self.leave(turn),
        }
        self.step(turn);
    }

    fn opened(&mut self, chunk: ChunkHeader, members: &[MemberId], by: ChosenBy, turn: &mut Turn<'_>) {
        match (turn.around.options.rules.sealer)(&self.key, chunk) {
            Ok(sealer) => {
                let write_quorum = acknowledge_quorum(members.len(), turn.around.write_quorum());
                self.is_confirmed = true;
                self.cut = 0;
                let mut stream = Stream::new(sealer, (members, by), write_quorum, turn.now_ms);
                if let Some(Wish { kind: WishKind::Seal { manifest: Some(manifest) }, .. }) = &self.wish
                    && chunk.id.number == ChunkNumber::MANIFEST
                    && stream.push(&manifest.encode(), turn).is_err()
                {
                    return self.leave(turn);
                }
                self.stage = Stage::Open(Box::new(stream));
            }
            Err(_) => self.leave(turn),
        }
    }

    /// Bytes up to `offset` are durable.
    fn advance(&mut self, offset: u64, turn: &mut Turn<'_>) {
        let gained = usize::try_from(offset.saturating_sub(self.durable_offset)).unwrap_or(usize::MAX);
        self.bytes.drain(..gained.min(self.bytes.len()));
        self.cut = self.cut.saturating_sub(gained);
        self.durable_offset = self.durable_offset.max(offset);
        if gained > 0 {
            self.waiting_ms = Some(turn.now_ms).filter(|_| !self.bytes.is_empty());
        }
        self.answer(turn);
    }

    /// The chunk that is being written or ended.
    pub(crate) fn stream(&mut self) -> Option<&mut Stream> {
        match &mut self.stage {
            Stage::Open(stream) => Some(stream),
            Stage::Idle
            | Stage::Opening { .. }
            | Stage::Ending(_)
            | Stage::Closing { .. }
            | Stage::Interrupting { .. }
            | Stage::Sealing { .. }
            | Stage::Over => None,
        }
    }

    pub(crate) fn ending(&mut self) -> Option<&mut Ending> {
        match &mut self.stage {
            Stage::Ending(ending) => Some(ending),
            Stage::Idle
            | Stage::Opening { .. }
            | Stage::Open(_)
            | Stage::Closing { .. }
            | Stage::Interrupting { .. }
            | Stage::Sealing { .. }
            | Stage::Over => None,
        }
    }

    /// Time passes.
    pub(crate) fn tick(&mut self, turn: &mut Turn<'_>) {
        if let Some(stream) = self.stream() {
            stream.follow_layout(turn);
            stream.tick(turn);
        } else if let Some(ending) = self.ending() {
            ending.tick(turn);
        }
        let is_idle = turn.now_ms.saturating_sub(self.used_ms) > turn.around.options.idle_ms;
        if is_idle && self.wish.is_none() && matches!(self.stage, Stage::Open(_) | Stage::Idle) {
            self.wish = Some(Wish { kind: WishKind::Interrupt, requests: Vec::new() });
        }
        self.step(turn);
    }

    /// Does whatever can be done.
    pub(crate) fn step(&mut self, turn: &mut Turn<'_>) {
        match &mut self.stage {
            Stage::Idle => self.step_idle(turn),
            Stage::Open(_) => self.step_open(turn),
            Stage::Ending(ending) if ending.is_lost() => self.leave(turn),
            Stage::Ending(ending) => {
                if let Some(chunk) = ending.ended(turn) {
                    self.commit_end(chunk, turn);
                }
            }
            Stage::Opening { .. }
            | Stage::Closing { .. }
            | Stage::Interrupting { .. }
            | Stage::Sealing { .. }
            | Stage::Over => {}
        }
        self.answer(turn);
    }

    fn step_idle(&mut self, turn: &mut Turn<'_>) {
        let is_asked = !self.bytes.is_empty() || (!self.is_confirmed && !self.waiting.is_empty());
        match &self.wish {
            _ if is_asked => self.open(self.number, self.durable_offset, turn),
            Some(Wish { kind: WishKind::Interrupt, .. }) => {
                let idle_ms = turn.now_ms.saturating_sub(self.used_ms);
                let command = Command::LetGo { object: self.object, epoch: self.epoch, idle_ms };
                self.stage = Stage::Interrupting { ticket: turn.submit(command) };
            }
            Some(Wish { kind: WishKind::Seal { manifest: Some(_) }, .. }) => {
                self.open(ChunkNumber::MANIFEST, 0, turn);
            }
            Some(Wish { kind: WishKind::Seal { manifest: None }, .. }) | None => {}
        }
    }

    /// Commits that a chunk begins on members that are there.
    fn open(&mut self, number: ChunkNumber, offset: u64, turn: &mut Turn<'_>) {
        let is_listed = usize::try_from(number.0).is_ok_and(|number| number < MANIFEST_CHUNKS_MAX);
        if !is_listed && number != ChunkNumber::MANIFEST {
            return self.refuse(&Answer::Full { limit: MANIFEST_CHUNKS_MAX }, turn);
        }
        let Some(members) = turn.choose_members(self.object) else { return };
        let (object, epoch) = (self.object, self.epoch);
        let command = OpenChunk { object, number, epoch, members: members.clone() };
        let late_ms = self.waiting_ms.map_or(0, |since_ms| turn.now_ms.saturating_sub(since_ms));
        let command = match late_ms >= GAP_MS_MIN {
            true => Command::OpenChunkLate(OpenChunkLate { chunk: command, late_ms }),
            false => Command::OpenChunk(command),
        };
        let chunk = ChunkHeader { id: ChunkId { object, number, epoch }, offset };
        let by = turn.around.chosen_by();
        self.stage = Stage::Opening { ticket: turn.submit(command), chunk, members, by };
    }

    fn step_open(&mut self, turn: &mut Turn<'_>) {
        let Stage::Open(stream) = &mut self.stage else { return };
        let is_manifest = stream.header().id.number == ChunkNumber::MANIFEST;
        if !is_manifest {
            let is_closed_to_bytes = stream.is_broken() || stream.is_full(turn);
            let rest = self.bytes.get(self.cut..).unwrap_or_default();
            if !is_closed_to_bytes && !rest.is_empty() {
                match stream.push(rest, turn) {
                    Ok(taken) => self.cut += taken,
                    Err(_) => return self.leave(turn),
                }
            }
            let durable_offset = stream.durable_offset();
            self.advance(durable_offset, turn);
        }
        let Stage::Open(stream) = &self.stage else { return };
        let is_done = stream.durable_offset() == stream.end();
        let is_wanted = is_manifest || (self.wish.is_some() && self.bytes.is_empty());
        // A full chunk waits for its slower members as long as these are not lost: then no copy is made twice.
        let is_over = (stream.is_full(turn) || is_wanted) && is_done && stream.is_settled();
        if is_over || stream.is_broken() {
            let ending = Ending::new(*stream.header(), stream.members(), self.epoch, turn);
            self.stage = Stage::Ending(Box::new(ending));
            self.step(turn);
        }
    }

    /// Commits what the chunk ended as.
    fn commit_end(&mut self, chunk: ClosedChunk, turn: &mut Turn<'_>) {
        let (object, epoch) = (self.object, self.epoch);
        if chunk.number != ChunkNumber::MANIFEST {
            let command = Command::CloseChunk(CloseChunk { object, epoch, chunk });
            self.stage = Stage::Closing { ticket: turn.submit(command), chunk };
            return;
        }
        let Some(Wish { kind: WishKind::Seal { manifest: Some(manifest) }, .. }) = &self.wish else {
            return self.leave(turn);
        };
        // The longest prefix may be less than the whole manifest, of which nothing was acknowledged.
        if chunk.plaintext_bytes != disk_size(manifest.encode().len()) {
            return self.leave(turn);
        }
        let (root, length) = (manifest.root(), manifest.plaintext_bytes());
        let chunk_count = u32::try_from(manifest.chunks().len()).unwrap_or(u32::MAX);
        let seal = Seal { object, epoch, manifest: chunk, root, length, chunk_count };
        let facts = SealFacts { manifest_hash: chunk.hash, root, length, chunk_count };
        self.stage = Stage::Sealing { ticket: turn.submit(Command::Seal(seal)), facts };
    }
}
