//! Who may see one session, or may not.

use actix_web::web::{Data, Json};
use actix_web::{get, put};
use cluster::catalog::{Command, PutAccess};
use cluster::id::RecordingId;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Asked, Auditors, OneSession};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show_auditors).service(put_auditors);
}

/// The auditors of a session, and to whom it is denied
#[utoipa::path(
    tag = "sessions",
    params(("id" = String, Path, description = "the session")),
    responses((status = 200, description = "the users", body = dto::Access), Problems)
)]
#[get("/v1/sessions/{id}/auditors")]
pub(super) async fn show_auditors(
    allowed: Allowed<Auditors, OneSession>,
    state: Data<ApiState>,
) -> Result<Json<dto::Access>, Problem> {
    shown(&state, allowed.target.id)
}

/// Names the auditors of a session, and to whom it is denied
#[utoipa::path(
    tag = "sessions",
    params(("id" = String, Path, description = "the session")),
    request_body = dto::NewAccess,
    responses(
        (status = 200, description = "the users from here on", body = dto::Access),
        (status = 412, description = "somebody has changed it"),
        (status = 422, description = "a name is not allowed, or there are too many"),
        Problems
    )
)]
#[put("/v1/sessions/{id}/auditors")]
pub(super) async fn put_auditors(
    Asked { allowed, body }: Asked<Auditors, dto::NewAccess, OneSession>,
    state: Data<ApiState>,
) -> Result<Json<dto::Access>, Problem> {
    let recording = allowed.target.id;
    let dto::NewAccess { auditors, denied, expected_version } = body;
    let command = PutAccess { recording, auditors, denied, expected_version, by: allowed.caller.name };
    state.cluster.submit(Command::PutAccess(command)).await?;
    shown(&state, recording)
}

fn shown(state: &ApiState, recording: RecordingId) -> Result<Json<dto::Access>, Problem> {
    Ok(Json(state.cluster.catalog()?.access(recording)?.into()))
}
