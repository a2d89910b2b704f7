//! A recorder: sends what it records to one member after the other, and goes on where it was told.

use crate::id::{MemberId, ObjectId};
use std::collections::BTreeMap;

/// How its recording is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Seal,
    Interrupt,
    Open,
}

/// What it is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Has no session yet.
    Opening,
    /// Records.
    Writing,
    /// Has recorded all, and waits until it is acknowledged.
    Finishing,
    /// Seals or interrupts.
    Ending,
    /// Asks once more how much is durable.
    Asking,
    /// Reads all of it back, from each of these members.
    Reading { members: Vec<MemberId>, offset: u64 },
    /// Is done.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallKind {
    Open,
    Append { offset: u64, length: u64 },
    DurableOffset,
    Interrupt,
    Seal,
    Read { member: MemberId, offset: u64 },
}

/// A call that is not answered yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) kind: CallKind,
    pub(crate) since_us: u64,
    /// The durable offset that was known when it was made: no answer may say less.
    pub(crate) known: u64,
}

#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) object: Option<ObjectId>,
    pub(crate) member: MemberId,
    pub(crate) phase: Phase,
    pub(crate) ending: Ending,
    /// What it was told to be durable, what it has sent, and where it goes on.
    pub(crate) acknowledged: u64,
    pub(crate) sent: u64,
    pub(crate) next: u64,
    pub(crate) calls: BTreeMap<u64, Call>,
    pub(crate) last_call: u64,
    pub(crate) pause_until_us: u64,
}

impl Recorder {
    pub(crate) fn new(member: MemberId, ending: Ending) -> Self {
        Self {
            object: None,
            member,
            phase: Phase::Opening,
            ending,
            acknowledged: 0,
            sent: 0,
            next: 0,
            calls: BTreeMap::new(),
            last_call: 0,
            pause_until_us: 0,
        }
    }

    /// Whether bytes of it are on their way and not acknowledged.
    pub(crate) fn is_writing(&self) -> bool {
        self.calls.values().any(|call| matches!(call.kind, CallKind::Append { .. }))
    }

    pub(crate) fn call(&mut self, kind: CallKind, now_us: u64) -> u64 {
        self.last_call += 1;
        let call = Call { kind, since_us: now_us, known: self.acknowledged };
        self.calls.insert(self.last_call, call);
        self.last_call
    }
}
