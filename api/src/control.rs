//! What is done to live sessions, as their recorders hear of it.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Data;
use cluster::catalog::{Command, ControlKind, ControlSession, End, SessionState};
use cluster::id::RecordingId;

use crate::auth::{Allowed, OneSession};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;
use crate::watch::Watch;

/// What the user of a dropped session is shown.
pub(crate) const DROPPED_MESSAGE: &str = "You have been disconnected";
/// How often a session is looked at while somebody waits: they hear well within a second.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What a recorder has to heed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Nothing.
    GoOn,
    /// To hold back the user's input, and to go on recording.
    Block,
    /// To disconnect the user.
    Drop,
}

/// What the recorder of a session has to heed.
pub(crate) fn order(state: &ApiState, session: RecordingId) -> Result<Order, Problem> {
    let newest = state.cluster.catalog()?.control(session)?;
    Ok(match newest.map(|row| row.kind) {
        Some(ControlKind::Blocked) => Order::Block,
        Some(ControlKind::Dropped) => Order::Drop,
        Some(ControlKind::Unblocked) | None => Order::GoOn,
    })
}

/// Does something to a live session, and says how it stands then.
pub(crate) async fn submit<A>(
    state: &ApiState,
    allowed: &Allowed<A, OneSession>,
    kind: ControlKind,
    reason: String,
) -> Result<dto::Control, Problem> {
    let (recording, by) = (allowed.target.id, allowed.caller.name.clone());
    allowed.submit(Command::ControlSession(ControlSession { recording, kind, reason, by })).await?;
    standing(state, recording)
}

/// Seals what a dropped session has recorded. When that fails, its owner does it once its recorder is away.
pub(crate) async fn seal(state: &ApiState, session: RecordingId) {
    if let Err(error) = state.cluster.seal(session.into()).await {
        tracing::warn!(%session, %error, "the recording of a dropped session is not sealed yet");
    }
}

/// How a session stands.
pub(crate) fn standing(state: &ApiState, session: RecordingId) -> Result<dto::Control, Problem> {
    let catalog = state.cluster.catalog()?;
    let row = catalog.session(session)?.ok_or_else(Problem::not_found)?;
    let is_dropped = matches!(row.state, SessionState::Ended { end: End::Dropped, .. });
    Ok(dto::Control {
        state: row.state.name(),
        blocked: dto::Blocked::standing(&row.state, catalog.control(session)?),
        message: is_dropped.then_some(DROPPED_MESSAGE),
    })
}

/// How a session stands, whenever that changes, until it has ended.
pub(crate) fn events(state: Data<ApiState>, session: RecordingId) -> HttpResponse {
    let look = move |state: &ApiState| {
        let standing = standing(state, session)?;
        let is_over = standing.state != SessionState::Live.name();
        Ok((standing, is_over))
    };
    Watch { state, event: "session", look_every: LOOK_EVERY, look }.events()
}
