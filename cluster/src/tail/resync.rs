//! Closed chunks that this member is to hold and does not, or of which it has a bad copy: asked of one member after the
//! other, those with the fewest copies first.
//!
//! The queue is in memory: a start finds all of it again in the catalog and among the marks of bad copies.

use super::message::{Bytes, Message};
use super::repairs::{Cause, Finding, RepairQueue, Repairs};
use super::shelf::Shelf;
use super::turn::Turn;
use crate::catalog::ChunkRow;
use crate::chunk::{ClosedChunk, FileError};
use crate::id::{ChunkId, MemberId, ObjectId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Chunks that are asked for, or on their way to the disk. They are all in memory: a disk that is slower than the others
/// send must not be sent more.
const AT_ONCE: usize = 8;
/// The same before any member has shown how fast it sends.
const AT_ONCE_FIRST: usize = 4;
/// Chunks that are remembered. What comes on top is found again by the next survey.
const WANTED_MAX: usize = 65_536;
/// The longest wait after all members were asked in vain.
const WAIT_MS_MAX: u64 = 60_000;
/// While all members are there, nothing is missing for longer than that unless something is wrong.
const ALARM_MS: u64 = 300_000;
/// A member that sends a chunk sends so many bytes in a millisecond at least, beside its patience.
const SLOWEST_BYTES_PER_MS: u64 = 1 << 10;

/// What is missing here, or bad.
#[derive(Debug, Default)]
pub(crate) struct Resync {
    wanted: BTreeMap<ChunkId, Wanted>,
    /// What can be asked for, those with the fewest copies first.
    ready: BTreeSet<(usize, ChunkId)>,
    /// What was asked for in vain, and when it is asked for again.
    later: BTreeSet<(u64, ChunkId)>,
    /// What is asked for, and when it was.
    under_way: BTreeMap<ChunkId, u64>,
    /// How many copies are on their way to the disk.
    placing: usize,
    /// The members that are there, by which copies are counted.
    there: Vec<MemberId>,
    bytes: u64,
    is_cut: bool,
    width: Width,
    /// The time of the last tick.
    now_ms: u64,
    pace: Pace,
    repairs: Arc<Repairs>,
}

#[derive(Debug)]
struct Wanted {
    chunk: ClosedChunk,
    cause: Cause,
    since_ms: u64,
    /// The other members that are to hold it, and those of its set.
    likely: Vec<MemberId>,
    /// Those that have no good copy.
    missed: BTreeSet<MemberId>,
    /// How many members were asked, and how often all were in vain.
    asked: usize,
    rounds: u32,
    place: Place,
}

/// In which list it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Ready(usize),
    Later(u64),
    UnderWay,
    /// A good copy is on its way to the disk.
    Placing,
}

/// How many chunks are asked for, or on their way to the disk: one more with each that comes, half as many when one comes
/// too late, since a slow link that carries many at once carries none of them in time.
#[derive(Debug)]
struct Width(usize);

/// How many bytes may be asked for.
#[derive(Debug, Default)]
struct Pace {
    bytes_per_s: u64,
    /// What may be asked for at once; below 0 when a chunk was larger than that.
    credit_bytes: i64,
    ticked_ms: Option<u64>,
    /// Since when there is something to do, and what was done by then.
    busy: Option<(u64, u64)>,
}

impl Resync {
    /// What it shares with other threads.
    pub(crate) fn repairs(&self) -> &Arc<Repairs> {
        &self.repairs
    }

    /// Wants a committed chunk, until a good copy is here.
    pub(crate) fn want(&mut self, object: ObjectId, row: &ChunkRow, likely: Vec<MemberId>, cause: Cause) {
        let id = row.chunk.id(object);
        if let Some(wanted) = self.wanted.get_mut(&id) {
            if cause == Cause::Bad {
                wanted.cause = cause;
            }
            return;
        }
        if self.wanted.len() >= WANTED_MAX {
            self.is_cut = true;
            return;
        }
        let copies = copies(&self.there, &likely, &BTreeSet::new());
        let wanted = Wanted {
            chunk: row.chunk,
            cause,
            since_ms: self.now_ms,
            likely,
            missed: BTreeSet::new(),
            asked: 0,
            rounds: 0,
            place: Place::Ready(copies),
        };
        self.wanted.insert(id, wanted);
        self.ready.insert((copies, id));
        self.bytes = self.bytes.saturating_add(row.chunk.length_bytes);
    }

    /// Is nothing missing?
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.is_empty() && !self.is_cut
    }

    /// Whether more was missing than is remembered, and there is room again: told once.
    pub(crate) fn take_cut(&mut self) -> bool {
        let has_room = self.wanted.len() < WANTED_MAX / 2;
        has_room && std::mem::take(&mut self.is_cut)
    }

    /// A member sends a chunk. While nothing is to be fetched, what a reader has asked for does not stay here either.
    pub(crate) fn copied(&mut self, shelf: &mut Shelf, id: ChunkId, file: &Bytes) {
        let is_paused = self.repairs.is_paused();
        let is_awaited = |wanted: &&Wanted| match wanted.place {
            Place::Ready(_) | Place::Later(_) => !is_paused,
            Place::UnderWay => true,
            Place::Placing => false,
        };
        let Some(wanted) = self.wanted.get(&id).filter(is_awaited) else { return };
        shelf.receive(id.object, &wanted.chunk, file.clone());
        self.width.0 = AT_ONCE.min(self.width.0 + 1);
        self.put(id, Place::Placing);
    }

    /// What became of a copy that was sent.
    pub(crate) fn placed(&mut self, id: ChunkId, placed: &Result<(), FileError>, turn: &mut Turn<'_>) {
        match placed {
            Ok(()) => {
                let Some(wanted) = self.forget(id) else { return };
                self.repairs.placed(id, wanted.cause, wanted.chunk.length_bytes);
            }
            // A bad copy, or a full disk: the next member is asked.
            Err(error) => {
                self.repairs.fail(error.to_string());
                self.fail(id, None, turn);
            }
        }
    }

    /// A member has no such chunk.
    pub(crate) fn missed(&mut self, id: ChunkId, member: MemberId, turn: &mut Turn<'_>) {
        if self.under_way.contains_key(&id) {
            self.fail(id, Some(member), turn);
        }
    }

    /// The chunk is not needed any more.
    pub(crate) fn drop_wanted(&mut self, id: ChunkId) {
        drop(self.forget(id));
    }

    /// Forgets what is missing and not on its way: the layout has changed, and a survey finds what is missing by it.
    pub(crate) fn forget_missing(&mut self) {
        let waits = |wanted: &Wanted| {
            wanted.cause == Cause::Missing && matches!(wanted.place, Place::Ready(_) | Place::Later(_))
        };
        let missing = self.wanted.iter().filter(|(_, wanted)| waits(wanted));
        for id in missing.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.drop_wanted(id);
        }
    }

    /// Whether a copy is wanted, or on its way to the disk.
    pub(crate) fn wants(&self, id: ChunkId) -> bool {
        self.wanted.contains_key(&id)
    }

    /// Whether a copy is on its way to the disk.
    pub(crate) fn is_placing(&self, id: ChunkId) -> bool {
        self.wanted.get(&id).is_some_and(|wanted| wanted.place == Place::Placing)
    }

    /// Time passes. What was asked for in vain is asked for again when it is time, when a member has come back, or when
    /// it is wanted now.
    pub(crate) fn tick(&mut self, bytes_per_s: u64, is_wanted_now: bool, turn: &mut Turn<'_>) {
        if self.count_members(turn) || is_wanted_now {
            for (_, id) in std::mem::take(&mut self.later) {
                self.begin_anew(id);
            }
        }
        self.now_ms = turn.now_ms;
        self.pace.tick(bytes_per_s, turn.now_ms);
        while self.later.first().is_some_and(|(due_ms, _)| *due_ms <= turn.now_ms) {
            let Some((_, id)) = self.later.pop_first() else { break };
            self.ready_again(id);
        }
        let patience_ms = turn.around.options.patience_ms;
        let late = |id: &ChunkId, asked_ms: u64| {
            let length = self.wanted.get(id).map_or(0, |wanted| wanted.chunk.length_bytes);
            turn.now_ms.saturating_sub(asked_ms) >= patience_ms + length / SLOWEST_BYTES_PER_MS
        };
        let late: Vec<ChunkId> =
            self.under_way.iter().filter(|(id, asked_ms)| late(id, **asked_ms)).map(|(id, _)| *id).collect();
        if !late.is_empty() {
            self.width.0 = 1.max(self.width.0 / 2);
        }
        for id in late {
            self.fail(id, None, turn);
        }
        let are_all_there = self.there.len() == turn.around.peers.len();
        let queue = self.queue(turn.now_ms, are_all_there);
        self.repairs.tell_queue(queue);
    }

    /// The next chunk to ask for, if another one may be.
    pub(crate) fn next(&self) -> Option<ChunkId> {
        let may_ask = self.under_way.len() + self.placing < self.width.0
            && self.pace.credit_bytes > 0
            && !self.repairs.is_paused();
        self.ready.first().filter(|_| may_ask).map(|(_, id)| *id)
    }

    /// Asks the next member for a chunk.
    pub(crate) fn ask(&mut self, id: ChunkId, turn: &mut Turn<'_>) {
        let Some(wanted) = self.wanted.get_mut(&id) else { return };
        let mut sources = turn.around.sources(&wanted.likely);
        sources.sort_by_key(|member| !turn.around.is_alive(*member, turn.now_ms));
        let Some(source) = sources.get(wanted.asked % sources.len().max(1)).copied() else {
            return self.fail(id, None, turn);
        };
        wanted.asked += 1;
        let bytes = i64::try_from(wanted.chunk.length_bytes).unwrap_or(i64::MAX);
        self.pace.credit_bytes = self.pace.credit_bytes.saturating_sub(bytes);
        self.put(id, Place::UnderWay);
        self.under_way.insert(id, turn.now_ms);
        turn.send(source, Message::AskCopy { chunk: id });
    }

    /// Nothing came of it: the next member is asked at once, and after the last one the first again after a while.
    fn fail(&mut self, id: ChunkId, has_none: Option<MemberId>, turn: &Turn<'_>) {
        let Some(wanted) = self.wanted.get_mut(&id) else { return };
        wanted.missed.extend(has_none);
        let sources = turn.around.sources(&wanted.likely).len();
        if sources > 0 && (wanted.asked == 0 || wanted.asked % sources != 0) {
            return self.ready_again(id);
        }
        if wanted.rounds == 0 {
            self.repairs.fail(format!("no member that was asked has a good copy of chunk {id}"));
            self.repairs.find(Finding::NoCopy(id));
        }
        let wait_ms = turn.around.options.patience_ms.saturating_mul(1_u64 << wanted.rounds.min(16));
        wanted.rounds += 1;
        self.put(id, Place::Later(turn.now_ms.saturating_add(wait_ms.min(WAIT_MS_MAX))));
    }

    fn begin_anew(&mut self, id: ChunkId) {
        if let Some(wanted) = self.wanted.get_mut(&id) {
            wanted.missed.clear();
            wanted.rounds = 0;
        }
        self.ready_again(id);
    }

    fn ready_again(&mut self, id: ChunkId) {
        let Some(wanted) = self.wanted.get(&id) else { return };
        let copies = copies(&self.there, &wanted.likely, &wanted.missed);
        self.put(id, Place::Ready(copies));
    }

    /// Moves a chunk to another list.
    fn put(&mut self, id: ChunkId, place: Place) {
        let Some(wanted) = self.wanted.get_mut(&id) else { return };
        let before = std::mem::replace(&mut wanted.place, place);
        self.take_off(id, before);
        match place {
            Place::Ready(copies) => drop(self.ready.insert((copies, id))),
            Place::Later(due_ms) => drop(self.later.insert((due_ms, id))),
            Place::UnderWay => {}
            Place::Placing => self.placing += 1,
        }
    }

    fn take_off(&mut self, id: ChunkId, place: Place) {
        match place {
            Place::Ready(copies) => drop(self.ready.remove(&(copies, id))),
            Place::Later(due_ms) => drop(self.later.remove(&(due_ms, id))),
            Place::UnderWay => drop(self.under_way.remove(&id)),
            Place::Placing => self.placing = self.placing.saturating_sub(1),
        }
    }

    fn forget(&mut self, id: ChunkId) -> Option<Wanted> {
        let wanted = self.wanted.remove(&id)?;
        self.take_off(id, wanted.place);
        self.bytes = self.bytes.saturating_sub(wanted.chunk.length_bytes);
        Some(wanted)
    }

    /// Counts the copies anew when members have come or gone. Whether one has come.
    fn count_members(&mut self, turn: &Turn<'_>) -> bool {
        let around = &turn.around;
        let there = around.peers.iter().copied().filter(|member| around.is_alive(*member, turn.now_ms));
        let there: Vec<MemberId> = there.collect();
        if there == self.there {
            return false;
        }
        let has_come = there.iter().any(|member| !self.there.contains(member));
        self.there = there;
        for (_, id) in std::mem::take(&mut self.ready) {
            self.ready_again(id);
        }
        has_come
    }

    fn queue(&mut self, now_ms: u64, are_all_there: bool) -> RepairQueue {
        let done = self.repairs.counts().bytes;
        if self.wanted.is_empty() {
            self.pace.busy = None;
        }
        let (began_ms, before) = match self.wanted.is_empty() {
            true => (now_ms, done),
            false => *self.pace.busy.get_or_insert((now_ms, done)),
        };
        let elapsed_ms = now_ms.saturating_sub(began_ms);
        let eta_ms = self.bytes.saturating_mul(elapsed_ms).checked_div(done.saturating_sub(before));
        let missing = self.wanted.values().filter(|wanted| wanted.cause == Cause::Missing);
        let (count, oldest_ms) =
            missing.fold((0, now_ms), |(count, oldest), one| (count + 1, one.since_ms.min(oldest)));
        let lag_ms = now_ms.saturating_sub(oldest_ms);
        RepairQueue {
            missing: count,
            lag_ms,
            is_alarming: are_all_there && lag_ms > ALARM_MS,
            chunks: u64::try_from(self.wanted.len()).unwrap_or(u64::MAX),
            bytes: self.bytes,
            under_way: u64::try_from(self.under_way.len()).unwrap_or(u64::MAX),
            eta_ms,
        }
    }
}

impl Default for Width {
    fn default() -> Self {
        Self(AT_ONCE_FIRST)
    }
}

impl Pace {
    /// What was not used stays for a second.
    fn tick(&mut self, bytes_per_s: u64, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.ticked_ms.replace(now_ms).unwrap_or(0)).min(1000);
        self.bytes_per_s = bytes_per_s;
        let most = i64::try_from(bytes_per_s).unwrap_or(i64::MAX);
        let more = i64::try_from(bytes_per_s.saturating_mul(passed_ms) / 1000).unwrap_or(i64::MAX);
        self.credit_bytes = self.credit_bytes.saturating_add(more).min(most);
    }
}

/// How many of the likely members may have a good copy.
fn copies(there: &[MemberId], likely: &[MemberId], missed: &BTreeSet<MemberId>) -> usize {
    likely.iter().filter(|member| there.contains(member) && !missed.contains(member)).count()
}

#[cfg(test)]
mod tests;
