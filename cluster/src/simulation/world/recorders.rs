//! What recorders do, and what they make of answers.

use super::super::node::Caller;
use super::super::oracles::{Acknowledged, DurableOffset, Oracle};
use super::super::recorder::{Call, CallKind, Ending, Phase, Recorder};
use super::{Event, World};
use crate::id::MemberId;
use crate::tail::Answer;

/// A call that is not answered is given up.
const CALL_US: u64 = 1_500_000;
/// Appends of one recorder that are under way at once.
const APPENDS_AT_ONCE: usize = 3;

impl World {
    pub(super) fn step_recorder(&mut self, number: usize) {
        let pause_us = self.dice.between(3_000, 40_000);
        self.after(pause_us, Event::Recorder { recorder: number });
        self.give_up_calls(number);
        if self.is_healed {
            self.whole_yet(number);
        }
        let (now_us, is_healed) = (self.now_us, self.is_healed);
        let Some(recorder) =
            self.recorders.get_mut(number).filter(|recorder| recorder.pause_until_us <= now_us)
        else {
            return;
        };
        if recorder.phase == Phase::Writing && is_healed {
            recorder.phase = Phase::Finishing;
        }
        if recorder.phase == Phase::Finishing && recorder.acknowledged == recorder.sent {
            recorder.phase = Phase::Ending;
        }
        let is_free = recorder.calls.is_empty();
        match recorder.phase.clone() {
            Phase::Opening if is_free => self.call(number, CallKind::Open),
            Phase::Writing => self.write(number),
            Phase::Finishing if is_free => {
                let (offset, length) = (recorder.acknowledged, recorder.sent - recorder.acknowledged);
                self.call(number, CallKind::Append { offset, length: length.min(3_000) });
            }
            Phase::Ending if is_free => match recorder.ending {
                Ending::Seal => self.call(number, CallKind::Seal),
                Ending::Interrupt => self.call(number, CallKind::Interrupt),
                Ending::Open => recorder.phase = Phase::Asking,
            },
            Phase::Asking if is_free => self.call(number, CallKind::DurableOffset),
            Phase::Reading { members, offset } if is_free => self.read_back(number, members, offset),
            Phase::Done => self.finish_round(),
            Phase::Opening | Phase::Finishing | Phase::Ending | Phase::Asking | Phase::Reading { .. } => {}
        }
    }

    /// After healing everything must come to an end.
    fn whole_yet(&mut self, number: usize) {
        let Some(recorder) = self.recorders.get(number).filter(|recorder| recorder.phase != Phase::Done)
        else {
            return;
        };
        let what = format!(
            "recorder {number} is at {:?} with {} of {} bytes",
            recorder.phase, recorder.acknowledged, recorder.sent
        );
        let found = self.oracles.whole.missing(self.now_us, &what);
        self.oracles.judge(Oracle::Whole, found);
    }

    fn give_up_calls(&mut self, number: usize) {
        let now_us = self.now_us;
        let Some(recorder) = self.recorders.get_mut(number) else { return };
        let before = recorder.calls.len();
        recorder.calls.retain(|_, call| now_us.saturating_sub(call.since_us) < CALL_US);
        if recorder.calls.len() < before {
            recorder.next = recorder.acknowledged;
            self.turn_elsewhere(number);
        }
    }

    fn turn_elsewhere(&mut self, number: usize) {
        let members: Vec<MemberId> = self.nodes.keys().copied().collect();
        let member = self.dice.choose(&members);
        if let (Some(recorder), Some(member)) = (self.recorders.get_mut(number), member) {
            recorder.member = member;
        }
    }

    /// Appends, and now and then does something else.
    fn write(&mut self, number: usize) {
        let members: Vec<MemberId> = self.nodes.keys().copied().collect();
        let Some(recorder) = self.recorders.get(number) else { return };
        let (offset, acknowledged) = (recorder.next, recorder.acknowledged);
        let appends = recorder.calls.len();
        match self.dice.below(100) {
            0 => self.turn_elsewhere(number),
            1 => self.call(number, CallKind::DurableOffset),
            2 => self.call(number, CallKind::Interrupt),
            3..=8 if acknowledged > 0 => {
                let offset = self.dice.below(acknowledged);
                if let Some(member) = self.dice.choose(&members) {
                    self.call(number, CallKind::Read { member, offset });
                }
            }
            _ if appends < APPENDS_AT_ONCE => {
                let length = match self.dice.below(10) {
                    0 => self.dice.between(2_000, 9_000),
                    1..=3 => self.dice.between(8, 40),
                    _ => self.dice.between(100, 1_500),
                };
                self.call(number, CallKind::Append { offset, length });
            }
            _ => {}
        }
    }

    fn read_back(&mut self, number: usize, mut members: Vec<MemberId>, offset: u64) {
        // Those who were replaced meanwhile need not answer.
        let asked = members.last().copied();
        members.retain(|member| self.voters.contains(member));
        let Some(recorder) = self.recorders.get_mut(number) else { return };
        if members.last().copied() != asked {
            recorder.phase = Phase::Reading { members, offset: 0 };
            return;
        }
        let (member, offset) = match members.last().copied() {
            Some(member) if offset < recorder.acknowledged => (member, offset),
            Some(_) => {
                members.pop();
                recorder.phase = Phase::Reading { members, offset: 0 };
                return;
            }
            None => {
                recorder.phase = Phase::Done;
                return;
            }
        };
        self.call(number, CallKind::Read { member, offset });
    }

    fn call(&mut self, number: usize, kind: CallKind) {
        let now_us = self.now_us;
        let Some(recorder) = self.recorders.get_mut(number) else { return };
        let call = recorder.call(kind, now_us);
        let member = match kind {
            CallKind::Read { member, .. } => member,
            CallKind::Append { offset, length } => {
                recorder.next = offset + length;
                recorder.sent = recorder.sent.max(offset + length);
                recorder.member
            }
            CallKind::Open | CallKind::DurableOffset | CallKind::Interrupt | CallKind::Seal => {
                recorder.member
            }
        };
        let delay_us = self.dice.between(100, 2_000);
        self.after(delay_us, Event::Call { member, caller: Caller { recorder: number, call }, kind });
    }

    pub(super) fn receive_answer(&mut self, caller: Caller, answer: Answer) {
        let number = caller.recorder;
        let Some(recorder) = self.recorders.get_mut(number) else { return };
        let Some(call) = recorder.calls.remove(&caller.call) else { return };
        match (call.kind, answer) {
            (CallKind::Open, Answer::Durable { .. }) => recorder.phase = Phase::Writing,
            (CallKind::Read { member, offset }, answer) => self.read((number, member), offset, answer),
            (_, Answer::Durable { offset }) => self.durable(number, call, offset),
            (_, Answer::Behind { durable_offset } | Answer::Gap { durable_offset }) => {
                recorder.next = durable_offset;
                self.durable(number, call, durable_offset);
            }
            (_, Answer::Sealed(facts)) => {
                self.durable(number, call, facts.length);
                if let Some(recorder) =
                    self.recorders.get_mut(number).filter(|one| one.phase == Phase::Ending)
                {
                    recorder.phase = Phase::Asking;
                }
            }
            (CallKind::Interrupt, Answer::Interrupted) => {
                if recorder.phase == Phase::Ending {
                    recorder.phase = Phase::Asking;
                }
            }
            (_, Answer::Conflict) => {
                self.oracles.judge(Oracle::Acknowledged, Acknowledged::conflict(number));
            }
            (_, Answer::Owner(member)) => {
                recorder.member = member;
                recorder.next = recorder.acknowledged;
                // Whom it is sent to may not be what the sender thinks: it does not run in circles.
                recorder.pause_until_us = self.now_us + self.dice.between(1_000, 50_000);
            }
            (
                _,
                Answer::Busy
                | Answer::Unknown
                | Answer::ObjectUnknown
                | Answer::NoRoom
                | Answer::NotTaken
                | Answer::Lost(_)
                | Answer::Full { .. },
            ) => self.try_again(number),
            (_, Answer::Interrupted | Answer::Bytes(_) | Answer::Unreadable) => {}
        }
    }

    fn try_again(&mut self, number: usize) {
        let pause_us = self.dice.between(20_000, 200_000);
        if self.dice.chance(40) {
            self.turn_elsewhere(number);
        }
        let now_us = self.now_us;
        if let Some(recorder) = self.recorders.get_mut(number) {
            recorder.next = recorder.acknowledged;
            recorder.pause_until_us = now_us + pause_us;
        }
    }

    /// A recorder is told up to where its bytes are durable.
    fn durable(&mut self, number: usize, call: Call, offset: u64) {
        let members: Vec<MemberId> = self.voters.clone();
        let Some(recorder) = self.recorders.get_mut(number) else { return };
        let end = match call.kind {
            CallKind::Append { .. } | CallKind::DurableOffset | CallKind::Interrupt | CallKind::Seal => {
                call.known
            }
            CallKind::Open | CallKind::Read { .. } => 0,
        };
        let found = DurableOffset::told(number, offset, end, recorder.sent);
        recorder.acknowledged = recorder.acknowledged.max(offset);
        recorder.next = recorder.next.max(recorder.acknowledged);
        if recorder.phase == Phase::Asking && call.kind == CallKind::DurableOffset {
            recorder.phase = Phase::Reading { members, offset: 0 };
        }
        self.oracles.judge(Oracle::DurableOffset, found);
    }

    /// A recorder reads what it recorded.
    fn read(&mut self, (number, member): (usize, MemberId), at: u64, answer: Answer) {
        let bytes = match answer {
            Answer::Bytes(bytes) => bytes,
            Answer::Unreadable
            | Answer::Busy
            | Answer::ObjectUnknown
            | Answer::Durable { .. }
            | Answer::Behind { .. }
            | Answer::Gap { .. }
            | Answer::Conflict
            | Answer::Unknown
            | Answer::Owner(_)
            | Answer::Interrupted
            | Answer::Sealed(_)
            | Answer::NoRoom
            | Answer::NotTaken
            | Answer::Lost(_)
            | Answer::Full { .. } => Vec::new(),
        };
        let found = self.oracles.acknowledged.read((number, member), at, &bytes);
        self.oracles.judge(Oracle::Acknowledged, found);
        let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if let Some(Recorder { phase: Phase::Reading { members, offset }, .. }) =
            self.recorders.get_mut(number)
            && members.last() == Some(&member)
            && *offset == at
        {
            *offset += read;
        }
    }
}
