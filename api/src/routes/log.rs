//! What happened in a session.

use actix_web::get;
use actix_web::web::{Data, Json};
use policy::Action;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::audit::Shown;
use crate::auth::{Allowed, Logs, OneSession};
use crate::dto;
use crate::log;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show_log);
}

/// What happened in a session that has ended, in the order of media time
///
/// What was typed, and that there were clipboards, is told to those alone who hold Keystrokes.
#[utoipa::path(
    tag = "recordings",
    params(("id" = String, Path, description = "the session")),
    responses(
        (status = 200, description = "the log", body = dto::Log),
        (status = 409, description = "the session has not ended, or it is not indexed yet, and Retry-After says when to ask again"),
        (status = 410, description = "the session was purged"),
        (status = 422, description = "the recording cannot be indexed"),
        Problems
    )
)]
#[get("/v1/sessions/{id}/logs")]
pub(super) async fn show_log(
    allowed: Allowed<Logs, OneSession>,
    state: Data<ApiState>,
) -> Result<Json<dto::Log>, Problem> {
    let sees_keystrokes = allowed.may(Action::Keystrokes);
    let log = log::of(&state, &allowed.target, sees_keystrokes).await?;
    let entries = u64::try_from(log.entries.len()).unwrap_or(u64::MAX);
    let action = if sees_keystrokes { Action::Keystrokes } else { Action::Logs };
    allowed.viewer(action, Shown::Log).sees(0..entries).await?;
    Ok(Json(log))
}
