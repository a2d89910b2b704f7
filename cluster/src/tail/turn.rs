//! What every machine of a member has at hand while it takes one input.

use super::effect::{Answer, Effect, RequestNumber, Ticket};
use super::message::Message;
use super::options::{TailOptions, write_quorum};
use super::placement::{homes, ranking_of};
use crate::catalog::{Command, Layout};
use crate::id::{MemberId, ObjectId};
use std::collections::{BTreeMap, BTreeSet};

/// What a member knows of the others.
#[derive(Debug)]
pub(crate) struct Around {
    pub(crate) me: MemberId,
    /// All that can be asked and told something: members of the cluster, whether they hold copies or not.
    pub(crate) peers: Vec<MemberId>,
    /// Those that hold copies, and own objects.
    pub(crate) layout: Layout,
    /// How many are wanted to hold a chunk.
    pub(crate) wanted: usize,
    /// When each was heard of last.
    pub(crate) heard_ms: BTreeMap<MemberId, u64>,
    /// Those that have said since that they end.
    pub(crate) gone: BTreeSet<MemberId>,
    pub(crate) options: TailOptions,
    pub(crate) last_ticket: u64,
}

/// By what the members of a chunk were chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChosenBy {
    pub(crate) stamp: u64,
    pub(crate) wanted: usize,
}

/// One input: the time, and what is to be done.
pub(crate) struct Turn<'a> {
    /// Milliseconds of a clock that only runs forward.
    pub(crate) now_ms: u64,
    pub(crate) around: &'a mut Around,
    pub(crate) effects: Vec<Effect>,
}

impl Around {
    /// Whether a member was heard of lately.
    pub(crate) fn is_alive(&self, member: MemberId, now_ms: u64) -> bool {
        let heard = self.heard_ms.get(&member).filter(|_| !self.gone.contains(&member));
        member == self.me || heard.is_some_and(|heard| now_ms.saturating_sub(*heard) <= self.options.lease_ms)
    }

    /// Whether a member of the layout was heard of lately.
    pub(crate) fn is_there(&self, member: MemberId, now_ms: u64) -> bool {
        self.layout.members.contains_key(&member) && self.is_alive(member, now_ms)
    }

    /// Whom to ask for a chunk, best first: those that may have it, then all other members, then those that have left and
    /// can still be heard, which may have the last copy.
    pub(crate) fn sources(&self, likely: &[MemberId]) -> Vec<MemberId> {
        let mut sources: Vec<MemberId> = Vec::new();
        for member in likely.iter().chain(&self.peers).chain(self.heard_ms.keys()) {
            if *member != self.me && !sources.contains(member) {
                sources.push(*member);
            }
        }
        sources
    }

    /// By what members are chosen.
    pub(crate) fn chosen_by(&self) -> ChosenBy {
        ChosenBy { stamp: self.layout.stamp, wanted: self.wanted }
    }

    /// How many members hold a chunk.
    pub(crate) fn replicas(&self) -> usize {
        self.layout.replicas(self.wanted)
    }

    /// Who is to hold an object's closed chunks.
    pub(crate) fn homes(&self, object: ObjectId) -> Vec<MemberId> {
        homes(object, &self.layout, self.wanted)
    }

    /// Who may have a closed chunk: those that are to hold it, and those among which it was written.
    pub(crate) fn likely(&self, object: ObjectId, set: &[MemberId]) -> Vec<MemberId> {
        let mut likely = self.homes(object);
        for member in set {
            if !likely.contains(member) {
                likely.push(*member);
            }
        }
        likely.retain(|member| *member != self.me);
        likely
    }

    /// How many of them must have a byte before it is acknowledged.
    pub(crate) fn write_quorum(&self) -> usize {
        write_quorum(self.replicas())
    }
}

impl Turn<'_> {
    pub(crate) fn send(&mut self, to: MemberId, message: Message) {
        self.effects.push(Effect::Send { to, message });
    }

    pub(crate) fn answer(&mut self, request: RequestNumber, answer: Answer) {
        self.effects.push(Effect::Answer { request, answer });
    }

    pub(crate) fn submit(&mut self, command: Command) -> Ticket {
        let ticket = self.ticket();
        self.effects.push(Effect::Submit { ticket, command });
        ticket
    }

    pub(crate) fn read_index(&mut self) -> Ticket {
        let ticket = self.ticket();
        self.effects.push(Effect::ReadIndex { ticket });
        ticket
    }

    fn ticket(&mut self) -> Ticket {
        self.around.last_ticket += 1;
        Ticket(self.around.last_ticket)
    }

    /// Members for a new chunk, in order: the first of the object's ranking among those alive. None when they are
    /// too few to acknowledge anything.
    pub(crate) fn choose_members(&self, object: ObjectId) -> Option<Vec<MemberId>> {
        let is_alive = |member| self.around.is_alive(member, self.now_ms);
        let mut chosen = ranking_of(object, &self.around.layout, is_alive);
        chosen.truncate(self.around.replicas());
        chosen.sort_unstable();
        (chosen.len() >= self.around.write_quorum()).then_some(chosen)
    }
}
