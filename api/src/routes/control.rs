//! Live sessions: blocked, let through again, dropped, and how a recorder hears of it.

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, post, put};
use cluster::catalog::ControlKind;
use policy::Action;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Any, Asked, Block, Drop, OneSession, SessionOrTombstone};
use crate::control;
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(block_session).service(unblock_session).service(drop_session).service(session_events);
}

/// Has the input of a live session's user held back
///
/// The recording goes on: the recorder's answers say `session-blocked`, and what they carry is kept all the same.
#[utoipa::path(
    tag = "sessions",
    params(("id" = String, Path, description = "the session")),
    request_body = dto::ControlReason,
    responses(
        (status = 200, description = "how the session stands from here on", body = dto::Control),
        (status = 409, description = "the session has ended"),
        (status = 422, description = "the reason is missing or too long, or the session was blocked too often"),
        Problems
    )
)]
#[put("/v1/sessions/{id}/block")]
pub(super) async fn block_session(
    Asked { allowed, body }: Asked<Block, dto::ControlReason, OneSession>,
    state: Data<ApiState>,
) -> Result<Json<dto::Control>, Problem> {
    control::submit(&state, &allowed, ControlKind::Blocked, body.reason).await.map(Json)
}

/// Has the input of a live session's user let through again
#[utoipa::path(
    tag = "sessions",
    params(("id" = String, Path, description = "the session")),
    responses(
        (status = 200, description = "how the session stands from here on", body = dto::Control),
        (status = 409, description = "the session has ended"),
        Problems
    )
)]
#[delete("/v1/sessions/{id}/block")]
pub(super) async fn unblock_session(
    allowed: Allowed<Block, OneSession>,
    state: Data<ApiState>,
) -> Result<Json<dto::Control>, Problem> {
    control::submit(&state, &allowed, ControlKind::Unblocked, String::new()).await.map(Json)
}

/// Ends a live session
///
/// Its recorder hears `session-dropped` and shows its user "You have been disconnected". What was acknowledged until then
/// is sealed.
#[utoipa::path(
    tag = "sessions",
    params(("id" = String, Path, description = "the session")),
    request_body = dto::ControlReason,
    responses(
        (status = 200, description = "how the session stands from here on", body = dto::Control),
        (status = 409, description = "the session has ended"),
        (status = 422, description = "the reason is missing or too long"),
        Problems
    )
)]
#[post("/v1/sessions/{id}/drop")]
pub(super) async fn drop_session(
    Asked { allowed, body }: Asked<Drop, dto::ControlReason, OneSession>,
    state: Data<ApiState>,
) -> Result<Json<dto::Control>, Problem> {
    let standing = control::submit(&state, &allowed, ControlKind::Dropped, body.reason).await?;
    control::seal(&state, allowed.target.id).await;
    Ok(Json(standing))
}

/// What is done to a session, as server-sent events: `session` with how it stands whenever that changes, until it has ended
///
/// For its recorder, and for who may read the session. A change is told within a second, on every member.
#[utoipa::path(
    tag = "sessions",
    params(("id" = String, Path, description = "the session")),
    responses(
        (status = 200, description = "the events; the data of each is a `Control`", body = String, content_type = "text/event-stream"),
        Problems
    )
)]
#[get("/v1/sessions/{id}/events")]
pub(super) async fn session_events(
    allowed: Allowed<Any, SessionOrTombstone>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    if !allowed.may(Action::Record)
        && let Err(problem) = allowed.also(Action::Read)
    {
        // What is hidden must take the steps of what is not there.
        state.cluster.read_index().await?;
        return Err(problem);
    }
    Ok(control::events(state, allowed.target.0.id))
}
