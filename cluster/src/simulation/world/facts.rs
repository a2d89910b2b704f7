//! The facts of the members: their tasks run until they wait, and what they tell is carried out.

use super::super::member_facts::MembersChange;
use super::super::node::applied;
use super::super::oracles::{Linearizable, Oracle};
use super::super::output::{Asked, Output};
use super::super::peers::CallAnswer;
use super::{Event, World};
use crate::catalog::{ClockSample, Command};
use crate::facts::{Facts, StartError};
use crate::id::{ChunkNumber, MemberId, ObjectId};
use crate::raft::{Commit, LogStore, OpenError, SnapshotError};
use crate::rpc::CallError;
use crate::tail::Told;

/// What all clocks said when the history began, in milliseconds since 1970.
const BEGAN_MS: u64 = 1_700_000_000_000;
/// Two ends that openraft 0.9 comes to where it should go on, and which lose nothing: a leader is to send a snapshot to a
/// member that has just told it of another leader, and it has given up entries that a replication is about to send, for which
/// our log ends it. The process ends and is started again, as in production.
const HARMLESS_ENDS: [&str; 2] = ["replication channel closed", "is not in the raft log"];
/// After how long a connection on which nothing comes back is given up.
const KEEP_ALIVE_US: u64 = 2_000_000;
/// How often an operator looks whether the members have changed.
const OPERATOR_US: u64 = 300_000;

impl World {
    /// Lets all tasks run until they wait, and does what they tell.
    pub(super) fn settle(&mut self) {
        let members: Vec<MemberId> = self.nodes.keys().copied().collect();
        let mut is_at_rest = false;
        while !is_at_rest {
            is_at_rest = true;
            for member in &members {
                is_at_rest &= !self.settle_member(*member);
            }
        }
    }

    fn settle_member(&mut self, member: MemberId) -> bool {
        let Some(node) = self.nodes.get_mut(&member) else { return false };
        let (around, run) = (node.around(self.now_us), node.run);
        let Some(facts) = &mut node.facts else { return false };
        let did = facts.executor.run(around);
        let outputs = facts.outputs.take();
        if !did && outputs.is_empty() {
            return false;
        }
        // Nothing leaves a process whose disk has just stopped.
        if node.is_stopped() {
            let down_us = self.dice.between(20_000, 1_000_000);
            self.crash(member, true, down_us);
            return true;
        }
        self.schedule_timer(member);
        self.look_at_applied(member);
        for output in outputs {
            self.put_out((member, run), output);
        }
        true
    }

    pub(super) fn schedule_timer(&mut self, member: MemberId) {
        let now_us = self.now_us;
        let Some(node) = self.nodes.get_mut(&member) else { return };
        let run = node.run;
        let Some(facts) = &mut node.facts else { return };
        let Some(next_us) = facts.executor.next_timer_us() else { return };
        if facts.timer_us.is_none_or(|timer_us| next_us < timer_us) {
            facts.timer_us = Some(next_us);
            self.after(next_us.saturating_sub(now_us), Event::Timer { member, run });
        }
    }

    /// The next timer of a process is over.
    pub(super) fn end_timer(&mut self, member: MemberId, run: u64) {
        let now_us = self.now_us;
        let Some(node) = self.nodes.get_mut(&member).filter(|node| node.run == run) else { return };
        let Some(facts) = &mut node.facts else { return };
        if facts.timer_us == Some(now_us) {
            facts.timer_us = None;
        }
        facts.executor.end_timer(now_us);
        self.schedule_timer(member);
    }

    /// What the oracles make of the entries that a member has applied.
    fn look_at_applied(&mut self, member: MemberId) {
        let Some(facts) = self.nodes.get_mut(&member).and_then(|node| node.facts.as_mut()) else { return };
        let Some(open) = facts.facts().cloned() else { return };
        let (from, until) = (facts.seen + 1, applied(open.own_catalog()));
        facts.seen = until;
        for index in from..=until {
            let stored = LogStore::stored(open.log(), index).expect("a log in memory is readable");
            // It has left the log already, since a snapshot holds it.
            let Some(entry) = stored else { continue };
            let is_new = index > self.oracles.linearizable.last();
            if let Some(voters) = entry.voters.filter(|_| is_new) {
                self.voters = voters;
            }
            let found = self.oracles.linearizable.applied(member, index, (&entry.bytes, &entry.requests));
            self.oracles.judge(Oracle::Linearizable, found);
        }
    }

    fn put_out(&mut self, (member, run): (MemberId, u64), output: Output) {
        if self.nodes.get(&member).is_none_or(|node| node.run != run || node.is_down()) {
            return;
        }
        match output {
            Output::Call { to, call, request } => self.carry((member, run, call), to, request),
            Output::Reply { to, run, call, answer } => {
                // A connection repeats nothing.
                let delays_us = self.network.delays_us(member, to, self.now_us, &mut self.dice);
                match delays_us.first() {
                    Some(delay_us) => {
                        self.after(*delay_us, Event::Answered { member: to, run, call, answer: Ok(answer) });
                    }
                    None => self.break_connection((to, run, call), member),
                }
            }
            Output::Started(Ok(facts)) => self.opened((member, run), *facts),
            Output::Started(Err(error)) => self.not_opened(member, &error),
            Output::Ready => {
                if let Some(process) = self.nodes.get_mut(&member).and_then(|node| node.process.as_mut()) {
                    process.is_ready = true;
                    self.after(20, Event::Tick { member, run });
                    self.after(1_000, Event::Clock { member, run });
                }
            }
            Output::HandedOver => {
                self.drive(member, run, |process, now_ms| Ok(process.member.leave(now_ms)));
            }
            Output::Failed(reason) => self.facts_failed(member, &reason),
            Output::Told { asked, told } => self.hear((member, run), asked, told),
            Output::Committed(Commit::Chunk { object, number }) => {
                self.look_at_chunk(member, object, number);
                self.drive(member, run, |process, _| {
                    process.member.committed(object, number)?;
                    Ok(Vec::new())
                });
            }
            Output::Committed(Commit::Snapshot) => {
                self.drive(member, run, |process, _| {
                    process.member.look_around();
                    Ok(Vec::new())
                });
            }
        }
    }

    /// A call on its way to another member.
    fn carry(&mut self, (member, run, call): (MemberId, u64, u64), to: MemberId, request: Vec<u8>) {
        let delays_us = self.network.delays_us(member, to, self.now_us, &mut self.dice);
        let caller = (member, run, call);
        match delays_us.first() {
            Some(delay_us) => self.after(*delay_us, Event::Called { caller, to, request }),
            None => self.break_connection(caller, to),
        }
    }

    /// What is lost on a connection breaks it, and the caller learns that before its deadline.
    fn break_connection(&mut self, (member, run, call): (MemberId, u64, u64), to: MemberId) {
        let answer = Err(CallError::Unreachable { target: to, reason: "nothing came back".to_owned() });
        self.after(KEEP_ALIVE_US, Event::Answered { member, run, call, answer });
    }

    /// A call arrives.
    pub(super) fn called(&mut self, caller: (MemberId, u64, u64), to: MemberId, request: &[u8]) {
        self.note(u64::from(crc32c::crc32c(request)));
        let facts = self.nodes.get(&to).and_then(|node| node.facts.as_ref());
        if facts.is_some_and(|facts| facts.receive(caller, request)) {
            return;
        }
        let (member, run, call) = caller;
        let answer = Err(CallError::Unreachable { target: to, reason: "no process".to_owned() });
        if let Some(delay_us) = self.network.delays_us(to, member, self.now_us, &mut self.dice).first() {
            self.after(*delay_us, Event::Answered { member, run, call, answer: answer.clone() });
        }
    }

    /// A call is answered.
    pub(super) fn answered(&mut self, (member, run, call): (MemberId, u64, u64), answer: CallAnswer) {
        let node = self.nodes.get(&member).filter(|node| node.run == run);
        if let Some(facts) = node.and_then(|node| node.facts.as_ref()) {
            facts.answer(call, answer);
        }
    }

    fn opened(&mut self, (member, run): (MemberId, u64), opened: Facts) {
        let Some(node) = self.nodes.get_mut(&member) else { return };
        node.open(member, &self.keks);
        if let Some(facts) = &mut node.facts {
            facts.opened(opened);
        }
        self.note(run);
    }

    /// A log or a snapshot could not be opened: that is a loss, unless the disk takes nothing.
    fn not_opened(&mut self, member: MemberId, error: &StartError) {
        let is_disk = matches!(
            error,
            StartError::Log(OpenError::Read { .. } | OpenError::Write(_))
                | StartError::Snapshot(
                    SnapshotError::Read { .. } | SnapshotError::Write { .. } | SnapshotError::Sync { .. }
                )
        );
        let was_full = self.nodes.get(&member).is_some_and(|node| node.was_full);
        if !was_full || !is_disk {
            let text = format!("member {member} does not open its facts: {error:?}");
            return self.oracles.judge(Oracle::Linearizable, Err(text));
        }
        self.crash(member, true, 300_000);
    }

    fn facts_failed(&mut self, member: MemberId, reason: &str) {
        let was_full = self.nodes.get(&member).is_some_and(|node| node.was_full);
        if !was_full && !HARMLESS_ENDS.iter().any(|end| reason.contains(end)) {
            let text = format!("member {member}: raft has ended: {reason}");
            return self.oracles.judge(Oracle::Linearizable, Err(text));
        }
        let down_us = self.dice.between(20_000, 500_000);
        self.crash(member, false, down_us);
    }

    /// What became of a command or a read index.
    fn hear(&mut self, (member, run): (MemberId, u64), asked: Asked, told: Told) {
        let process = self.nodes.get(&member).and_then(|node| node.process.as_ref());
        let found = match (&told, asked.request) {
            (Told::Applied(_), Some(request)) => self.oracles.linearizable.told(request, asked.told_before),
            (Told::Read, _) => process
                .map_or(Ok(()), |process| Linearizable::read(member, process.applied(), asked.told_before)),
            (Told::Applied(_), None) | (Told::Unknown, _) => Ok(()),
        };
        self.oracles.judge(Oracle::Linearizable, found);
        if let Some(ticket) = asked.ticket {
            self.after(10, Event::Told { proposer: (member, run, ticket), told });
        }
    }

    /// What a member has committed of an object.
    fn look_at_chunk(&mut self, member: MemberId, object: ObjectId, number: ChunkNumber) {
        let Some(process) = self.nodes.get(&member).and_then(|node| node.process.as_ref()) else { return };
        let rows = process.catalog.chunks(object, number, 1).expect("rows in memory do not fail");
        if let Some((_, row)) = rows.first() {
            let found = self.oracles.closed_content.committed(object, row.chunk);
            self.oracles.judge(Oracle::ClosedContent, found);
        }
    }

    /// All that a member has committed: what was told while processes ended is told to nobody.
    pub(super) fn look_at_chunks(&mut self, member: MemberId) {
        let Some(process) = self.nodes.get(&member).and_then(|node| node.process.as_ref()) else { return };
        let catalog = process.catalog.clone();
        for (object, _) in catalog.objects(None, usize::MAX).expect("rows in memory do not fail") {
            let rows =
                catalog.chunks(object, ChunkNumber(0), usize::MAX).expect("rows in memory do not fail");
            for (_, row) in rows {
                let found = self.oracles.closed_content.committed(object, row.chunk);
                self.oracles.judge(Oracle::ClosedContent, found);
            }
        }
    }

    /// A member tells what its clock says.
    pub(super) fn tell_clock(&mut self, member: MemberId, run: u64) {
        let Some(node) = self.nodes.get(&member).filter(|node| node.run == run && !node.is_down()) else {
            return;
        };
        let wall_ms = BEGAN_MS + node.now_ms(self.now_us);
        if let Some(facts) = &node.facts {
            let told_before = self.oracles.linearizable.told_yet();
            facts.submit(None, Command::Clock(ClockSample { member, wall_ms }), told_before);
        }
        let delay_us = self.dice.between(1_000_000, 2_000_000);
        self.after(delay_us, Event::Clock { member, run });
    }

    /// An operator asks whoever leads for the members that are to be, until they are.
    pub(super) fn change_members(&mut self) {
        let Some(change) = self.changes.front() else { return };
        if change.voters.iter().copied().eq(self.voters.iter().copied()) {
            self.changes.pop_front();
        }
        let Some(change) = self.changes.front().cloned() else { return };
        let leaders = self.nodes.values().filter_map(|node| node.facts.as_ref());
        let leader = leaders.filter_map(|facts| Some((facts.leads()?, facts))).max_by_key(|(term, _)| *term);
        if let Some((_, leader)) = leader {
            leader.change_members(change);
        }
        self.after(OPERATOR_US, Event::ChangeMembers);
    }

    /// Who the voters are to be, when all that was asked for is done.
    pub(in super::super) fn voters_to_be(&self) -> Vec<MemberId> {
        let last = self.changes.back().map(|change| change.voters.iter().copied().collect());
        last.unwrap_or_else(|| self.voters.clone())
    }

    pub(in super::super) fn ask_for_members(&mut self, change: MembersChange) {
        self.changes.push_back(change);
        self.after(0, Event::ChangeMembers);
    }
}
