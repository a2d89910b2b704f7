//! The world: its time, its events in order, and everybody in it.

mod effects;
mod facts;
mod layouts;
mod recorders;

use super::member_facts::{MemberFacts, MembersChange};
use super::nemesis::Nemesis;
use super::network::Network;
use super::node::{Caller, Node, Process};
use super::oracles::{Oracle, Oracles};
use super::peers::CallAnswer;
use super::random::{Dice, SeededKeys};
use super::recorder::{CallKind, Ending, Phase, Recorder};
use super::{Report, Simulation};
use crate::chunk::Keks;
use crate::chunk::journal::JournalError;
use crate::chunk::key::{Kek, KekId};
use crate::id::{MemberId, ObjectId};
use crate::tail::{Answer, Message, Ticket, Told};
use layouts::LayoutWish;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

/// Recorders of each cluster.
const RECORDERS: usize = 3;
/// No history takes longer.
const SIMULATED_US_MAX: u64 = 600_000_000;

/// Something that happens to somebody.
#[derive(Debug)]
pub(super) enum Event {
    Deliver { from: MemberId, to: MemberId, bytes: Vec<u8> },
    Tick { member: MemberId, run: u64 },
    Sync { member: MemberId, run: u64 },
    Close { member: MemberId, run: u64 },
    Timer { member: MemberId, run: u64 },
    Called { caller: (MemberId, u64, u64), to: MemberId, request: Vec<u8> },
    Answered { member: MemberId, run: u64, call: u64, answer: CallAnswer },
    Clock { member: MemberId, run: u64 },
    ChangeMembers,
    TendLayout,
    Told { proposer: (MemberId, u64, Ticket), told: Told },
    Call { member: MemberId, caller: Caller, kind: CallKind },
    Answer { caller: Caller, answer: Answer },
    Recorder { recorder: usize },
    Fault,
    Restart { member: MemberId, run: u64 },
    Replace { member: MemberId },
    FreeDisks { member: MemberId },
    Stop { member: MemberId, run: u64 },
    PowerCut { member: MemberId, run: u64 },
}

pub(super) struct World {
    pub(super) simulation: Simulation,
    pub(super) now_us: u64,
    events: BTreeMap<(u64, u64), Event>,
    last_event: u64,
    pub(super) dice: Dice,
    pub(super) nodes: BTreeMap<MemberId, Node>,
    pub(super) network: Network,
    /// The voters as of the last entry that anybody has applied, and those that an operator wants next.
    pub(super) voters: Vec<MemberId>,
    pub(super) changes: VecDeque<MembersChange>,
    layout: LayoutWish,
    pub(super) recorders: Vec<Recorder>,
    pub(super) recorded: BTreeMap<ObjectId, usize>,
    pub(super) nemesis: Nemesis,
    pub(super) oracles: Oracles,
    pub(super) keks: Arc<Keks>,
    pub(super) keys: SeededKeys,
    /// Whether all troubles are over.
    pub(super) is_healed: bool,
    /// Times that all was read back from every member.
    rounds: u32,
    /// How often an object had got another owner when all was read back.
    takeovers: u64,
    history: u64,
}

impl World {
    pub(super) fn new(simulation: Simulation) -> Self {
        let mut dice = Dice::new(simulation.seed);
        let keys = SeededKeys(Mutex::new(Dice::new(dice.next())));
        let kek = Kek::generate(KekId(1), &keys).expect("dice do not fail");
        let members: Vec<MemberId> = (1..=simulation.members).map(MemberId).collect();
        let node = || Node::new(simulation.control, members.iter().copied().collect());
        let nodes = members.iter().map(|member| (*member, node())).collect();
        let recorders = (0..RECORDERS).map(|_| {
            let ending = dice.choose(&[Ending::Seal, Ending::Seal, Ending::Interrupt, Ending::Open]);
            let member = dice.choose(&members).unwrap_or(MemberId(1));
            Recorder::new(member, ending.unwrap_or(Ending::Seal))
        });
        let recorders = recorders.collect();
        let nemesis = Nemesis::new(&mut dice);
        Self {
            simulation,
            now_us: 0,
            events: BTreeMap::new(),
            last_event: 0,
            dice,
            nodes,
            network: Network::default(),
            voters: members,
            changes: VecDeque::new(),
            layout: LayoutWish::default(),
            recorders,
            recorded: BTreeMap::new(),
            nemesis,
            oracles: Oracles::default(),
            keks: Arc::new(kek.into()),
            keys,
            is_healed: false,
            rounds: 0,
            takeovers: 0,
            history: 0xCBF2_9CE4_8422_2325,
        }
    }

    pub(super) fn run(mut self) -> Report {
        for member in self.nodes.keys().copied().collect::<Vec<_>>() {
            self.start(member);
        }
        self.settle();
        for recorder in 0..RECORDERS {
            self.after(1_000, Event::Recorder { recorder });
        }
        self.after(300_000, Event::Fault);
        while self.oracles.violations.is_empty() && self.rounds < 2 {
            let Some(((at_us, _), event)) = self.events.pop_first() else { break };
            self.now_us = at_us;
            self.happen(event);
            self.settle();
            if at_us > SIMULATED_US_MAX {
                self.oracles.judge(Oracle::Whole, Err("the history does not end".to_owned()));
            }
        }
        self.report()
    }

    fn report(self) -> Report {
        let acknowledged_bytes = self.recorders.iter().map(|recorder| recorder.acknowledged).sum();
        Report {
            history: self.history,
            violations: self.oracles.violations,
            faults: self.nemesis.struck,
            acknowledged_bytes,
            compared_bytes: self.oracles.acknowledged.compared_bytes,
            chunks: self.oracles.closed_content.count(),
            takeovers: self.takeovers,
            simulated_ms: self.now_us / 1000,
        }
    }

    /// How often an object got another owner, as the members know it that run.
    fn count_takeovers(&self) -> u64 {
        let processes = self.nodes.values().filter_map(|node| node.process.as_ref());
        let Some(newest) = processes.max_by_key(|process| process.applied()) else { return 0 };
        let rows = newest.catalog.objects(None, usize::MAX).expect("rows in memory do not fail");
        rows.iter().map(|(_, row)| row.epoch.0.saturating_sub(1)).sum()
    }

    pub(super) fn after(&mut self, delay_us: u64, event: Event) {
        self.last_event += 1;
        self.events.insert((self.now_us + delay_us, self.last_event), event);
    }

    /// Mixes a number into the hash of the history (FNV-1a over words).
    pub(super) fn note(&mut self, number: u64) {
        self.history = (self.history ^ number).wrapping_mul(0x0100_0000_01B3);
    }

    fn happen(&mut self, event: Event) {
        self.note(self.now_us);
        match event {
            Event::Deliver { from, to, bytes } => self.deliver(from, to, &bytes),
            Event::Tick { member, run } => self.tick(member, run),
            Event::Sync { member, run } => {
                self.note(2 + member.0);
                self.drive(member, run, |process, _| process.sync());
            }
            Event::Close { member, run } => {
                self.note(4 + member.0);
                self.drive(member, run, Process::close);
            }
            Event::Timer { member, run } => self.end_timer(member, run),
            Event::Called { caller, to, request } => self.called(caller, to, &request),
            Event::Answered { member, run, call, answer } => self.answered((member, run, call), answer),
            Event::Clock { member, run } => self.tell_clock(member, run),
            Event::ChangeMembers => self.change_members(),
            Event::TendLayout => self.tend_layout(),
            Event::Told { proposer, told } => self.tell(proposer, told),
            Event::Call { member, caller, kind } => self.receive_call(member, caller, kind),
            Event::Answer { caller, answer } => self.receive_answer(caller, answer),
            Event::Recorder { recorder } => self.step_recorder(recorder),
            Event::Fault => self.strike(),
            Event::Restart { member, run } => {
                if self.nodes.get(&member).is_some_and(|node| node.run == run && node.is_down()) {
                    self.start(member);
                }
            }
            Event::Stop { member, run } => {
                if self.nodes.get(&member).is_some_and(|node| node.run == run && !node.is_down()) {
                    let down_us = self.dice.between(20_000, 2_000_000);
                    self.crash(member, false, down_us);
                }
            }
            Event::PowerCut { member, run } => {
                if self.nodes.get(&member).is_some_and(|node| node.run == run && !node.is_down()) {
                    let down_us = self.dice.between(5_000, 60_000);
                    self.crash(member, true, down_us);
                }
            }
            Event::Replace { member } => self.replace(member),
            Event::FreeDisks { member } => {
                if let Some(node) = self.nodes.get(&member) {
                    node.disk.limit_free_bytes(None);
                    node.facts_disk.limit_free_bytes(None);
                }
            }
        }
    }

    /// Starts a member's process, or tries again later when its disk is full or dies again on the way.
    pub(super) fn start(&mut self, member: MemberId) {
        let Some(node) = self.nodes.get_mut(&member).filter(|node| !node.is_lost) else { return };
        let around = node.around(self.now_us);
        match node.start(member, around, &mut self.dice) {
            Ok(()) if !node.is_stopped() => {}
            Ok(()) | Err(JournalError::Disk(_)) => {
                node.stop(true, &mut self.dice);
                let run = node.run;
                self.after(300_000, Event::Restart { member, run });
            }
            Err(damaged @ JournalError::Damaged { .. }) => {
                self.oracles.judge(Oracle::Acknowledged, Err(format!("member {member}: {damaged}")));
            }
        }
    }

    /// Ends a member's process; it starts again after a while.
    pub(super) fn crash(&mut self, member: MemberId, is_power_cut: bool, down_us: u64) {
        self.note(7 + member.0);
        let Some(node) = self.nodes.get_mut(&member) else { return };
        node.stop(is_power_cut, &mut self.dice);
        let run = node.run;
        self.after(down_us, Event::Restart { member, run });
    }

    fn tick(&mut self, member: MemberId, run: u64) {
        if self.drive(member, run, |process, now_ms| process.member.tick(now_ms)) {
            let jitter_us = self.dice.between(40_000, 60_000);
            self.after(jitter_us, Event::Tick { member, run });
        }
    }

    fn deliver(&mut self, from: MemberId, to: MemberId, bytes: &[u8]) {
        let Some(run) = self.nodes.get(&to).map(|node| node.run) else { return };
        self.note(u64::from(crc32c::crc32c(bytes)));
        let message = match Message::decode(bytes) {
            Ok(message) => message.check(),
            Err(error) => return self.oracles.judge(Oracle::Acknowledged, Err(error.to_string())),
        };
        let is_fence = matches!(message, Message::Fence { .. });
        self.drive(to, run, |process, now_ms| process.member.receive(from, message, now_ms));
        if is_fence {
            self.fenced(to);
        }
    }

    /// Whether all is done: then everything is read again after a power cut of all members, or it ends.
    pub(super) fn finish_round(&mut self) {
        if !self.recorders.iter().all(|recorder| recorder.phase == Phase::Done) {
            return;
        }
        let (voters, last) = (self.voters.clone(), self.oracles.linearizable.last());
        if !self.changes.is_empty() {
            let found = self.oracles.whole.missing(self.now_us, "the members are not those that were wanted");
            return self.oracles.judge(Oracle::Whole, found);
        }
        if let Some(due) = self.layout_due() {
            let found = self.oracles.whole.missing(self.now_us, &format!("the layout waits for {due}"));
            return self.oracles.judge(Oracle::Whole, found);
        }
        for member in &voters {
            let node = self.nodes.get(member);
            let is_whole = node
                .and_then(|node| node.process.as_ref())
                .is_some_and(|process| process.applied() == last && process.member.is_whole());
            if !is_whole {
                let missing = format!("member {member} lacks chunks or facts");
                let found = self.oracles.whole.missing(self.now_us, &missing);
                return self.oracles.judge(Oracle::Whole, found);
            }
        }
        for member in &voters {
            self.look_at_chunks(*member);
            let process = self.nodes.get(member).and_then(|node| node.process.as_ref());
            let found = process.map_or(Ok(()), |process| {
                self.oracles.closed_content.files(*member, process.member.shelf().store())
            });
            let one = process.map_or(Ok(()), |process| {
                self.oracles.one_catalog.applied(*member, process.applied(), &process.catalog)
            });
            self.oracles.judge(Oracle::ClosedContent, found);
            self.oracles.judge(Oracle::OneCatalog, one);
            let facts = self.nodes.get(member).and_then(|node| node.facts.as_ref());
            if facts.is_some_and(MemberFacts::outgrows_snapshots) {
                let found = Err(format!("the log of member {member} only grows"));
                self.oracles.judge(Oracle::Whole, found);
            }
        }
        self.look_at_homes();
        self.takeovers = self.count_takeovers();
        self.rounds += 1;
        self.oracles.whole.healed(self.now_us);
        for member in self.nodes.keys().copied().collect::<Vec<_>>() {
            self.crash(member, true, 100_000);
        }
        for recorder in &mut self.recorders {
            recorder.phase = Phase::Asking;
            recorder.calls.clear();
        }
    }
}
