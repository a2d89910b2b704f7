//! What goes wrong, and when: only while some recorder waits for an append.

use super::Troubles;
use super::member_facts::MembersChange;
use super::node::Node;
use super::random::Dice;
use super::world::{Event, World};
use crate::id::MemberId;
use std::collections::BTreeSet;

/// The faults of one history.
#[derive(Debug)]
pub(super) struct Nemesis {
    left: u64,
    /// What struck.
    pub(super) struck: Vec<&'static str>,
    /// A disk was lost already: the promise covers one.
    has_lost_disk: bool,
    has_left: bool,
    /// The next fences are followed by power cuts of those that gave them.
    hasty: u64,
}

impl Nemesis {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let left = dice.between(4, 12);
        Self { left, struck: Vec::new(), has_lost_disk: false, has_left: false, hasty: 0 }
    }
}

impl World {
    /// One fault, or the end of all.
    pub(super) fn strike(&mut self) {
        if !self.recorders.iter().any(super::recorder::Recorder::is_writing) {
            return self.after(7_000, Event::Fault);
        }
        if self.nemesis.left == 0 {
            return self.heal();
        }
        self.nemesis.left -= 1;
        let members: Vec<MemberId> =
            self.nodes.iter().filter(|(_, node)| !node.is_lost).map(|(member, _)| *member).collect();
        let Some(member) = self.dice.choose(&members) else { return };
        let other = self.dice.choose(&members).unwrap_or(member);
        let until_us = self.now_us + self.dice.between(100_000, 2_500_000);
        let down_us = self.dice.between(10_000, 2_000_000);
        let kind = match self.simulation.troubles {
            Troubles::Any => self.dice.below(24),
            Troubles::Splits => self.dice.choose(&[7, 8, 13, 18]).unwrap_or(8),
            Troubles::Layouts => self.dice.choose(&[2, 21, 21, 21]).unwrap_or(21),
            Troubles::StaleOwners => self.dice.choose(&[0, 13, 17, 17]).unwrap_or(17),
        };
        let name = match kind {
            0..=1 => {
                self.crash(member, true, down_us);
                "power cut"
            }
            2 => {
                self.crash(member, false, down_us);
                "kill"
            }
            3..=4 => {
                let (changes, is_of_facts) = (self.dice.index(12), self.dice.chance(50));
                self.node(member, |node| match is_of_facts {
                    true => node.facts_disk.stop_after_changes(changes),
                    false => node.disk.stop_after_changes(changes),
                });
                "power cut within an operation"
            }
            5..=6 => {
                self.network.cut(member, other, until_us);
                "cut in one direction"
            }
            7 => {
                self.isolate(&[member], &members, until_us);
                "isolation"
            }
            8 => {
                let half = members.len() / 2;
                self.isolate(members.get(..half).unwrap_or_default(), &members, until_us);
                "split"
            }
            9 => {
                self.network.make_lossy(until_us);
                "lossy network"
            }
            10 if !self.nemesis.has_lost_disk => self.lose_disk(member),
            11 if !self.nemesis.has_left => {
                self.nemesis.has_left = true;
                self.after(0, Event::Replace { member });
                "member leaves"
            }
            12 => {
                let ahead_ms = self.dice.between(500, 3_600_000);
                self.node(member, |node| node.clock_ahead_ms += ahead_ms);
                "clock jump"
            }
            13 => {
                self.node(member, |node| node.slow_until_us = until_us);
                "slow disk"
            }
            14 => {
                self.node(member, |node| node.late_until_us = until_us);
                "late facts"
            }
            15 => {
                let (free, is_of_facts) = (self.dice.index(4_000), self.dice.chance(25));
                self.node(member, |node| match is_of_facts {
                    true => {
                        node.was_full = true;
                        node.facts_disk.limit_free_bytes(Some(free));
                    }
                    false => node.disk.limit_free_bytes(Some(free)),
                });
                self.after(until_us - self.now_us, Event::FreeDisks { member });
                "full disk"
            }
            16 => {
                for member in members {
                    let down_us = self.dice.between(10_000, 500_000);
                    self.crash(member, true, down_us);
                }
                "power cut of all"
            }
            17 => {
                self.nemesis.hasty = 2;
                self.stale_owner(until_us)
            }
            20 => self.stop_in_order(member),
            21..=23 => self.change_layout(),
            _ => self.usurp(member),
        };
        self.nemesis.struck.push(name);
        let pause_us = self.dice.between(20_000, 900_000);
        self.after(pause_us, Event::Fault);
    }

    fn node(&mut self, member: MemberId, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(&member) {
            change(node);
        }
    }

    fn isolate(&mut self, some: &[MemberId], all: &[MemberId], until_us: u64) {
        for one in some {
            for other in all.iter().filter(|other| !some.contains(other)) {
                self.network.cut(*one, *other, until_us);
                self.network.cut(*other, *one, until_us);
            }
        }
    }

    /// Another member takes an object over, though its owner may be well.
    fn usurp(&mut self, member: MemberId) -> &'static str {
        let objects: Vec<_> = self.recorded.keys().copied().collect();
        if let Some(object) = self.dice.choose(&objects)
            && let Some(run) = self.nodes.get(&member).map(|node| node.run)
        {
            self.drive(member, run, |process, now_ms| process.member.take_over(object, now_ms));
        }
        "takeover of a living owner"
    }

    /// A member hands over what it owns, and its process ends soon after.
    fn stop_in_order(&mut self, member: MemberId) -> &'static str {
        if let Some(run) = self.nodes.get(&member).map(|node| node.run) {
            if let Some(facts) = self.nodes.get(&member).and_then(|node| node.facts.as_ref()) {
                facts.hand_over();
            }
            let delay_us = self.dice.between(1_000, 1_500_000);
            self.after(delay_us, Event::Stop { member, run });
        }
        "stop in order"
    }

    /// Nobody hears of facts but the one who takes over, whom the owner does not hear either.
    fn stale_owner(&mut self, until_us: u64) -> &'static str {
        let objects: Vec<_> = self.recorded.keys().copied().collect();
        let object = self.dice.choose(&objects);
        let owns =
            |node: &Node, object| node.process.as_ref().is_some_and(|process| process.member.owns(object));
        let owner = object.and_then(|object| {
            self.nodes.iter().find(|(_, node)| owns(node, object)).map(|(member, _)| *member)
        });
        let others: Vec<MemberId> =
            self.nodes.keys().copied().filter(|member| Some(*member) != owner).collect();
        if let (Some(object), Some(owner), Some(usurper)) = (object, owner, self.dice.choose(&others)) {
            for (member, node) in &mut self.nodes {
                // Who leads has to answer.
                let leads = node.facts.as_ref().is_some_and(|facts| facts.leads().is_some());
                node.late_until_us = if *member == usurper || leads { 0 } else { until_us };
            }
            self.network.cut(usurper, owner, until_us);
            self.network.cut(owner, usurper, until_us);
            if let Some(run) = self.nodes.get(&usurper).map(|node| node.run) {
                self.drive(usurper, run, |process, now_ms| process.member.take_over(object, now_ms));
            }
        }
        "takeover beside an owner who hears nothing"
    }

    /// A member has given a fence: now and then its power is cut soon after, for a moment.
    pub(super) fn fenced(&mut self, member: MemberId) {
        if self.nemesis.hasty > 0 && !self.is_healed && self.dice.chance(50) {
            self.nemesis.hasty -= 1;
            if let Some(run) = self.nodes.get(&member).map(|node| node.run) {
                let delay_us = self.dice.between(8_000, 40_000);
                self.after(delay_us, Event::PowerCut { member, run });
            }
        }
    }

    fn lose_disk(&mut self, member: MemberId) -> &'static str {
        self.nemesis.has_lost_disk = true;
        let Self { nodes, dice, .. } = self;
        if let Some(node) = nodes.get_mut(&member) {
            node.stop(true, dice);
            node.is_lost = true;
            node.run += 1;
        }
        let delay_us = self.dice.between(300_000, 3_000_000);
        self.after(delay_us, Event::Replace { member });
        "lost disk"
    }

    /// An operator puts a new member in the place of one. Members that leave stay reachable while others need them.
    pub(super) fn replace(&mut self, member: MemberId) {
        let mut voters: BTreeSet<MemberId> = self.voters_to_be().into_iter().collect();
        if !voters.remove(&member) {
            return;
        }
        let mut joiner = None;
        if voters.len() < 4 {
            let newest = self.nodes.keys().last().map_or(0, |member| member.0);
            let next = MemberId(newest + 1);
            joiner = Some(next);
            self.nodes.insert(next, Node::new(self.simulation.control, BTreeSet::new()));
            voters.insert(next);
            self.start(next);
        }
        let keeps_leaver = self.nodes.get(&member).is_some_and(|node| !node.is_lost);
        self.ask_for_members(MembersChange { joiner, voters, keeps_leaver });
    }

    /// All troubles end, and everybody comes back.
    fn heal(&mut self) {
        self.is_healed = true;
        self.network.heal();
        self.oracles.whole.healed(self.now_us);
        let lost: Vec<MemberId> =
            self.nodes.iter().filter(|(_, node)| node.is_lost).map(|(member, _)| *member).collect();
        for member in lost {
            self.replace(member);
        }
        for member in self.nodes.keys().copied().collect::<Vec<_>>() {
            self.node(member, |node| {
                (node.slow_until_us, node.late_until_us) = (0, 0);
                node.disk.limit_free_bytes(None);
                node.facts_disk.limit_free_bytes(None);
            });
            if self.nodes.get(&member).is_some_and(|node| node.is_down()) {
                self.start(member);
            }
        }
    }
}
