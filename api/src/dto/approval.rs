//! Approvals: that somebody watches a session, where a parameter asks for them.

use cluster::catalog::{ApprovalId, ApprovalRow, ApprovalState, ApprovalWord};
use cluster::id::RecordingId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody wants to watch a session.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApproval {
    /// Why.
    pub(crate) reason: String,
    /// The ticket that asks for it.
    #[serde(default)]
    pub(crate) ticket: String,
    /// From when on; at once without.
    pub(crate) from_ms: Option<u64>,
    /// Until when: at most 31 days.
    pub(crate) until_ms: u64,
}

/// What another person says to it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalAnswer {
    /// Whether they may. An approval that was given can be taken back; one that was denied is asked for anew.
    pub(crate) approved: bool,
    #[serde(default)]
    pub(crate) reason: String,
}

/// An approval.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Approval {
    pub(crate) id: String,
    pub(crate) session: String,
    /// `asked`, `approved` or `denied`.
    pub(crate) state: &'static str,
    pub(crate) asked_by: String,
    pub(crate) asked_ms: u64,
    pub(crate) reason: String,
    pub(crate) ticket: String,
    pub(crate) from_ms: u64,
    pub(crate) until_ms: u64,
    /// Who has approved or denied it.
    pub(crate) decided: Option<Decided>,
}

/// What somebody has decided.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Decided {
    pub(crate) by: String,
    pub(crate) reason: String,
    pub(crate) at_ms: u64,
}

impl Approval {
    /// An approval of a session.
    pub(crate) fn new(session: RecordingId, id: ApprovalId, row: ApprovalRow) -> Self {
        let (state, decided) = match row.state {
            ApprovalState::Asked => ("asked", None),
            ApprovalState::Approved(word) => ("approved", Some(word)),
            ApprovalState::Denied(word) => ("denied", Some(word)),
        };
        Self {
            id: id.to_string(),
            session: session.to_string(),
            state,
            asked_by: row.asked_by,
            asked_ms: row.asked_ms,
            reason: row.reason,
            ticket: row.ticket,
            from_ms: row.from_ms,
            until_ms: row.until_ms,
            decided: decided.map(|ApprovalWord { by, reason, at_ms }| Decided { by, reason, at_ms }),
        }
    }
}
