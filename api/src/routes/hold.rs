//! Holds: what keeps a session from being purged.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Json, Query};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use cluster::catalog::{Command, HoldId, PlaceHold, ReleaseHold as Release};
use cluster::id::RecordingId;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Asked, OneSession, PreventPurge, Read, ReleaseHold, SessionOrTombstone};
use crate::dto;
use crate::problem::Problem;
use crate::report;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_holds).service(place_hold).service(release_hold);
}

/// The holds of a session, released ones included
#[utoipa::path(
    tag = "retention",
    params(("id" = String, Path, description = "the session")),
    responses((status = 200, description = "the holds", body = Vec<dto::Hold>), Problems)
)]
#[get("/v1/sessions/{id}/holds")]
pub(super) async fn list_holds(
    allowed: Allowed<Read, SessionOrTombstone>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::Hold>>, Problem> {
    report::holds(&state, allowed.target.0.id).map(Json)
}

/// Keeps a session from being purged
#[utoipa::path(
    tag = "retention",
    params(("id" = String, Path, description = "the session")),
    request_body = dto::NewHold,
    responses(
        (status = 201, description = "the hold", body = dto::Hold, headers(("Location" = String))),
        (status = 410, description = "the session was purged"),
        (status = 422, description = "the justification is missing, or the hold would be over"),
        Problems
    )
)]
#[post("/v1/sessions/{id}/holds")]
pub(super) async fn place_hold(
    Asked { allowed, body }: Asked<PreventPurge, dto::NewHold, OneSession>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let recording = allowed.target.id;
    let mut id = [0; 16];
    state.random.fill(&mut id)?;
    let hold = HoldId(id);
    let dto::NewHold { justification, expires_ms } = body;
    let by = allowed.caller.name;
    let command = PlaceHold { hold, recording, justification, expires_ms, by };
    state.cluster.submit(Command::PlaceHold(command)).await?;
    let location = format!("/v1/sessions/{recording}/holds/{hold}");
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(shown(&state, recording, hold)?))
}

/// Releases a hold; where two persons are needed, each asks once
#[utoipa::path(
    tag = "retention",
    params(
        ("id" = String, Path, description = "the session"),
        ("hold" = String, Path, description = "the hold"),
        dto::ReleaseQuery
    ),
    responses(
        (status = 200, description = "the hold as it is from here on", body = dto::Hold),
        (status = 409, description = "it was released, or another person is needed"),
        Problems
    )
)]
#[delete("/v1/sessions/{id}/holds/{hold}")]
pub(super) async fn release_hold(
    allowed: Allowed<ReleaseHold, OneSession>,
    query: Query<dto::ReleaseQuery>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<Json<dto::Hold>, Problem> {
    let recording = allowed.target.id;
    let text = request.match_info().get("hold").unwrap_or_default();
    let holds = state.cluster.catalog()?.holds(recording)?;
    let hold = holds.into_iter().map(|(id, _)| id).find(|id| id.to_string() == text);
    let hold = hold.ok_or_else(Problem::not_found)?;
    let (reason, by) = (query.into_inner().reason, allowed.caller.name);
    state.cluster.submit(Command::ReleaseHold(Release { hold, recording, reason, by })).await?;
    shown(&state, recording, hold).map(Json)
}

fn shown(state: &ApiState, recording: RecordingId, hold: HoldId) -> Result<dto::Hold, Problem> {
    let text = hold.to_string();
    report::holds(state, recording)?.into_iter().find(|one| one.id == text).ok_or_else(Problem::not_found)
}
