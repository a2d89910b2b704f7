//! Which change of Raft's members comes next. One at a time, so that each is finished before another begins.

use crate::catalog::{MemberRow, MemberState};
use crate::id::MemberId;
use std::collections::{BTreeMap, BTreeSet};

/// What the leader sees.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    /// Those that vote, or are to vote once a change under way is finished.
    pub(super) voters: BTreeSet<MemberId>,
    /// Whether a change of voters was begun and not finished.
    pub(super) is_joint: bool,
    /// Those that are sent the log and do not vote.
    pub(super) learners: BTreeSet<MemberId>,
    /// Those among them that have nearly all of it.
    pub(super) caught_up: BTreeSet<MemberId>,
    /// Those that have answered just now.
    pub(super) answering: BTreeSet<MemberId>,
    /// Those that have a certificate since so long ago, and never came, that they are not waited for any more.
    pub(super) overdue: BTreeSet<MemberId>,
    /// What the catalog says.
    pub(super) rows: BTreeMap<MemberId, MemberRow>,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MembershipChange {
    /// A member is sent the log.
    Learner {
        /// Which.
        member: MemberId,
    },
    /// A member has the log, and is one of the members.
    Settled {
        /// Which.
        member: MemberId,
    },
    /// These vote.
    Voters {
        /// All of them.
        voters: BTreeSet<MemberId>,
    },
    /// A removed member is sent nothing any more.
    Forgotten {
        /// Which.
        member: MemberId,
    },
    /// A member that was let in and never came is none.
    GivenUp {
        /// Which.
        member: MemberId,
    },
}

/// How many of so many members vote. An even number of voters bears no more losses than one voter fewer.
fn voters_wanted(members: usize) -> usize {
    match members {
        0..=3 => members,
        4 => 3,
        _ => 5,
    }
}

impl View {
    /// The next change, if one is needed.
    pub(super) fn next(&self) -> Option<MembershipChange> {
        self.finish()
            .or_else(|| self.revote())
            .or_else(|| self.forget())
            .or_else(|| self.settle())
            .or_else(|| self.learn())
            .or_else(|| self.give_up())
    }

    /// A leader that has ended may have left a change half done.
    fn finish(&self) -> Option<MembershipChange> {
        self.is_joint.then(|| MembershipChange::Voters { voters: self.voters.clone() })
    }

    /// Removed voters go and others take their places; free places are taken. Nobody who may vote stops: a voter too
    /// many costs little, and a change of voters costs an agreement of both sets.
    fn revote(&self) -> Option<MembershipChange> {
        let mut voters: BTreeSet<MemberId> =
            self.voters.iter().copied().filter(|voter| !self.is_removed(*voter)).collect();
        let settled = self.learners.iter().filter(|member| self.state(**member) == Some(MemberState::Member));
        let wanted = voters_wanted(voters.len() + settled.count());
        while voters.len() < wanted {
            let Some(next) = self.candidate(&voters) else { break };
            voters.insert(next);
        }
        // With nobody left to vote there would be no cluster.
        (voters != self.voters && !voters.is_empty()).then_some(MembershipChange::Voters { voters })
    }

    /// Who is to vote beside these: of a zone that has the fewest voters.
    fn candidate(&self, voters: &BTreeSet<MemberId>) -> Option<MemberId> {
        let zone = |member: &MemberId| self.rows.get(member).map_or("", |row| row.zone.as_str());
        let in_zone = |of: &MemberId| voters.iter().filter(|voter| zone(voter) == zone(of)).count();
        let can = |member: &&MemberId| {
            !voters.contains(member)
                && self.state(**member) == Some(MemberState::Member)
                && self.caught_up.contains(member)
                && self.answering.contains(member)
        };
        self.learners.iter().filter(can).min_by_key(|member| (in_zone(member), **member)).copied()
    }

    fn forget(&self) -> Option<MembershipChange> {
        let gone = self.learners.iter().find(|learner| self.is_removed(**learner));
        gone.map(|member| MembershipChange::Forgotten { member: *member })
    }

    fn settle(&self) -> Option<MembershipChange> {
        let has_all = |member: &&MemberId| self.caught_up.contains(member) && self.answering.contains(member);
        let joining = |member: &&MemberId| self.state(**member) == Some(MemberState::Joining);
        // One that votes had the log before.
        let ready = self.learners.iter().filter(has_all).chain(&self.voters).find(joining);
        ready.map(|member| MembershipChange::Settled { member: *member })
    }

    fn learn(&self) -> Option<MembershipChange> {
        let is_in = |member: &MemberId| self.voters.contains(member) || self.learners.contains(member);
        let invited = |(member, row): &(&MemberId, &MemberRow)| {
            row.state != MemberState::Removed && !is_in(member) && self.answering.contains(member)
        };
        self.rows.iter().find(invited).map(|(member, _)| MembershipChange::Learner { member: *member })
    }

    /// Who is let in and stops before it serves would stand in lists for ever. Nobody was sent anything for it, and it holds
    /// nothing; should it come later, it is told to join again.
    fn give_up(&self) -> Option<MembershipChange> {
        let is_in = |member: &MemberId| self.voters.contains(member) || self.learners.contains(member);
        let is_gone = |member: &&MemberId| {
            self.state(**member) == Some(MemberState::Joining)
                && !is_in(member)
                && !self.answering.contains(member)
        };
        self.overdue.iter().find(is_gone).map(|member| MembershipChange::GivenUp { member: *member })
    }

    fn state(&self, member: MemberId) -> Option<MemberState> {
        self.rows.get(&member).map(|row| row.state)
    }

    fn is_removed(&self, member: MemberId) -> bool {
        self.state(member) == Some(MemberState::Removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(members: &[u64]) -> BTreeSet<MemberId> {
        members.iter().copied().map(MemberId).collect()
    }

    fn row(state: MemberState, zone: &str) -> MemberRow {
        MemberRow {
            name: String::new(),
            address: "a:1".to_owned(),
            api_address: None,
            fingerprint: None,
            zone: zone.to_owned(),
            weight: 1,
            state,
            since_ms: 0,
            by: String::new(),
        }
    }

    /// Voters, learners that have the log, and the rows of all that are not plain members.
    fn view(voters: &[u64], learners: &[u64], others: &[(u64, MemberState)]) -> View {
        let mut rows: BTreeMap<_, _> =
            voters.iter().chain(learners).map(|id| (MemberId(*id), row(MemberState::Member, ""))).collect();
        rows.extend(others.iter().map(|(id, state)| (MemberId(*id), row(*state, ""))));
        let answering = rows.keys().copied().collect();
        let (voters, learners) = (set(voters), set(learners));
        let (caught_up, overdue) = (learners.clone(), BTreeSet::new());
        View { caught_up, answering, overdue, voters, learners, rows, is_joint: false }
    }

    fn voters(members: &[u64]) -> Option<MembershipChange> {
        Some(MembershipChange::Voters { voters: set(members) })
    }

    #[test]
    fn who_joins_is_sent_the_log_then_a_member_then_votes() {
        let member = MemberId(2);
        let joining = [(2, MemberState::Joining)];
        let mut away = view(&[1], &[], &joining);
        assert_eq!(away.next(), Some(MembershipChange::Learner { member }));
        away.answering.clear();
        assert_eq!(away.next(), None);
        let mut learning = view(&[1], &[2], &joining);
        assert_eq!(learning.next(), Some(MembershipChange::Settled { member }));
        learning.caught_up.clear();
        assert_eq!(learning.next(), None);
        assert_eq!(view(&[1], &[2], &[]).next(), voters(&[1, 2]));
        assert_eq!(view(&[1, 2], &[], &[]).next(), None);
    }

    #[test]
    fn three_or_five_vote_and_the_others_learn() {
        assert_eq!(view(&[1, 2], &[3], &[]).next(), voters(&[1, 2, 3]));
        assert_eq!(view(&[1, 2, 3], &[4], &[]).next(), None);
        assert_eq!(view(&[1, 2, 3], &[4, 5], &[]).next(), voters(&[1, 2, 3, 4, 5]));
        assert_eq!(view(&[1, 2, 3, 4, 5], &[6, 7], &[]).next(), None);
        // An operator's own founders stay what they are.
        assert_eq!(view(&[1, 2, 3, 4], &[], &[]).next(), None);
    }

    #[test]
    fn who_takes_the_place_of_a_removed_one_is_of_a_zone_that_lacks_a_voter() {
        let mut view = view(&[1, 2, 3], &[4, 5], &[(2, MemberState::Removed)]);
        for (member, zone) in [(1, "a"), (3, "b"), (4, "a"), (5, "c")] {
            view.rows.insert(MemberId(member), row(MemberState::Member, zone));
        }
        assert_eq!(view.next(), voters(&[1, 3, 5]));
        view.answering.remove(&MemberId(5));
        assert_eq!(view.next(), voters(&[1, 3, 4]));
        view.caught_up.clear();
        assert_eq!(view.next(), voters(&[1, 3]));
    }

    #[test]
    fn a_removed_learner_is_forgotten_and_nobody_is_left_without_a_voter() {
        let forgotten = Some(MembershipChange::Forgotten { member: MemberId(4) });
        assert_eq!(view(&[1, 2, 3], &[4], &[(4, MemberState::Removed)]).next(), forgotten);
        assert_eq!(view(&[1], &[], &[(1, MemberState::Removed)]).next(), None);
        assert_eq!(view(&[1], &[], &[(2, MemberState::Removed)]).next(), None);
    }

    #[test]
    fn who_was_let_in_and_never_came_is_given_up_but_nobody_who_answers_or_was_sent_the_log() {
        let member = MemberId(2);
        let mut away = view(&[1], &[], &[(2, MemberState::Joining)]);
        away.overdue = set(&[2]);
        assert_eq!(away.next(), Some(MembershipChange::Learner { member }));
        away.answering.clear();
        assert_eq!(away.next(), Some(MembershipChange::GivenUp { member }));
        away.learners.insert(member);
        assert_eq!(away.next(), None);
        let mut removed = view(&[1], &[], &[(2, MemberState::Removed)]);
        (removed.overdue, removed.answering) = (set(&[2]), BTreeSet::new());
        assert_eq!(removed.next(), None);
    }

    #[test]
    fn a_change_that_was_begun_is_finished_first() {
        let half = View { is_joint: true, ..view(&[1, 2], &[3], &[]) };
        assert_eq!(half.next(), voters(&[1, 2]));
    }
}
