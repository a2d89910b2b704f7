//! Members, and whether one is well.

use super::layout::Drain;
use cluster::catalog::MemberState;
use cluster::chunk::DiskSpace;
use cluster::cluster::{Drain as MemberDrain, MemberView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A member of the cluster.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Member {
    pub(crate) id: u64,
    /// Whether it decides with the others what is committed.
    pub(crate) is_voter: bool,
    /// Whether it is sent all that is committed, and does not decide.
    is_learner: bool,
    pub(crate) is_leader: bool,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Where other members reach it; not there before it has said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Where its API answers; not there when it listens on all addresses of its machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_address: Option<String>,
    /// The zone that it asked for when it joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    /// The weight that it asked for when it joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u16>,
    state: Stage,
    /// Since when it is in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    since_ms: Option<u64>,
    /// Whether it answers the member that was asked.
    is_reachable: bool,
    /// Whether it answers requests.
    is_ready: bool,
    /// The version of its program, while it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// How far it is when it is not in the layout: whether it holds anything that is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    drain: Option<Drain>,
    /// How much room its disk has; none when nothing was heard of it lately.
    disk: Option<MemberDisk>,
}

/// How much room a member's disk has.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct MemberDisk {
    pub(crate) free_bytes: u64,
    pub(crate) total_bytes: u64,
    /// `ample`, `low`, `filling` (no new sessions), or `scarce` (no recordings).
    pub(crate) level: &'static str,
}

/// How far a member is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    /// It does not know yet what the others know.
    Joining,
    Member,
    /// It was removed, and is let go as soon as others have taken its place.
    Leaving,
}

impl Member {
    /// A member, what was heard of its disk, and how far those are that are not in the layout.
    pub(crate) fn new(view: MemberView, disk: Option<DiskSpace>, drains: &[MemberDrain]) -> Self {
        let drain = drains.iter().find(|drain| drain.member == view.id).map(Drain::from);
        let disk = disk.map(|space| MemberDisk {
            free_bytes: space.free_bytes,
            total_bytes: space.total_bytes,
            level: space.level().as_str(),
        });
        let MemberView { id, row, is_voter, is_learner, is_leader, hello } = view;
        let state = match row.as_ref().map(|row| row.state) {
            Some(MemberState::Joining) => Stage::Joining,
            Some(MemberState::Removed) => Stage::Leaving,
            Some(MemberState::Member) | None => Stage::Member,
        };
        let since_ms = row.as_ref().map(|row| row.since_ms);
        let weight = row.as_ref().map(|row| row.weight);
        let (name, address, api_address, zone) = row.map_or((None, None, None, None), |row| {
            let told = |text: String| Some(text).filter(|text| !text.is_empty());
            (told(row.name), told(row.address), row.api_address.and_then(told), told(row.zone))
        });
        Self {
            id: id.0,
            is_voter,
            is_learner,
            is_leader,
            name,
            address,
            api_address,
            zone,
            weight,
            state,
            since_ms,
            is_reachable: hello.is_some(),
            is_ready: hello.as_ref().is_some_and(|hello| hello.is_ready),
            version: hello.map(|hello| hello.version),
            drain,
            disk,
        }
    }
}

/// How a member goes.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    /// Whether it is given up as lost, with all that it held. Only for one that does not answer.
    #[serde(default)]
    pub(crate) dead: bool,
}

/// Who takes the place of a lost member.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replacement {
    /// Another member, which has joined.
    pub(crate) by: u64,
}

/// That a member is well; one that is not answers with a problem.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Health {
    pub(crate) status: &'static str,
}
