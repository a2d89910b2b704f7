//! The leader brings Raft's members to what the catalog says of them.

mod plan;

pub use plan::MembershipChange;

use super::Facts;
use super::errors::SubmitError;
use crate::catalog::{CatalogError, ClockRow, Command, MemberRow, MemberState, RemoveMember};
use crate::id::MemberId;
use crate::rpc::{self, Hello};
use crate::runtime;
use openraft::ChangeMembers;
use plan::View;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A learner that lacks no more entries than this has the log: under load a few are always under way.
const ENTRIES_BEHIND_MAX: u64 = 64;
/// How long a member may take to say that it is there.
const HELLO_DEADLINE: Duration = Duration::from_secs(1);
/// How long a change may take; one that takes longer is looked at again.
const CHANGE_DEADLINE: Duration = Duration::from_secs(10);

/// Who is let in comes in less of the cluster's time, or joins again.
const JOIN_MS_MAX: u64 = 24 * 60 * 60 * 1000;
/// Who is told to have removed one that never came.
const GIVEN_UP_BY: &str = "cluster";

/// Why members are not what they are to be. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum TendError {
    /// The catalog's store failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A member could not be told of.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// Raft refuses the change, or another member leads meanwhile.
    #[error("raft does not change its members: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// It has not ended in time.
    #[error("the change of members has not ended within {CHANGE_DEADLINE:?}")]
    Deadline,
}

impl Facts {
    /// What this member has applied about members, whether or not it knows what is committed.
    pub fn known_members(&self) -> Result<Vec<(MemberId, MemberRow)>, CatalogError> {
        self.catalog.members()
    }

    /// Makes the next change that is needed, if this member leads and one is. Not cancel-safe: a dropped call may or
    /// may not have made it.
    pub async fn tend_members(&self) -> Result<Option<MembershipChange>, TendError> {
        let leads = self.leader().await == Some(self.member);
        if !leads || self.hands_over.load(Ordering::Acquire) || self.catalog().is_err() {
            return Ok(None);
        }
        let mut view = self.view()?;
        // Nobody is asked when nothing depends on it.
        view.answering = view.rows.keys().copied().collect();
        if view.next().is_none() {
            return Ok(None);
        }
        view.answering = self.answering(&view).await;
        let Some(change) = view.next() else { return Ok(None) };
        let made = runtime::timeout(CHANGE_DEADLINE, self.make(&change)).await;
        made.unwrap_or(Err(TendError::Deadline))?;
        Ok(Some(change))
    }

    fn view(&self) -> Result<View, TendError> {
        let rows: BTreeMap<MemberId, MemberRow> = self.catalog.members()?.into_iter().collect();
        let overdue = overdue(&rows, &self.catalog.clock()?);
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        let membership = metrics.membership_config.membership();
        let joint = membership.get_joint_config();
        let voters: BTreeSet<MemberId> = joint.last().into_iter().flatten().copied().map(MemberId).collect();
        let learners: BTreeSet<MemberId> = membership.learner_ids().map(MemberId).collect();
        let last = metrics.last_log_index.unwrap_or_default();
        let replication = metrics.replication.as_ref();
        let has_all = |learner: &&MemberId| {
            let matched = replication.and_then(|all| all.get(&learner.0)).copied().flatten();
            matched.is_some_and(|matched| matched.index + ENTRIES_BEHIND_MAX >= last)
        };
        let caught_up = learners.iter().filter(has_all).copied().collect();
        let is_joint = joint.len() > 1;
        Ok(View { voters, is_joint, learners, caught_up, overdue, rows, answering: BTreeSet::new() })
    }

    /// Those that answer, of all on whom a change may depend.
    async fn answering(&self, view: &View) -> BTreeSet<MemberId> {
        let is_asked = |member: &MemberId, row: &MemberRow| {
            row.state != MemberState::Removed && !view.voters.contains(member) && *member != self.member
        };
        let mut answering = BTreeSet::new();
        for (member, _) in view.rows.iter().filter(|(member, row)| is_asked(member, row)) {
            let hello = rpc::encode(&rpc::Request::Hello);
            let answer = self.peers.call(*member, hello, HELLO_DEADLINE).await;
            if answer.is_ok_and(|answer| rpc::decode::<Hello>(&answer).is_some()) {
                answering.insert(*member);
            }
        }
        answering
    }

    async fn make(&self, change: &MembershipChange) -> Result<(), TendError> {
        let refused = |error: &dyn std::error::Error| TendError::Refused { reason: error.to_string() };
        match change {
            MembershipChange::Learner { member } => {
                let added = self.raft.add_learner(member.0, openraft::EmptyNode {}, false).await;
                added.map(drop).map_err(|error| refused(&error))
            }
            MembershipChange::Settled { member } => {
                self.submit(Command::SettleMember { member: *member }).await?;
                Ok(())
            }
            MembershipChange::GivenUp { member } => {
                let by = GIVEN_UP_BY.to_owned();
                let command = RemoveMember { member: *member, is_lost: false, replaced_by: None, by };
                self.submit(Command::RemoveMember(command)).await?;
                Ok(())
            }
            MembershipChange::Voters { voters } => {
                let voters: BTreeSet<u64> = voters.iter().map(|voter| voter.0).collect();
                let changed = self.raft.change_membership(voters, false).await;
                changed.map(drop).map_err(|error| refused(&error))
            }
            MembershipChange::Forgotten { member } => {
                let removed = ChangeMembers::RemoveNodes(BTreeSet::from([member.0]));
                let changed = self.raft.change_membership(removed, false).await;
                changed.map(drop).map_err(|error| refused(&error))
            }
        }
    }
}

/// Those that have been joining for too long. While the clocks are suspected nobody knows how long that is.
fn overdue(rows: &BTreeMap<MemberId, MemberRow>, clock: &ClockRow) -> BTreeSet<MemberId> {
    let is_overdue = |row: &MemberRow| {
        row.state == MemberState::Joining && clock.now_ms.saturating_sub(row.since_ms) > JOIN_MS_MAX
    };
    let rows = rows.iter().filter(|(_, row)| clock.suspicion.is_none() && is_overdue(row));
    rows.map(|(member, _)| *member).collect()
}
