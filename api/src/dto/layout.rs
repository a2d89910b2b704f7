//! The layout: which members hold copies.

use cluster::catalog::{self, StagedLayout};
use cluster::cluster::{Drain as MemberDrain, LayoutMember as Seen, LayoutView, MemberWorkers, WorkerStatus};
use cluster::id::MemberId;
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
    /// Copies that it lacks, as its newest survey has found, and so also those that another value of `replicas` gives it, by which
    /// no layout is settled or not; none when it does not answer.
    missing_chunks: Option<u64>,
    /// Copies that it is to drop, likewise.
    surplus_chunks: Option<u64>,
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
            missing_chunks: worker(workers, member, "resync")
                .and_then(|resync| resync.counts.get("missing_now").copied()),
            surplus_chunks: worker(workers, member, "rebalance").and_then(|rebalance| rebalance.queue),
        }
    }
}

fn worker<'a>(workers: &'a [MemberWorkers], member: MemberId, name: &str) -> Option<&'a WorkerStatus> {
    let of_member = workers.iter().find(|workers| workers.member == member)?;
    of_member.workers.iter().flatten().find(|worker| worker.name == name)
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

    use cluster::cluster::WorkerState;

    use super::*;

    #[test]
    fn members_tell_what_they_lack_and_have_too_much_and_who_is_silent_tells_nothing() {
        let status = |name: &str, queue: u64, missing: u64| WorkerStatus {
            name: name.to_owned(),
            state: WorkerState::Busy,
            progress_permille: None,
            queue: Some(queue),
            eta_ms: None,
            last_error: None,
            counts: BTreeMap::from([("missing_now".to_owned(), missing)]),
        };
        let workers = [
            MemberWorkers {
                member: MemberId(1),
                workers: Some(vec![status("resync", 9, 7), status("rebalance", 2, 0)]),
            },
            MemberWorkers { member: MemberId(2), workers: None },
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
        let told = [1, 2, 3].map(|member| {
            let shown = LayoutMember::new(seen(member), &workers);
            (shown.missing_chunks, shown.surplus_chunks)
        });
        assert_eq!(told, [(Some(7), Some(2)), (None, None), (None, None)]);
    }
}
