//! A model of Raft: one log that only grows, whose proposals may be late or lost, and whose answers may be.
//!
//! This is the seam for the real one: members propose and take read indexes here, and are handed entries to apply.

use crate::catalog::{Command, CommandEntry, LogPosition, MembershipRow, Request};
use crate::id::MemberId;
use crate::tail::Ticket;

/// Who asked for an entry: a member, the run of its process, and its ticket.
pub(crate) type Proposer = (MemberId, u64, Ticket);

/// One entry.
#[derive(Debug, Clone)]
pub(crate) struct LogEntry {
    pub(crate) proposer: Option<Proposer>,
    pub(crate) entry: CommandEntry,
}

/// What was agreed on.
#[derive(Debug, Default)]
pub(crate) struct Consensus {
    log: Vec<LogEntry>,
    voters: Vec<MemberId>,
}

impl Consensus {
    pub(crate) fn commit(&mut self, proposer: Option<Proposer>, command: Command) {
        let entry = CommandEntry::Requests(vec![Request { id: None, command }]);
        self.log.push(LogEntry { proposer, entry });
    }

    pub(crate) fn change_members(&mut self, mut voters: Vec<MemberId>) {
        voters.sort_unstable();
        self.voters.clone_from(&voters);
        let entry = CommandEntry::Membership(MembershipRow { voters, raft: Vec::new() });
        self.log.push(LogEntry { proposer: None, entry });
    }

    pub(crate) fn voters(&self) -> &[MemberId] {
        &self.voters
    }

    pub(crate) fn len(&self) -> usize {
        self.log.len()
    }

    pub(crate) fn entry(&self, index: usize) -> Option<(LogPosition, &LogEntry)> {
        let place = u64::try_from(index).expect("an index fits 64 bits") + 1;
        let position = LogPosition { term: 1, leader: MemberId(0), index: place };
        Some((position, self.log.get(index)?))
    }
}
