//! Proposals, read indexes, and members that apply what was agreed on.

use super::super::oracles::Oracle;
use super::{Event, World};
use crate::catalog::{Command, CommandEntry, Outcome};
use crate::id::MemberId;
use crate::tail::{Ticket, Told};

impl World {
    /// Whether a member reaches a majority of the voters, both ways.
    fn is_connected(&self, member: MemberId) -> bool {
        let reaches = |voter: &&MemberId| {
            let is_up = self.nodes.get(voter).is_some_and(|node| node.process.is_some());
            let is_open = |from, to| from == to || self.network.is_open(from, to, self.now_us);
            is_up && is_open(member, **voter) && is_open(**voter, member)
        };
        let voters = self.consensus.voters();
        voters.iter().filter(reaches).count() > voters.len() / 2
    }

    pub(super) fn propose(
        &mut self,
        proposer: (MemberId, u64, Ticket),
        command: Box<Command>,
        until_us: u64,
    ) {
        let (member, run, _) = proposer;
        let is_up = self.nodes.get(&member).is_some_and(|node| node.process.is_some() && node.run == run);
        if !is_up {
            return;
        }
        if !self.is_connected(member) {
            let again = Event::Propose { proposer, command, until_us };
            return match self.now_us < until_us {
                true => self.after(50_000, again),
                false => self.after(0, Event::Told { proposer, told: Told::Unknown }),
            };
        }
        match self.dice.below(100) {
            // Lost before it is committed.
            0..=1 => self.after(800_000, Event::Told { proposer, told: Told::Unknown }),
            // Committed when its proposer does not wait for it any more.
            2 => {
                let late_us = self.dice.between(900_000, 5_000_000);
                self.after(800_000, Event::Told { proposer, told: Told::Unknown });
                self.after(late_us, Event::Commit { command });
            }
            // Committed, and the answer is lost.
            3..=4 => {
                self.after(800_000, Event::Told { proposer, told: Told::Unknown });
                self.commit(None, *command);
            }
            _ => self.commit(Some(proposer), *command),
        }
    }

    pub(super) fn commit(&mut self, proposer: Option<(MemberId, u64, Ticket)>, command: Command) {
        self.consensus.commit(proposer, command);
        self.apply_soon();
    }

    /// Lets all members apply what is new.
    pub(in super::super) fn apply_soon(&mut self) {
        for member in self.nodes.keys().copied().collect::<Vec<_>>() {
            let delay_us = self.dice.between(300, 8_000);
            let Some(node) = self.nodes.get_mut(&member) else { continue };
            let run = node.run;
            let Some(process) = node.process.as_mut().filter(|process| !process.is_applying) else {
                continue;
            };
            process.is_applying = true;
            let late_us = node.late_until_us.saturating_sub(self.now_us);
            self.after(delay_us.max(late_us), Event::Apply { member, run });
        }
    }

    pub(super) fn take_read_index(&mut self, proposer: (MemberId, u64, Ticket), until_us: u64) {
        let (member, run, ticket) = proposer;
        if !self.is_connected(member) {
            return match self.now_us < until_us {
                true => self.after(50_000, Event::ReadIndex { proposer, until_us }),
                false => self.after(0, Event::Told { proposer, told: Told::Unknown }),
            };
        }
        let index = self.consensus.len();
        let Some(node) = self.nodes.get_mut(&member).filter(|node| node.run == run) else { return };
        if let Some(process) = &mut node.process {
            process.reads.push((index, ticket));
            self.after(100, Event::Apply { member, run });
        }
    }

    /// A member applies what it has not yet, and learns what became of its own.
    pub(super) fn apply(&mut self, member: MemberId, run: u64) {
        let is_connected = self.is_connected(member);
        let Some(node) = self.nodes.get_mut(&member).filter(|node| node.run == run) else { return };
        let Some(process) = &mut node.process else { return };
        let is_late = !self.is_healed && node.late_until_us > self.now_us;
        if !is_connected || is_late {
            process.is_applying = true;
            return self.after(20_000, Event::Apply { member, run });
        }
        process.is_applying = false;
        let (catalog, from) = (process.catalog.clone(), process.applied);
        process.applied = self.consensus.len();
        for index in from..self.consensus.len() {
            let Some((position, entry)) = self.consensus.entry(index) else { break };
            let (proposer, entry) = (entry.proposer, entry.entry.clone());
            let applied = catalog.apply(vec![(position, entry.clone())]).expect("rows in memory do not fail");
            let answer = applied.into_iter().flatten().next();
            if let (CommandEntry::Requests(requests), Some(Ok(outcome))) = (&entry, &answer) {
                for request in requests {
                    self.learn((member, run), &request.command, outcome);
                }
            }
            if let (Some(proposer), Some(answer)) =
                (proposer.filter(|own| (own.0, own.1) == (member, run)), answer)
            {
                self.after(10, Event::Told { proposer, told: Told::Applied(answer) });
            }
        }
        let Some(process) = self.nodes.get_mut(&member).and_then(|node| node.process.as_mut()) else {
            return;
        };
        let (ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut process.reads).into_iter().partition(|(index, _)| *index <= process.applied);
        process.reads = waiting;
        for (_, ticket) in ready {
            self.after(10, Event::Told { proposer: (member, run, ticket), told: Told::Read });
        }
    }

    /// What the oracles and the member see of an applied command.
    fn learn(&mut self, (member, run): (MemberId, u64), command: &Command, outcome: &Outcome) {
        if let (Command::TakeOver { object, epoch, .. }, Outcome::TakenOver { .. }) = (command, outcome) {
            self.takeovers.insert((*object, *epoch));
        }
        let (object, chunk) = if let Command::CloseChunk(close) = command {
            (close.object, close.chunk)
        } else if let Command::Seal(seal) = command {
            (seal.object, seal.manifest)
        } else {
            return;
        };
        let found = self.oracles.closed_content.committed(object, chunk);
        self.oracles.judge(Oracle::ClosedContent, found);
        self.drive(member, run, |process, _| {
            process.member.committed(object, chunk.number)?;
            Ok(Vec::new())
        });
    }
}
