//! Log, snapshots and rows without anything that was changed or removed before.

use super::Facts;
use super::errors::{ForgetError, TakeSnapshotError};
use crate::raft::LogStore;
use std::time::Duration;

/// How long what is in the log may take to be applied, and to be given up.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long another member may take to have what is in the log.
const OTHERS_DEADLINE: Duration = Duration::from_secs(10);
/// How often a snapshot is asked for: while another one is being made, asking has no effect.
const SNAPSHOT_TRIES: usize = 30;

impl Facts {
    /// Rewrites the rows, beside those that are in use; false when it was to `go_on` no longer. Not for async threads.
    pub(crate) fn renew_rows(&self, go_on: &dyn Fn() -> bool) -> Result<bool, ForgetError> {
        Ok(self.engine.renew(go_on)?)
    }

    /// How much room on the disk forgetting takes before it gives any free: for the rows beside those in use, and then for
    /// the next snapshot.
    pub(crate) fn renewing_bytes(&self) -> Result<u64, ForgetError> {
        Ok(self.engine.bytes()?.saturating_add(self.snapshots.bytes()))
    }

    /// Gives up the log as it is, for a snapshot of all that it says: whole files go, so that no byte of an entry up to here is
    /// left. A leader refuses while a member lacks entries that would go.
    pub(crate) async fn forget_log(&self) -> Result<(), ForgetError> {
        LogStore::roll(&self.log).await?;
        let last = self.log.last();
        let raft = self.raft.wait(Some(DEADLINE));
        let is_applied = |raft: &openraft::RaftMetrics<u64, _>| raft.last_applied.map(|id| id.index) >= last;
        let applied = raft.metrics(is_applied, "all that is in the log is applied").await;
        applied.map_err(|_| ForgetError::Deadline { deadline: DEADLINE })?;
        self.snapshot_anew().await?;
        let Some(up_to) = self.snapshots.current().and_then(|(meta, _)| meta.last_log_id) else {
            return Ok(());
        };
        self.wait_for_others(up_to.index).await?;
        self.raft.trigger().purge_log(up_to.index).await.map_err(|_| ForgetError::Stopped)?;
        let raft = self.raft.wait(Some(DEADLINE));
        let is_gone = |raft: &openraft::RaftMetrics<u64, _>| raft.purged >= Some(up_to);
        let gone = raft.metrics(is_gone, "the log is given up").await;
        gone.map_err(|_| ForgetError::Deadline { deadline: DEADLINE })?;
        Ok(self.raft_door.forget_received().await?)
    }

    async fn snapshot_anew(&self) -> Result<(), TakeSnapshotError> {
        let mut tries = 1..SNAPSHOT_TRIES;
        loop {
            match self.snapshot(DEADLINE).await {
                Err(TakeSnapshotError::Deadline { .. }) if tries.next().is_some() => {}
                taken => return taken,
            }
        }
    }

    /// Where this member leads, waits until all others have the log up to an entry: replication to a member that lacks what
    /// goes would have to begin with a snapshot, at which openraft may give up.
    pub(crate) async fn wait_for_others(&self, index: u64) -> Result<(), ForgetError> {
        let me = self.member.0;
        let have = move |raft: &openraft::RaftMetrics<u64, _>| {
            let mut others = raft.replication.iter().flatten().filter(|(member, _)| **member != me);
            others.all(|(_, matched)| matched.map(|id| id.index) >= Some(index))
        };
        let waited = self.raft.wait(Some(OTHERS_DEADLINE)).metrics(have, "all members have the log").await;
        waited.map(drop).map_err(|_| ForgetError::Behind)
    }
}
