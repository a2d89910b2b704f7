//! Who may see one session, or may not.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, put};
use cluster::catalog::{Command, PutAccess, Tagged};
use cluster::id::RecordingId;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Asked, Auditors, OneSession};
use crate::dto;
use crate::precondition::{only_if, tagged};
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show_auditors).service(put_auditors);
}

/// The auditors of a session, and to whom it is denied
#[utoipa::path(
    tag = "sessions",
    params(("id" = String, Path, description = "the session")),
    responses((status = 200, description = "the users", body = dto::Access, headers(("ETag" = String))), Problems)
)]
#[get("/v1/sessions/{id}/auditors")]
pub(super) async fn show_auditors(
    allowed: Allowed<Auditors, OneSession>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    shown(&state, allowed.target.id).await
}

/// Names the auditors of a session, and to whom it is denied
#[utoipa::path(
    tag = "sessions",
    params(
        ("id" = String, Path, description = "the session"),
        ("If-Match" = Option<String>, Header, description = "the ETag of a GET, or `*` for whatever is there")
    ),
    request_body = dto::NewAccess,
    responses(
        (status = 200, description = "the users from here on", body = dto::Access, headers(("ETag" = String))),
        (status = 412, description = "it is not as it was when it was looked at"),
        (status = 422, description = "a name is not allowed, or there are too many"),
        (status = 428, description = "without If-Match"),
        Problems
    )
)]
#[put("/v1/sessions/{id}/auditors")]
pub(super) async fn put_auditors(
    Asked { allowed, body }: Asked<Auditors, dto::NewAccess, OneSession>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let recording = allowed.target.id;
    let dto::NewAccess { auditors, denied } = body;
    let (expected_version, by) = (None, allowed.caller.name.clone());
    let command = Command::PutAccess(PutAccess { recording, auditors, denied, expected_version, by });
    allowed.submit(only_if(&request, Tagged::Access(recording), command)?).await?;
    shown(&state, recording).await
}

async fn shown(state: &ApiState, recording: RecordingId) -> Result<HttpResponse, Problem> {
    tagged(state, &Tagged::Access(recording), || {
        Ok(dto::Access::from(state.cluster.catalog()?.access(recording)?))
    })
    .await
}
