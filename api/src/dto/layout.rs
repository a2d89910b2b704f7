//! The layout: which members hold copies.

use cluster::catalog::{self, StagedLayout};
use cluster::cluster::{Drain as MemberDrain, LayoutMember as Seen, LayoutView, MemberWorkers};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The layout that is applied, and the one that is staged.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Layout {
    /// Grows with each layout that is applied, not always by one; 0 before the first, when all voters hold copies alike.
    version: u64,
    /// Who applied it.
    applied_by: Option<String>,
    /// When.
    applied_ms: Option<u64>,
    /// On how many members each chunk is.
    replicas: usize,
    /// Whether every member holds what it is to hold, and nothing else. Another layout is applied only then.
    settled: bool,
    /// The members of this layout, of the staged one, and those that leave.
    members: Vec<LayoutMember>,
    /// What is applied next; none when nothing is staged.
    staged: Option<Staged>,
    /// Whether the bytes are estimated from a part of the recordings.
    is_estimate: bool,
}

/// What a member is to hold.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LayoutMember {
    member: u64,
    /// Its role; none when it is not in the layout.
    role: Option<LayoutRole>,
    /// Its role in the staged layout; none when it is not in that one.
    staged: Option<LayoutRole>,
    /// Whether it has said that it holds what it is to hold, and nothing else.
    settled: bool,
    /// The bytes of closed chunks that it is to hold.
    bytes: u64,
    /// Those that it would fetch if the staged layout were applied.
    in_bytes: u64,
    /// Those that it would drop.
    out_bytes: u64,
    /// Chunks that it has still to fetch, replace or drop, of those that were there when this layout and this value of `replicas`
    /// (by which no layout is settled or not) were first surveyed; none before that, and when it does not answer.
    moves_left: Option<u64>,
}

/// What a member is to hold, compared with the others.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LayoutRole {
    /// What fails together, at most 64 bytes. Copies are in as many zones as there are. Those without one are in one zone.
    #[serde(default)]
    zone: String,
    /// From 1 to 1000.
    weight: u16,
}

/// The layout that is applied next.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Staged {
    /// What `apply` names.
    version: u64,
    /// Who changed it last.
    by: String,
    /// When.
    at_ms: u64,
    /// How long its moves take at least, at `resync_mib_per_s`.
    eta_ms: Option<u64>,
}

/// Which staged layout is to be applied.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LayoutChoice {
    /// Its version: one that was staged meanwhile is refused.
    pub(crate) version: u64,
    /// Members that are gone for good: nobody waits until they have settled.
    #[serde(default)]
    pub(crate) dead: Vec<u64>,
}

/// How far a member is that is no more in the layout.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Drain {
    state: DrainState,
    /// Whether it has said that it has settled.
    settled: bool,
    /// Closed chunks in its folders that are needed; none when it does not answer.
    chunks: Option<u64>,
    /// Their bytes.
    bytes: Option<u64>,
    /// Open chunks.
    open: Option<u64>,
    /// Why it is not drained.
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum DrainState {
    /// It holds what others may not hold yet.
    Draining,
    /// A scan of its folders has found nothing that is needed.
    Drained,
    /// It does not answer.
    Unreachable,
}

impl Layout {
    /// What is seen of the layout, with what the members' workers say.
    pub(crate) fn new(view: LayoutView, workers: &[MemberWorkers]) -> Self {
        let LayoutView { applied, by, staged, members, replicas, is_estimate, eta_ms } = view;
        let (applied_by, applied_ms) = by.unzip();
        let staged =
            staged.map(|StagedLayout { version, by, at_ms, .. }| Staged { version, by, at_ms, eta_ms });
        Self {
            version: applied.version,
            applied_by,
            applied_ms,
            replicas,
            settled: members.iter().all(|member| member.is_settled),
            members: members.into_iter().map(|seen| LayoutMember::new(seen, workers)).collect(),
            staged,
            is_estimate,
        }
    }
}

impl LayoutMember {
    fn new(seen: Seen, workers: &[MemberWorkers]) -> Self {
        let Seen { member, role, staged, is_settled, bytes, in_bytes, out_bytes } = seen;
        let (role, staged) = (role.map(LayoutRole::from), staged.map(LayoutRole::from));
        Self {
            member: member.0,
            role,
            staged,
            settled: is_settled,
            bytes,
            in_bytes,
            out_bytes,
            moves_left: workers.iter().find(|told| told.member == member).and_then(MemberWorkers::moves_left),
        }
    }
}

impl From<catalog::LayoutRole> for LayoutRole {
    fn from(role: catalog::LayoutRole) -> Self {
        let catalog::LayoutRole { zone, weight } = role;
        Self { zone, weight }
    }
}

impl From<LayoutRole> for catalog::LayoutRole {
    fn from(role: LayoutRole) -> Self {
        let LayoutRole { zone, weight } = role;
        Self { zone, weight }
    }
}

impl From<&MemberDrain> for Drain {
    fn from(drain: &MemberDrain) -> Self {
        let residue = drain.residue.as_ref();
        let state = match residue {
            None => DrainState::Unreachable,
            Some(_) if drain.is_drained() => DrainState::Drained,
            Some(_) => DrainState::Draining,
        };
        Self {
            state,
            settled: drain.is_settled,
            chunks: residue.map(|residue| residue.chunks),
            bytes: residue.map(|residue| residue.bytes),
            open: residue.map(|residue| residue.open),
            reason: drain.reason(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cluster::cluster::{WorkerState, WorkerStatus};
    use cluster::id::MemberId;

    use super::*;

    #[test]
    fn members_tell_what_is_left_to_move_and_who_is_silent_or_has_not_looked_tells_nothing() {
        let counts = |counts: &[(&str, u64)]| {
            let counts: BTreeMap<_, _> =
                counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
            let name = "resync".to_owned();
            let (state, queue, eta_ms, last_error) = (WorkerState::Idle, None, None, None);
            Some(vec![WorkerStatus {
                name,
                state,
                progress_permille: None,
                queue,
                eta_ms,
                last_error,
                counts,
            }])
        };
        let told = |member, workers| MemberWorkers { member: MemberId(member), workers };
        let workers = [
            told(1, counts(&[("missing_now", 7), ("moves_left", 9)])),
            told(2, counts(&[("missing_now", 7)])),
            told(3, None),
        ];
        let seen = |member| Seen {
            member: MemberId(member),
            role: None,
            staged: None,
            is_settled: true,
            bytes: 0,
            in_bytes: 0,
            out_bytes: 0,
        };
        let left = [1, 2, 3, 4].map(|member| LayoutMember::new(seen(member), &workers).moves_left);
        assert_eq!(left, [Some(9), None, None, None]);
    }
}
