//! Closed chunks that lie here and are to be held by others: dropped once all of these say that they hold them.
//!
//! INVARIANT: of a chunk there is always a copy, whatever layouts come after one another, and however late members hear
//! of them. A copy is deleted by layout L only when each member that is to hold it by L has answered, while L was the
//! layout that it had applied, that it does; and a member that is deleting its copy answers no such thing. Let M be the
//! newest layout by which any copy of the chunk was deleted. The first of the object's ranking by M, which is to hold it
//! with however many replicas, has answered so, and deletes it by none: not by M, there is none newer by choice of M, and
//! it has applied M, so that it decides by no older one.

use super::drops::{Blocked, Drops};
use super::effect::Ticket;
use super::message::Message;
use super::turn::Turn;
use crate::id::{ChunkId, MemberId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Chunks that are asked about at once.
pub(crate) const AT_ONCE: usize = 64;
/// Chunks that are remembered. What comes on top is found again by the next survey, which begins when all these are dropped.
const WAITING_MAX: usize = 65_536;

/// What lies here and is to be held by others.
#[derive(Debug, Default)]
pub(crate) struct Surplus {
    waiting: BTreeSet<ChunkId>,
    /// Whether there were more than are remembered.
    is_cut: bool,
    stage: Stage,
    drops: Arc<Drops>,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Idle,
    /// What is committed is being learnt, so that the layout is no old one.
    Confirming { ticket: Ticket, chunks: Vec<ChunkId> },
    /// Members that have not answered yet, for each chunk.
    Asking { stamp: u64, since_ms: u64, lacking: BTreeMap<ChunkId, BTreeSet<MemberId>> },
    /// Files that are being removed.
    Dropping(BTreeSet<ChunkId>),
}

impl Surplus {
    /// What it shares with other threads.
    pub(crate) fn drops(&self) -> &Arc<Drops> {
        &self.drops
    }

    /// A copy that others are to hold.
    pub(crate) fn note(&mut self, id: ChunkId) {
        if self.is_under_way(id) || self.waiting.contains(&id) {
            return;
        }
        match self.waiting.len() < WAITING_MAX {
            true => drop(self.waiting.insert(id)),
            false => self.is_cut = true,
        }
    }

    /// Whether more lay here than are remembered, and all these are done with: told once.
    pub(crate) fn take_cut(&mut self) -> bool {
        self.is_empty() && std::mem::take(&mut self.is_cut)
    }

    /// Forgets all that is not being removed: the layout has changed.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
        self.drops.unblock();
        if !matches!(self.stage, Stage::Dropping(_)) {
            self.stage = Stage::Idle;
        }
    }

    /// Whether nothing waits, and nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && matches!(self.stage, Stage::Idle)
    }

    /// Whether a file is being removed.
    pub(crate) fn is_dropping(&self, id: ChunkId) -> bool {
        matches!(&self.stage, Stage::Dropping(left) if left.contains(&id))
    }

    fn is_under_way(&self, id: ChunkId) -> bool {
        match &self.stage {
            Stage::Idle => false,
            Stage::Confirming { chunks, .. } => chunks.contains(&id),
            Stage::Asking { lacking, .. } => lacking.contains_key(&id),
            Stage::Dropping(left) => left.contains(&id),
        }
    }

    /// Time passes: gives those up that nobody answers for, and goes on. The next survey finds them again.
    pub(crate) fn tick(&mut self, turn: &mut Turn<'_>) {
        if let Stage::Asking { since_ms, lacking, .. } = &self.stage
            && turn.now_ms.saturating_sub(*since_ms) > turn.around.options.patience_ms
        {
            if let Some((chunk, members)) = lacking.first_key_value() {
                self.drops.block(Blocked { chunk: *chunk, lacking: members.iter().copied().collect() });
            }
            self.stage = Stage::Idle;
        }
        self.go_on(turn);
        let under_way = match &self.stage {
            Stage::Idle => 0,
            Stage::Confirming { chunks, .. } => chunks.len(),
            Stage::Asking { lacking, .. } => lacking.len(),
            Stage::Dropping(left) => left.len(),
        };
        self.drops.tell_queue(self.waiting.len(), under_way);
    }

    /// Begins with the next few, if none are under way.
    pub(crate) fn go_on(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.stage, Stage::Idle) && !self.waiting.is_empty() && !self.drops.is_paused() {
            let mut chunks = Vec::new();
            while chunks.len() < AT_ONCE
                && let Some(chunk) = self.waiting.pop_first()
            {
                chunks.push(chunk);
            }
            self.stage = Stage::Confirming { ticket: turn.read_index(), chunks };
        }
    }

    /// The chunks that wait for a ticket; none are under way then.
    pub(crate) fn take_confirming(&mut self, ticket: Ticket) -> Option<Vec<ChunkId>> {
        match &mut self.stage {
            Stage::Confirming { ticket: own, chunks } if *own == ticket => {
                let chunks = std::mem::take(chunks);
                self.stage = Stage::Idle;
                Some(chunks)
            }
            Stage::Confirming { .. } | Stage::Idle | Stage::Asking { .. } | Stage::Dropping(_) => None,
        }
    }

    /// Asks all that are to hold some chunks by the applied layout, which is the committed one. Those of which one is away
    /// stay for now.
    pub(crate) fn ask(&mut self, chunks: Vec<(ChunkId, Vec<MemberId>)>, turn: &mut Turn<'_>) {
        let mut lacking: BTreeMap<ChunkId, BTreeSet<MemberId>> = BTreeMap::new();
        let mut asked: BTreeMap<MemberId, Vec<ChunkId>> = BTreeMap::new();
        for (chunk, homes) in chunks {
            let away = homes.iter().copied().filter(|home| !turn.around.is_alive(*home, turn.now_ms));
            let away: Vec<MemberId> = away.collect();
            if !away.is_empty() {
                self.drops.block(Blocked { chunk, lacking: away });
                continue;
            }
            for home in &homes {
                asked.entry(*home).or_default().push(chunk);
            }
            lacking.insert(chunk, homes.into_iter().collect());
        }
        let stamp = turn.around.layout.stamp;
        for (home, chunks) in asked {
            turn.send(home, Message::AskKept { stamp, chunks });
        }
        if !lacking.is_empty() {
            self.stage = Stage::Asking { stamp, since_ms: turn.now_ms, lacking };
        }
    }

    /// A member is to hold chunks, and does. Returns those of which all have said so, once all that was asked is answered
    /// for or nothing more is to be waited for.
    pub(crate) fn kept(&mut self, from: MemberId, stamp: u64, chunks: &[ChunkId]) -> Vec<ChunkId> {
        let Stage::Asking { stamp: asked, lacking, .. } = &mut self.stage else { return Vec::new() };
        if *asked != stamp {
            return Vec::new();
        }
        for chunk in chunks {
            if let Some(lacking) = lacking.get_mut(chunk) {
                lacking.remove(&from);
            }
        }
        // Who has answered and does not hold one of them will not say so later.
        let denied: Vec<ChunkId> =
            lacking.iter().filter(|(_, homes)| homes.contains(&from)).map(|(chunk, _)| *chunk).collect();
        for chunk in denied {
            lacking.remove(&chunk);
            self.drops.block(Blocked { chunk, lacking: vec![from] });
        }
        if lacking.values().any(|homes| !homes.is_empty()) {
            return Vec::new();
        }
        let all = lacking.keys().copied().collect();
        self.stage = Stage::Idle;
        all
    }

    /// Files that are being removed from here on.
    pub(crate) fn dropping(&mut self, chunks: BTreeSet<ChunkId>) {
        if !chunks.is_empty() {
            self.stage = Stage::Dropping(chunks);
        }
    }

    /// A file is gone, or the disk did not take that.
    pub(crate) fn dropped(&mut self, id: ChunkId, bytes: Option<u64>) {
        if let Stage::Dropping(left) = &mut self.stage {
            left.remove(&id);
            if left.is_empty() {
                self.stage = Stage::Idle;
            }
        }
        if let Some(bytes) = bytes {
            self.drops.count_dropped(id, bytes);
        }
    }
}

#[cfg(test)]
mod tests;
