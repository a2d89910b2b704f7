//! What members want done is done, or fails.

use super::super::executor::disk_us;
use super::super::node::{Caller, Process};
use super::super::oracles::Oracle;
use super::super::recorder::CallKind;
use super::{Event, World};
use crate::catalog::{Command, Format, OpenSession, Protocol, SessionInfo, WrappedKeys};
use crate::chunk::key::{DataKey, KeyPurpose, Random};
use crate::id::{MemberId, ObjectId, RecordingId};
use crate::tail::{Answer, Effect, Message, Request, RequestNumber, TailError, Ticket, Told};

/// Tickets of the world itself: sessions that are opened.
const OWN_TICKETS: u64 = 1 << 40;

impl World {
    /// Gives a running process an input and does what it wants. Whether it still runs.
    pub(in super::super) fn drive(
        &mut self,
        member: MemberId,
        run: u64,
        input: impl FnOnce(&mut Process, u64) -> Result<Vec<Effect>, TailError>,
    ) -> bool {
        let Some(node) = self.nodes.get_mut(&member).filter(|node| node.run == run) else { return false };
        let now_ms = node.now_ms(self.now_us);
        let Some(process) = &mut node.process else { return false };
        let effects = input(process, now_ms);
        let closings = process.member.closings();
        let files = closings.len();
        process.closings.extend(closings);
        // Nothing leaves a process whose disk has just stopped.
        let effects = effects.ok().filter(|_| !node.is_stopped());
        let Some(effects) = effects else {
            let down_us = self.dice.between(20_000, 1_000_000);
            self.crash(member, true, down_us);
            return false;
        };
        for effect in effects {
            self.act((member, run), effect);
        }
        for _ in 0..files {
            let delay_us = self.disk_us(member);
            self.after(delay_us, Event::Close { member, run });
        }
        true
    }

    fn act(&mut self, (member, run): (MemberId, u64), effect: Effect) {
        match effect {
            Effect::Send { to, message } => self.send((member, run), to, &message),
            Effect::Submit { ticket, command } => self.submit(member, ticket, command),
            Effect::ReadIndex { ticket } => {
                let told_before = self.oracles.linearizable.told_yet();
                if let Some(facts) = self.nodes.get(&member).and_then(|node| node.facts.as_ref()) {
                    facts.read_index(ticket, told_before);
                }
            }
            Effect::Answer { request, answer } => {
                let process = self.nodes.get_mut(&member).and_then(|node| node.process.as_mut());
                if let Some(caller) = process.and_then(|process| process.callers.remove(&request)) {
                    self.answer(caller, answer);
                }
            }
            Effect::Sync => {
                let process = self.nodes.get_mut(&member).map(|node| (node.now_ms(self.now_us), node));
                if let Some((now_ms, Some(process))) =
                    process.map(|(now_ms, node)| (now_ms, &mut node.process))
                {
                    process.batch = process.member.batch(now_ms);
                }
                let delay_us = self.disk_us(member);
                self.after(delay_us, Event::Sync { member, run });
            }
        }
    }

    /// How long the disk of a member takes.
    fn disk_us(&mut self, member: MemberId) -> u64 {
        let is_slow = self.nodes.get(&member).is_some_and(|node| node.slow_until_us > self.now_us);
        disk_us(&mut self.dice, is_slow)
    }

    fn send(&mut self, (member, run): (MemberId, u64), to: MemberId, message: &Message) {
        if let Message::Append(append) = message {
            let id = append.chunk.id;
            let found = self.oracles.one_owner.wrote((id.object, id.epoch), (member, run));
            self.oracles.judge(Oracle::OneOwner, found);
            if let Some(recorder) = self.recorded.get(&id.object) {
                let found = self.oracles.nonces.sent(*recorder, &append.chunk, &append.frames.bytes().0);
                self.oracles.judge(Oracle::Nonces, found);
            }
        }
        if !self.nodes.contains_key(&to) {
            return;
        }
        let bytes = message.encode();
        for delay_us in self.network.delays_us(member, to, self.now_us, &mut self.dice) {
            self.after(delay_us, Event::Deliver { from: member, to, bytes: bytes.clone() });
        }
    }

    fn submit(&mut self, member: MemberId, ticket: Ticket, command: Command) {
        let told_before = self.oracles.linearizable.told_yet();
        if let Some(facts) = self.nodes.get(&member).and_then(|node| node.facts.as_ref()) {
            facts.submit(Some(ticket), command, told_before);
        }
    }

    pub(super) fn tell(&mut self, (member, run, ticket): (MemberId, u64, Ticket), told: Told) {
        if ticket.0 < OWN_TICKETS {
            self.drive(member, run, |process, now_ms| process.member.told(ticket, told, now_ms));
            return;
        }
        let process = self.nodes.get_mut(&member).filter(|node| node.run == run);
        let process = process.and_then(|node| node.process.as_mut());
        let Some((caller, object)) = process.and_then(|process| process.openings.remove(&ticket)) else {
            return;
        };
        match told {
            Told::Applied(Ok(_)) => {
                self.recorded.insert(object, caller.recorder);
                if let Some(recorder) = self.recorders.get_mut(caller.recorder) {
                    recorder.object.get_or_insert(object);
                }
                self.drive(member, run, |process, now_ms| {
                    process.member.begin(object, now_ms)?;
                    Ok(Vec::new())
                });
                self.answer(caller, Answer::Durable { offset: 0 });
            }
            Told::Applied(Err(_)) | Told::Read | Told::Unknown => self.answer(caller, Answer::Unknown),
        }
    }

    pub(super) fn answer(&mut self, caller: Caller, answer: Answer) {
        let delay_us = self.dice.between(100, 3_000);
        self.after(delay_us, Event::Answer { caller, answer });
    }

    /// A recorder's call reaches a member.
    pub(super) fn receive_call(&mut self, member: MemberId, caller: Caller, kind: CallKind) {
        let Some(node) = self.nodes.get_mut(&member) else { return };
        let (run, Some(process)) = (node.run, &mut node.process) else { return };
        // As the door answers before its member knows what is committed.
        if !process.is_ready {
            return self.answer(caller, Answer::Unknown);
        }
        process.last_request += 1;
        let number = RequestNumber(process.last_request);
        let object = self.recorders.get(caller.recorder).and_then(|recorder| recorder.object);
        let (object, request) = match (kind, object) {
            (CallKind::Open, _) => return self.open(member, caller),
            (_, None) => return,
            (CallKind::Read { offset, .. }, Some(object)) => {
                process.callers.insert(number, caller);
                self.drive(member, run, |process, now_ms| {
                    process.member.read(number, object, offset, now_ms)
                });
                return;
            }
            (CallKind::Append { offset, length }, Some(object)) => {
                let bytes = super::super::oracles::contents(caller.recorder, offset, length).into();
                (object, Request::Append { offset, bytes })
            }
            (CallKind::DurableOffset, Some(object)) => (object, Request::DurableOffset),
            (CallKind::Interrupt, Some(object)) => (object, Request::Interrupt),
            (CallKind::Seal, Some(object)) => (object, Request::Seal),
        };
        process.callers.insert(number, caller);
        self.drive(member, run, |process, now_ms| process.member.ask(number, object, request, now_ms));
    }

    fn open(&mut self, member: MemberId, caller: Caller) {
        let mut recording = RecordingId([0; 16]);
        self.keys.fill(&mut recording.0).expect("dice do not fail");
        let wrap = |purpose| {
            let key = DataKey::generate(recording, purpose, &self.keys).expect("dice do not fail");
            key.wrap(&self.keks.newest(), &self.keys).expect("dice do not fail").to_bytes().to_vec()
        };
        let (data, derived) = (wrap(KeyPurpose::Bytes), wrap(KeyPurpose::Text));
        let keys = WrappedKeys { kek: self.keks.newest().id(), data, derived };
        let info = SessionInfo {
            protocol: Protocol::Ssh,
            format: Format::Asciicast,
            device_address: "device".to_owned(),
            credential_user: String::new(),
            user_name: String::new(),
            user_address: String::new(),
            start_ms: 0,
            recorder_token: None,
        };
        let Some(process) = self.nodes.get_mut(&member).and_then(|node| node.process.as_mut()) else {
            return;
        };
        process.last_request += 1;
        let ticket = Ticket(OWN_TICKETS + process.last_request);
        process.openings.insert(ticket, (caller, ObjectId::from(recording)));
        let command = Command::OpenSession(OpenSession { recording, info, keys, owner: member });
        self.submit(member, ticket, command);
    }
}
