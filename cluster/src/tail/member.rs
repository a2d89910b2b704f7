//! One member: the machines of its objects, its copies, and its reads.

mod amiss;
mod end;
mod layout;
mod overdue;
mod read;
mod repair;
mod reply;
mod surplus;
mod survey;

use super::effect::{Answer, Asked, Effect, Request, RequestNumber, Ticket, Told};
use super::message::Message;
use super::options::TailOptions;
use super::owner::Owner;
use super::reader::Reader;
use super::replica::{Replica, TailError};
use super::resync::Resync;
use super::shelf::{Found, Shelf};
use super::surplus::Surplus;
use super::takeover::{Owned, Taken, Takeover};
use super::turn::{Around, Turn};
use crate::catalog::{Catalog, Layout, ObjectState};
use crate::chunk::Keks;
use crate::chunk::key::{DataKey, WrappedKey};
use crate::id::{ChunkId, ChunkNumber, Epoch, MemberId, ObjectId};
use reply::Reply;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use survey::{Gathered, Survey};

/// Requests that wait for a takeover of their object.
const WAITING_MAX: usize = 16;

/// What a member is made of.
#[derive(Debug)]
pub struct MemberParts {
    /// Which member.
    pub member: MemberId,
    /// Its sizes and times.
    pub options: TailOptions,
    /// Its chunks.
    pub shelf: Shelf,
    /// What was found with them.
    pub found: Found,
    /// The facts as they are applied here.
    pub catalog: Catalog,
    /// The cluster's key.
    pub keks: Arc<Keks>,
}

/// The live tail of one member.
///
/// Every input takes the time, in milliseconds of a clock that only runs forward, and returns what is to be done. An
/// error ends the process: nothing that it wanted done may be done.
#[derive(Debug)]
pub struct Member {
    around: Around,
    shelf: Shelf,
    replica: Replica,
    catalog: Catalog,
    keks: Arc<Keks>,
    objects: BTreeMap<ObjectId, Role>,
    resync: Resync,
    surplus: Surplus,
    /// Waits until the cluster knows that this member is settled.
    settling: Option<Ticket>,
    readers: Vec<Reader>,
    survey: Survey,
    /// Whether a [`Effect::Sync`] is under way.
    is_syncing: bool,
    told_alive_ms: Option<u64>,
    /// What seals have been told, which waits until the files of their manifests are closed.
    sealing: Vec<(ChunkId, Ticket, Told)>,
    /// Waits until all is known that was committed before the start.
    starting: Option<Ticket>,
    is_ready: bool,
    /// Whether it owns nothing any more, since its process is about to end.
    is_leaving: bool,
    /// Recordings that look as if they had been interrupted for too long, and since when; and the wait for what is
    /// committed of them.
    overdue: BTreeMap<ObjectId, u64>,
    confirming_overdue: Option<Ticket>,
    /// Objects of which chunks were open at the start.
    found: BTreeSet<ObjectId>,
}

/// What this member is to an object.
#[derive(Debug)]
enum Role {
    TakingOver { takeover: Box<Takeover>, waiting: Vec<Asked> },
    Owner(Box<Owner>),
}

type Effects = Result<Vec<Effect>, TailError>;

impl Member {
    /// A member that has just started.
    pub fn new(parts: MemberParts) -> Self {
        let MemberParts { member, options, shelf, found, catalog, keks } = parts;
        let around = Around {
            me: member,
            peers: Vec::new(),
            layout: Layout::default(),
            wanted: 1,
            heard_ms: BTreeMap::new(),
            gone: BTreeSet::new(),
            options,
            last_ticket: 0,
        };
        let left = found.whole.iter().chain(&found.damaged).map(|chunk| chunk.object).collect();
        Self {
            replica: Replica::new(found, around.options.rules),
            around,
            shelf,
            catalog,
            keks,
            objects: BTreeMap::new(),
            resync: Resync::default(),
            surplus: Surplus::default(),
            settling: None,
            readers: Vec::new(),
            survey: Survey::default(),
            is_syncing: false,
            told_alive_ms: None,
            sealing: Vec::new(),
            starting: None,
            is_ready: false,
            is_leaving: false,
            overdue: BTreeMap::new(),
            confirming_overdue: None,
            found: left,
        }
    }

    /// A message of a member, this one included.
    pub fn receive(&mut self, from: MemberId, message: Message, now_ms: u64) -> Effects {
        self.around.heard_ms.insert(from, now_ms);
        let mut effects = Vec::new();
        match message {
            Message::Alive => drop(self.around.gone.remove(&from)),
            // It may yet answer what it is asked as a replica.
            Message::Gone => drop(self.around.gone.insert(from)),
            Message::Append(append) => {
                effects.extend(self.replica.append(&mut self.shelf, &self.catalog, from, append)?);
            }
            Message::Fence { chunk, epoch } => {
                let fence = (chunk.id, epoch);
                effects.extend(self.replica.fence(&mut self.shelf, &self.catalog, from, fence)?);
            }
            Message::Fill(fill) => {
                effects.extend(self.replica.fill(&mut self.shelf, &self.catalog, from, fill)?);
            }
            Message::Fetch { chunk, first } => {
                effects.push(self.replica.fetch(&self.shelf, from, (chunk, first))?);
            }
            Message::AskKept { stamp, chunks } => effects.push(self.keeps(from, stamp, &chunks)?),
            Message::Kept { stamp, chunks } => self.kept(from, stamp, &chunks)?,
            Message::AskTail { chunk, offset } => {
                effects.push(self.replica.tail(&self.shelf, from, (chunk, offset)));
            }
            Message::AskCopy { chunk } => effects.push(self.copy(from, chunk)?),
            Message::Copy { chunk, bytes } => {
                self.resync.copied(&mut self.shelf, chunk, &bytes);
                effects.extend(self.read_on(chunk, now_ms, |read, turn| read.copied(&bytes.0, turn)));
            }
            Message::NoCopy { chunk } => {
                let mut turn = Turn { now_ms, around: &mut self.around, effects };
                self.resync.missed(chunk, from, &mut turn);
                effects = turn.effects;
                effects.extend(self.read_on(chunk, now_ms, Reader::missed));
                effects = self.fetch_missing(effects, now_ms)?;
            }
            Message::Tail { chunk, offset, frames } => {
                effects
                    .extend(self.read_on(chunk.id, now_ms, |read, turn| read.tail(offset, &frames.0, turn)));
            }
            Message::Appended { chunk, records } => {
                effects.extend(self.replied(from, chunk, Reply::Appended(records), now_ms)?);
            }
            Message::Refused { chunk, why } => {
                effects.extend(self.replied(from, chunk, Reply::Refused(why), now_ms)?);
            }
            Message::Held { chunk, epoch, held } => {
                effects.extend(self.replied(from, chunk, Reply::Held { epoch, held }, now_ms)?);
            }
            Message::Fetched { chunk, first, frames } => {
                effects.extend(self.replied(from, chunk, Reply::Fetched { first, frames }, now_ms)?);
            }
        }
        self.ask_sync(&mut effects);
        Ok(effects)
    }

    /// What became of a ticket.
    pub fn told(&mut self, ticket: Ticket, told: Told, now_ms: u64) -> Effects {
        if self.starting == Some(ticket) {
            self.starting = None;
            self.is_ready = told == Told::Read;
            return self.look_at_found(now_ms);
        }
        if self.confirming_overdue == Some(ticket) {
            self.confirming_overdue = None;
            return if told == Told::Read { self.end_overdue(now_ms) } else { Ok(Vec::new()) };
        }
        if self.settling == Some(ticket) {
            self.settling = None;
            return Ok(Vec::new());
        }
        if let Some(chunks) = self.surplus.take_confirming(ticket) {
            return if told == Told::Read { self.ask_kept(&chunks, now_ms) } else { Ok(Vec::new()) };
        }
        let Some(object) = self.waiting_for(ticket) else { return Ok(Vec::new()) };
        // Whoever is told that an object is sealed finds its files closed.
        if let Some(Role::Owner(owner)) = self.objects.get(&object)
            && let (Some(number), Told::Applied(Ok(_))) = (owner.closes(ticket), &told)
        {
            let chunk = ChunkId { object, number, epoch: owner.epoch() };
            self.committed(object, number)?;
            if number == ChunkNumber::MANIFEST && self.shelf.is_closing(chunk) {
                self.sealing.push((chunk, ticket, told));
                return Ok(Vec::new());
            }
        }
        self.pass_on(object, ticket, told, now_ms)
    }

    /// The object that waits for a ticket.
    fn waiting_for(&self, ticket: Ticket) -> Option<ObjectId> {
        let waits = |role: &Role| match role {
            Role::TakingOver { takeover, .. } => takeover.waits_for(ticket),
            Role::Owner(owner) => owner.waits_for(ticket),
        };
        self.objects.iter().find(|(_, role)| waits(role)).map(|(object, _)| *object)
    }

    /// Tells who waits for a ticket what became of it.
    fn pass_on(&mut self, object: ObjectId, ticket: Ticket, told: Told, now_ms: u64) -> Effects {
        let mut turn = Turn { now_ms, around: &mut self.around, effects: Vec::new() };
        match self.objects.get_mut(&object) {
            Some(Role::Owner(owner)) => {
                leave_if_passed(owner, &self.catalog, object, &mut turn)?;
                owner.told(ticket, told, &mut turn);
            }
            Some(Role::TakingOver { takeover, .. }) => takeover.told(told, &self.catalog, &mut turn)?,
            None => {}
        }
        let effects = turn.effects;
        let effects = self.gather(object, effects, now_ms)?;
        self.settle(object, effects, now_ms)
    }

    /// A caller wants something of an object.
    pub fn ask(&mut self, number: RequestNumber, object: ObjectId, request: Request, now_ms: u64) -> Effects {
        let answer = |answer| Ok(vec![Effect::Answer { request: number, answer }]);
        if !self.is_ready {
            return answer(Answer::Busy);
        }
        // Who has left, or is about to join, owns nothing.
        if !self.may_own(now_ms) {
            return answer(self.heir(object, now_ms)?.map_or(Answer::Busy, Answer::Owner));
        }
        let mut turn = Turn { now_ms, around: &mut self.around, effects: Vec::new() };
        match self.objects.get_mut(&object) {
            Some(Role::Owner(owner)) => owner.ask(number, request, &mut turn),
            Some(Role::TakingOver { takeover, waiting }) => {
                let hindrance = takeover.ending().and_then(|(ending, _)| ending.hindrance());
                if let Some(lost @ Answer::Lost(_)) = hindrance {
                    return answer(lost);
                }
                if waiting.len() >= WAITING_MAX {
                    return answer(Answer::Busy);
                }
                waiting.push(Asked { number, object, request });
            }
            None => {
                let Some(row) = self.catalog.object(object)? else { return answer(Answer::ObjectUnknown) };
                if let ObjectState::Sealed(facts) = row.state {
                    return answer(Answer::Sealed(facts));
                }
                if row.owner != turn.around.me && turn.around.is_there(row.owner, now_ms) {
                    return answer(Answer::Owner(row.owner));
                }
                let takeover = Box::new(Takeover::new(object, &mut turn));
                let waiting = vec![Asked { number, object, request }];
                self.objects.insert(object, Role::TakingOver { takeover, waiting });
            }
        }
        let effects = turn.effects;
        let effects = self.gather(object, effects, now_ms)?;
        self.settle(object, effects, now_ms)
    }

    /// This very process has just committed the object in epoch 1.
    pub fn begin(&mut self, object: ObjectId, now_ms: u64) -> Result<(), TailError> {
        let owned = Owned { epoch: Epoch(1), number: ChunkNumber(0), offset: 0 };
        if let Some(key) = self.key(object)?.filter(|_| self.may_own(now_ms)) {
            self.objects.insert(object, Role::Owner(Box::new(Owner::new(object, owned, key, now_ms))));
        }
        Ok(())
    }

    /// Takes over an object, whoever owns it: what an operator may want, and what is safe at any time.
    pub fn take_over(&mut self, object: ObjectId, now_ms: u64) -> Effects {
        let mut turn = Turn { now_ms, around: &mut self.around, effects: Vec::new() };
        if let Some(Role::Owner(owner)) = self.objects.get_mut(&object) {
            owner.leave(&mut turn);
        }
        if !matches!(self.objects.get(&object), Some(Role::TakingOver { .. })) {
            let takeover = Box::new(Takeover::new(object, &mut turn));
            self.objects.insert(object, Role::TakingOver { takeover, waiting: Vec::new() });
        }
        Ok(turn.effects)
    }

    /// Time passes; about ten times a second.
    pub fn tick(&mut self, now_ms: u64) -> Effects {
        self.look_at_layout()?;
        let mut turn = Turn { now_ms, around: &mut self.around, effects: Vec::new() };
        if !self.is_ready && self.starting.is_none() {
            self.starting = Some(turn.read_index());
        }
        let alive_ms = turn.around.options.alive_ms;
        if self.told_alive_ms.is_none_or(|told_ms| now_ms.saturating_sub(told_ms) >= alive_ms) {
            self.told_alive_ms = Some(now_ms);
            let presence = if self.is_leaving { Message::Gone } else { Message::Alive };
            for member in turn.around.peers.clone() {
                turn.send(member, presence.clone());
            }
        }
        self.shelf.look_at_room();
        let mut readers = std::mem::take(&mut self.readers);
        readers.retain_mut(|read| !read.tick(&mut turn));
        self.readers = readers;
        self.surplus.tick(&mut turn);
        let effects = turn.effects;
        let mut effects = self.tick_resync(effects, now_ms)?;
        for object in self.objects.keys().copied().collect::<Vec<_>>() {
            effects = self.tick_object(object, effects, now_ms)?;
        }
        effects.extend(self.look_at_found(now_ms)?);
        effects.extend(self.go_on_surveying(now_ms)?);
        self.ask_sync(&mut effects);
        Ok(effects)
    }

    fn tick_object(&mut self, object: ObjectId, effects: Vec<Effect>, now_ms: u64) -> Effects {
        let mut turn = Turn { now_ms, around: &mut self.around, effects };
        match self.objects.get_mut(&object) {
            Some(Role::Owner(owner)) => {
                leave_if_passed(owner, &self.catalog, object, &mut turn)?;
                owner.tick(&mut turn);
            }
            Some(Role::TakingOver { takeover, .. }) => {
                if let Some((ending, _)) = takeover.ending() {
                    ending.tick(&mut turn);
                }
                takeover.step(&mut turn);
            }
            None => {}
        }
        let effects = turn.effects;
        let effects = self.gather(object, effects, now_ms)?;
        self.settle(object, effects, now_ms)
    }

    /// Hands an owner that seals the manifest, once all closed chunks are here.
    fn gather(&mut self, object: ObjectId, effects: Vec<Effect>, now_ms: u64) -> Effects {
        let Some(Role::Owner(owner)) = self.objects.get_mut(&object) else { return Ok(effects) };
        if !owner.lacks_manifest() {
            return Ok(effects);
        }
        let (gathered, lacking) = survey::gather(&self.catalog, &self.shelf, object)?;
        for (row, cause) in &lacking {
            self.want(object, row, *cause)?;
        }
        let Some(Role::Owner(owner)) = self.objects.get_mut(&object) else { return Ok(effects) };
        let mut turn = Turn { now_ms, around: &mut self.around, effects };
        match (gathered, self.replica.hindrance()) {
            (Gathered::Whole(manifest), _) => owner.gathered(*manifest, &mut turn),
            (Gathered::Unreadable, _) => owner.grant(Answer::NotTaken, &mut turn),
            (Gathered::Missing, Some(hindrance)) => owner.grant(hindrance.clone(), &mut turn),
            (Gathered::Missing, None) => {}
        }
        Ok(turn.effects)
    }

    /// Lets go of an object that is no more this member's, and begins to own one that has become so.
    fn settle(&mut self, object: ObjectId, mut effects: Vec<Effect>, now_ms: u64) -> Effects {
        if let Some(Role::Owner(owner)) = self.objects.get_mut(&object)
            && let Some((chunk, durable_offset)) = owner.acknowledged()
            && let Some(tail) = self.shelf.tail(chunk)
        {
            // The owner's own readers see at once what it acknowledges.
            tail.acknowledge(durable_offset);
            if let Some(stream) = owner.stream() {
                stream.told(self.around.me);
            }
        }
        let taken = match self.objects.get(&object) {
            Some(Role::Owner(owner)) if owner.is_over() => Some(Taken::Lost),
            Some(Role::TakingOver { takeover, .. }) => takeover.taken(),
            Some(Role::Owner(_)) | None => None,
        };
        let Some(taken) = taken else { return Ok(effects) };
        let waiting = match self.objects.remove(&object) {
            Some(Role::TakingOver { waiting, .. }) => waiting,
            Some(Role::Owner(_)) | None => Vec::new(),
        };
        let answer = match (taken, self.key(object)?) {
            (Taken::Owned(owned), Some(key)) => {
                let mut owner = Box::new(Owner::new(object, owned, key, now_ms));
                let mut turn = Turn { now_ms, around: &mut self.around, effects };
                let is_wanted = !waiting.is_empty();
                for Asked { number, request, .. } in waiting {
                    owner.ask(number, request, &mut turn);
                }
                effects = turn.effects;
                if !is_wanted {
                    effects = self.seal_overdue(object, &mut owner, effects, now_ms)?;
                }
                self.objects.insert(object, Role::Owner(owner));
                return self.gather(object, effects, now_ms);
            }
            (Taken::Sealed(facts), _) => Answer::Sealed(facts),
            (Taken::Unknown, _) => Answer::ObjectUnknown,
            (Taken::Lost | Taken::Owned(_), _) => Answer::Unknown,
        };
        let answers = waiting.into_iter().map(|asked| asked.number);
        effects.extend(answers.map(|request| Effect::Answer { request, answer: answer.clone() }));
        Ok(effects)
    }

    fn ask_sync(&mut self, effects: &mut Vec<Effect>) {
        if self.replica.is_waiting() && !self.is_syncing {
            self.is_syncing = true;
            effects.push(Effect::Sync);
        }
    }

    /// The data key of an object: one of the two of its recording.
    fn key(&self, object: ObjectId) -> Result<Option<Arc<DataKey>>, TailError> {
        let keys = self.catalog.object(object.recording.into())?.and_then(|row| row.keys);
        let wrapped = keys.and_then(|keys| WrappedKey::from_bytes(keys.of(object)).ok());
        let key = wrapped.and_then(|key| self.keks.unwrap(object.recording, &key).ok());
        Ok(key.map(Arc::new))
    }

    /// Whether this process may own anything.
    fn may_own(&self, now_ms: u64) -> bool {
        !self.is_leaving && self.around.is_there(self.around.me, now_ms)
    }

    /// Whether this process owns the object.
    pub fn owns(&self, object: ObjectId) -> bool {
        matches!(self.objects.get(&object), Some(Role::Owner(_)))
    }

    /// Whether every committed chunk that this member is to hold is closed here, and no other.
    pub fn is_whole(&self) -> bool {
        let is_by_layout = self.catalog.layout().is_ok_and(|layout| layout == self.around.layout);
        is_by_layout
            && self.resync.is_empty()
            && self.surplus.is_empty()
            && self.survey.is_done()
            && self.shelf.is_settled()
    }

    /// The closed and open chunks of this member.
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }
}

/// A newer owner is committed, or this member has left: this process is the owner no more.
fn leave_if_passed(
    owner: &mut Owner,
    catalog: &Catalog,
    object: ObjectId,
    turn: &mut Turn<'_>,
) -> Result<(), TailError> {
    let is_passed = catalog.object(object)?.is_some_and(|row| row.epoch > owner.epoch());
    if is_passed || !turn.around.is_there(turn.around.me, turn.now_ms) {
        owner.leave(turn);
    }
    Ok(())
}
