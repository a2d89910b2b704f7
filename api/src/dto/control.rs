//! What persons do to a live session.

use cluster::catalog::{ControlKind, ControlRow, SessionState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a session is blocked or dropped.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ControlReason {
    /// 1 to 1024 bytes; the session's log and the audit log tell it.
    pub(crate) reason: String,
}

/// How a session stands, for its recorder and for who watches it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Control {
    /// `live`, how it ended, or `purging`.
    pub(crate) state: &'static str,
    /// Who has its user's input held back, and why; none when it is let through.
    pub(crate) blocked: Option<Blocked>,
    /// What its user is to be shown.
    pub(crate) message: Option<&'static str>,
}

/// Somebody has a user's input held back.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Blocked {
    pub(crate) by: String,
    pub(crate) at_ms: u64,
    pub(crate) reason: String,
}

impl Blocked {
    /// The block that stands, if there is one: of a live session the newest thing that was done to it.
    pub(crate) fn standing(state: &SessionState, newest: Option<ControlRow>) -> Option<Self> {
        let ControlRow { kind, reason, by, at_ms } = newest?;
        let is_blocked = *state == SessionState::Live && kind == ControlKind::Blocked;
        is_blocked.then_some(Self { by, at_ms, reason })
    }
}
