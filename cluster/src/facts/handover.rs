//! The leader, before it stops in order, lets another voter lead.
//!
//! openraft 0.9 transfers no leadership. So the leader takes no more requests and sends no more heartbeats, and the
//! most advanced voter is asked to stand for election. Voters refuse while they heard of a leader less than a lease
//! ago. The leader itself has mostly led for longer and grants its vote: with three voters that is a majority at once.

use super::Facts;
use super::message::FactsRequest;
use crate::id::MemberId;
use crate::raft::{ELECTION_MAX, Raft};
use crate::runtime::{Instant, sleep};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a hand-over may take; then this member goes on leading until it stops.
const DEADLINE: Duration = Duration::from_secs(3);
/// How long what was proposed before may take to reach the next leader.
const CAUGHT_UP: Duration = Duration::from_millis(200);
/// How long an election may take before the heir stands again.
const ATTEMPT: Duration = Duration::from_millis(150);
/// After so many, which outlast the lease of this leader, another one stands.
const ATTEMPTS_OF_ONE: usize = 4;
/// How often is looked whether it has.
const LOOK: Duration = Duration::from_millis(5);
/// Of so many voters, two are a majority.
const VOTERS_OF_TWO: usize = 3;

impl Facts {
    /// Lets another voter lead, if this member does, and does not lead again. Whether this member leads no more.
    pub(crate) async fn hand_over(&self) -> bool {
        let config = self.raft.runtime_config();
        config.elect(false);
        self.hands_over.store(true, Ordering::Release);
        let is_handed_over = match self.leader().await == Some(self.member) {
            true => {
                config.heartbeat(false);
                self.have_another_elected().await
            }
            false => true,
        };
        if !is_handed_over {
            self.lead_again();
        }
        is_handed_over
    }

    /// Takes back that it does not lead again.
    pub(crate) fn lead_again(&self) {
        let config = self.raft.runtime_config();
        config.heartbeat(true);
        config.elect(true);
        self.hands_over.store(false, Ordering::Release);
    }

    /// Stands for election.
    pub(super) async fn stand(&self) {
        // A Raft that has ended elects nobody.
        let _: Result<(), _> = self.raft.trigger().elect().await;
    }

    async fn have_another_elected(&self) -> bool {
        let until = Instant::now() + DEADLINE;
        let caught_up = Instant::now() + CAUGHT_UP;
        while Instant::now() < caught_up && !self.heirs().first().is_some_and(|(_, is_whole)| *is_whole) {
            sleep(LOOK).await;
        }
        if voters(&self.raft).len() > VOTERS_OF_TWO {
            sleep(ELECTION_MAX).await;
        }
        let me = self.member.0;
        let leads = |metrics: &openraft::RaftMetrics<u64, _>| {
            metrics.current_leader.is_some_and(|leader| leader != me)
        };
        // Known while this member leads.
        let heirs = self.heirs();
        let mut attempts = 0;
        while Instant::now() < until {
            // The same one stands again while voters refuse: two would hinder each other.
            let Some((heir, _)) = heirs.get(attempts / ATTEMPTS_OF_ONE % heirs.len().max(1)) else {
                return false;
            };
            let is_asked = self.ask(*heir, FactsRequest::Elect).await.is_ok();
            attempts += if is_asked { 1 } else { ATTEMPTS_OF_ONE };
            if self.raft.wait(Some(ATTEMPT)).metrics(leads, "another leader").await.is_ok() {
                return true;
            }
        }
        false
    }

    /// The other voters, the most advanced first, and whether each has the whole log.
    fn heirs(&self) -> Vec<(MemberId, bool)> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        let matched = |voter: u64| {
            let replication = metrics.replication.as_ref()?;
            replication.get(&voter)?.map(|id| id.index)
        };
        let mut heirs: Vec<(Option<u64>, MemberId)> = metrics
            .membership_config
            .voter_ids()
            .filter(|voter| *voter != self.member.0)
            .map(|voter| (matched(voter), MemberId(voter)))
            .collect();
        heirs.sort_unstable_by_key(|(matched, voter)| (std::cmp::Reverse(*matched), *voter));
        heirs.into_iter().map(|(matched, voter)| (voter, matched == metrics.last_log_index)).collect()
    }
}

fn voters(raft: &Raft) -> BTreeSet<u64> {
    raft.metrics().borrow().membership_config.voter_ids().collect()
}
