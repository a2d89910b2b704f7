//! How a chunk ends, whoever ends it: its owner, or the one who takes over.
//!
//! Fence, take the longest prefix, make it durable on enough members; the caller then commits it.
//!
//! INVARIANTS
//! - The prefix is chosen once `fence_quorum` members of the chunk's set have promised to take nothing more of its
//!   owner. One of them has whatever was acknowledged, and nothing more can be acknowledged: it has every such byte.
//! - In an epoch the prefix only grows, while it has not ended. So no fill of this epoch, however late, goes beyond what
//!   it ends as, and older ones are refused: the file of who is counted as having the prefix does not change before it
//!   is closed. When the prefix cannot be had from its holder, a new epoch begins.
//! - It ends only when so many members hold the very same closed chunk that a byte of it is as safe as before.

use super::effect::Answer;
use super::frames::{Frames, parse};
use super::message::{Fill, Held, Message, Refused};
use super::options::{fence_quorum, write_quorum};
use super::placement::ranking_of;
use super::turn::Turn;
use crate::chunk::{ChunkHeader, ClosedChunk, SealedRecord};
use crate::id::{Epoch, MemberId};
use std::collections::BTreeMap;

/// A chunk that is being ended.
#[derive(Debug)]
pub(crate) struct Ending {
    chunk: ChunkHeader,
    /// The members among which it was acknowledged.
    set: Vec<MemberId>,
    epoch: Epoch,
    targets: BTreeMap<MemberId, Target>,
    /// How many records the chunk will have, once that is known, and who had them.
    best: Option<Best>,
    /// The records, as far as they were fetched.
    prefix: Vec<SealedRecord>,
    began_ms: u64,
    /// Whether it cannot be ended in this epoch.
    is_lost: bool,
    /// The members whose disks did not take what they were last asked, and why.
    refusing: BTreeMap<MemberId, Refused>,
}

#[derive(Debug, Clone, Copy)]
struct Best {
    records: u32,
    holder: MemberId,
    asked_ms: Option<u64>,
    since_ms: u64,
}

#[derive(Debug, Default)]
struct Target {
    /// What it holds, once it has promised.
    held: Option<Held>,
    asked_ms: Option<u64>,
}

impl Target {
    fn records(&self) -> Option<u32> {
        match self.held? {
            Held::Nothing => Some(0),
            Held::Records(chunk) => Some(chunk.leaves),
            Held::Damaged => None,
        }
    }
}

impl Ending {
    /// Begins, with the members among which the chunk was acknowledged.
    pub(crate) fn new(chunk: ChunkHeader, set: Vec<MemberId>, epoch: Epoch, turn: &mut Turn<'_>) -> Self {
        let targets = set.iter().map(|member| (*member, Target::default())).collect();
        let (best, prefix, began_ms) = (None, Vec::new(), turn.now_ms);
        let refusing = BTreeMap::new();
        let mut ending =
            Self { chunk, set, epoch, targets, best, prefix, began_ms, is_lost: false, refusing };
        ending.step(turn);
        ending
    }

    pub(crate) fn chunk(&self) -> &ChunkHeader {
        &self.chunk
    }

    /// Whether it cannot be ended in this epoch: a newer owner ends it, or its holder is away.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Why it does not go on for now, when that is the disks.
    pub(crate) fn hindrance(&self) -> Option<Answer> {
        let damaged = self.set.iter().filter_map(|member| self.targets.get(member));
        let damaged = damaged.filter(|target| target.held == Some(Held::Damaged)).count();
        if damaged > 0 && self.set.len() - damaged < fence_quorum(self.set.len()) {
            return Some(Answer::Lost(self.chunk.id));
        }
        let hindered = self.refusing.len() + damaged;
        match self.refusing.values().next()? {
            _ if self.set.len().saturating_sub(hindered) >= write_quorum(self.set.len()) => None,
            Refused::NoRoom => Some(Answer::NoRoom),
            Refused::NotTaken | Refused::Fenced { .. } | Refused::Closed | Refused::Damaged => {
                Some(Answer::NotTaken)
            }
        }
    }

    /// The closed chunk, once enough members hold it.
    pub(crate) fn ended(&self, turn: &Turn<'_>) -> Option<ClosedChunk> {
        let best = self.best?;
        let mut copies: BTreeMap<_, (usize, ClosedChunk)> = BTreeMap::new();
        for target in self.targets.values() {
            if let Some(Held::Records(chunk)) = target.held
                && chunk.leaves == best.records
            {
                copies.entry(chunk.hash).or_insert((0, chunk)).0 += 1;
            }
        }
        let enough = |(count, chunk)| (count >= turn.around.write_quorum()).then_some(chunk);
        copies.into_values().find_map(enough)
    }

    /// A member has promised, and says what it holds.
    pub(crate) fn held(&mut self, from: MemberId, held: Held, turn: &mut Turn<'_>) {
        let Some(target) = self.targets.get_mut(&from) else { return };
        (target.held, target.asked_ms) = (Some(held), None);
        self.refusing.remove(&from);
        let records = target.records().unwrap_or(0);
        // A member that holds more cannot be made to hold less: all are to hold as much.
        if self.best.is_some_and(|best| best.records < records) && self.ended(turn).is_none() {
            self.best = Some(Best { records, holder: from, asked_ms: None, since_ms: turn.now_ms });
        }
        self.step(turn);
    }

    /// A member sends records that were asked for.
    pub(crate) fn fetched(&mut self, from: MemberId, first: u32, frames: &[u8], turn: &mut Turn<'_>) {
        let Some(best) = self.best.as_mut().filter(|best| best.holder == from) else { return };
        if usize::try_from(first).ok() != Some(self.prefix.len()) {
            return;
        }
        match parse(&self.chunk, first, frames) {
            Some(records) if !records.is_empty() => {
                (best.asked_ms, best.since_ms) = (None, turn.now_ms);
                self.prefix.extend(records);
                self.prefix.truncate(usize::try_from(best.records).unwrap_or(usize::MAX));
            }
            Some(_) | None => self.is_lost = true,
        }
        self.step(turn);
    }

    /// A member does not do what it was asked.
    pub(crate) fn refused(&mut self, from: MemberId, why: Refused, turn: &mut Turn<'_>) {
        match why {
            Refused::Fenced { by } => self.is_lost |= by > self.epoch,
            Refused::Closed => self.is_lost = true,
            Refused::Damaged => {
                if let Some(target) = self.targets.get_mut(&from) {
                    target.held = Some(Held::Damaged);
                }
                self.is_lost |= self.best.is_some_and(|best| best.holder == from);
            }
            // Asked again later.
            Refused::NotTaken | Refused::NoRoom => drop(self.refusing.insert(from, why)),
        }
        self.step(turn);
    }

    /// Asks again, and asks others when those of the set are too few.
    pub(crate) fn tick(&mut self, turn: &mut Turn<'_>) {
        let options = &turn.around.options;
        if let Some(best) = self.best
            && self.lacks_records(&best)
            && turn.now_ms.saturating_sub(best.since_ms) > options.patience_ms
        {
            self.is_lost = true;
        }
        if turn.now_ms.saturating_sub(self.began_ms) > options.patience_ms {
            let (me, now_ms) = (turn.around.me, turn.now_ms);
            let takes = |member| member == me || turn.around.is_alive(member, now_ms);
            let mut others = ranking_of(self.chunk.id.object, &turn.around.layout, takes);
            others.truncate(turn.around.replicas());
            for member in others {
                self.targets.entry(member).or_default();
            }
        }
        self.step(turn);
    }

    /// Does whatever can be done.
    fn step(&mut self, turn: &mut Turn<'_>) {
        if self.best.is_none() {
            self.choose(turn);
        }
        let (chunk, epoch, retry_ms, now_ms) =
            (self.chunk, self.epoch, turn.around.options.retry_ms, turn.now_ms);
        let is_due = |asked_ms: Option<u64>| {
            asked_ms.is_none_or(|asked_ms| now_ms.saturating_sub(asked_ms) >= retry_ms)
        };
        let is_ended = self.ended(turn).is_some();
        let prefix = &self.prefix;
        let best = self.best.filter(|_| !is_ended);
        for (member, target) in &mut self.targets {
            let message = match (target.held, best) {
                (None, _) => Message::Fence { chunk, epoch },
                (Some(held), Some(best)) => match fill(prefix, held, &best) {
                    Some((first, frames)) => Message::Fill(Fill { chunk, epoch, first, frames }),
                    None => continue,
                },
                (Some(_), None) => continue,
            };
            if is_due(target.asked_ms) {
                target.asked_ms = Some(now_ms);
                turn.send(*member, message);
            }
        }
        let Some(best) = best.filter(|best| self.lacks_records(best) && is_due(best.asked_ms)) else {
            return;
        };
        self.best = Some(Best { asked_ms: Some(now_ms), ..best });
        let first = u32::try_from(self.prefix.len()).unwrap_or(u32::MAX);
        turn.send(best.holder, Message::Fetch { chunk: chunk.id, first });
    }

    /// Chooses the longest prefix, once enough members of the set have promised.
    fn choose(&mut self, turn: &Turn<'_>) {
        let promised =
            self.set.iter().filter_map(|member| Some((self.targets.get(member)?.records()?, *member)));
        let promised: Vec<(u32, MemberId)> = promised.collect();
        if promised.len() < (turn.around.options.rules.fence_quorum)(self.set.len()) {
            return;
        }
        let Some((records, holder)) = promised.into_iter().max() else { return };
        self.best = Some(Best { records, holder, asked_ms: None, since_ms: turn.now_ms });
    }

    /// Whether records must be fetched before the others can be filled.
    fn lacks_records(&self, best: &Best) -> bool {
        let is_short = |target: &Target| target.records().is_some_and(|records| records < best.records);
        usize::try_from(best.records).is_ok_and(|records| self.prefix.len() < records)
            && self.targets.values().any(is_short)
    }
}

/// What a member that has promised still lacks of the prefix, if that is at hand.
fn fill(prefix: &[SealedRecord], held: Held, best: &Best) -> Option<(u32, Frames)> {
    let first = match held {
        // Even of an empty chunk a file is made.
        Held::Nothing => 0,
        Held::Records(chunk) if chunk.leaves < best.records => chunk.leaves,
        Held::Records(_) | Held::Damaged => return None,
    };
    let missing = prefix.get(usize::try_from(first).ok()?..)?;
    if missing.is_empty() && best.records > 0 {
        return None;
    }
    Some((first, Frames::some(missing.iter()).0))
}
