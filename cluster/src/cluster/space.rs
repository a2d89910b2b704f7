//! How much room the members' disks have, as this member knows.

use super::Cluster;
use super::errors::FatalError;
use super::shared::Shared;
use crate::chunk::{DiskLevel, DiskSpace};
use crate::id::MemberId;
use crate::rpc;
use crate::tail::write_quorum;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// What was heard of a member that long ago is not believed any more.
const KEPT: Duration = Duration::from_secs(60);

/// What was heard of the members' disks, and when.
#[derive(Debug, Default)]
pub(super) struct Spaces(Mutex<BTreeMap<MemberId, (Instant, DiskSpace)>>);

impl Spaces {
    fn hear(&self, member: MemberId, space: DiskSpace) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.insert(member, (Instant::now(), space));
    }

    fn of(&self, member: MemberId) -> Option<DiskSpace> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, space) = heard.get(&member)?;
        (at.elapsed() <= KEPT).then_some(*space)
    }
}

impl Shared {
    /// How much room this member has; none where that is not known.
    pub(super) fn space_here(&self) -> Option<DiskSpace> {
        self.store.space()
    }

    /// Why the process must end when the facts have: others may have filled the disk.
    pub(super) fn facts_ended(&self, reason: String) -> FatalError {
        match self.space_here().filter(|space| space.level() == DiskLevel::Scarce) {
            Some(DiskSpace { free_bytes, .. }) => FatalError::DiskFull { free_bytes, reason },
            None => FatalError::Facts { reason },
        }
    }
}

impl Cluster {
    /// Asks all members how much room they have; see [`Cluster::disks`].
    pub async fn look_at_disks(&self) {
        let here = self.shared.space_here();
        let answers = self.shared.ask_all(&rpc::Request::Disk, here, rpc::decode).await;
        for (member, space) in answers {
            if let Some(space) = space.flatten() {
                self.shared.spaces.hear(member, space);
            }
        }
    }

    /// How much room this member's disk has; none where that is not known.
    pub fn disk_here(&self) -> Option<DiskSpace> {
        self.shared.space_here()
    }

    /// How much room the members have of which that was heard lately.
    pub fn disks(&self) -> BTreeMap<MemberId, DiskSpace> {
        let members = self.members().into_iter().map(|status| status.id);
        members.filter_map(|member| Some((member, self.shared.spaces.of(member)?))).collect()
    }

    /// How many members of the layout have no room for new sessions, if they are so many that too few are left to make
    /// bytes durable. A member of which nothing was heard counts as one with room: its bytes are refused when they come.
    /// Where the layout cannot be read, no session is opened anyway.
    pub fn full_members(&self) -> Option<usize> {
        let catalog = self.catalog().ok()?;
        let (layout, wanted) = (catalog.layout().ok()?, catalog.replicas().ok()?);
        let is_full = |member: &&MemberId| {
            self.shared.spaces.of(**member).is_some_and(|space| space.level() >= DiskLevel::Filling)
        };
        let full = layout.members.keys().filter(is_full).count();
        let needed = write_quorum(layout.replicas(wanted));
        (full > 0 && layout.members.len().saturating_sub(full) < needed).then_some(full)
    }
}
