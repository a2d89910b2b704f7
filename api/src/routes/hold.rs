//! Holds: what keeps a session from being purged.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Json, Query};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use cluster::catalog::{Command, HoldId, PlaceHold, ReleaseHold as Release, Tagged};
use cluster::id::RecordingId;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, AskedOnce, OneSession, PreventPurge, Read, ReleaseHold, SessionOrTombstone};
use crate::dto;
use crate::once::Done;
use crate::precondition::{found, only_if, tagged, with_tag};
use crate::problem::Problem;
use crate::report;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_holds).service(show_hold).service(place_hold).service(release_hold);
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

/// A hold of a session
#[utoipa::path(
    tag = "retention",
    params(
        ("id" = String, Path, description = "the session"),
        ("hold" = String, Path, description = "the hold")
    ),
    responses((status = 200, description = "the hold", body = dto::Hold, headers(("ETag" = String))), Problems)
)]
#[get("/v1/sessions/{id}/holds/{hold}")]
pub(super) async fn show_hold(
    allowed: Allowed<Read, SessionOrTombstone>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let recording = allowed.target.0.id;
    let hold = found(&state, || named(&state, recording, &request)).await?;
    tagged(&state, &Tagged::Hold { recording, hold }, || shown(&state, recording, hold)).await
}

/// Keeps a session from being purged
#[utoipa::path(
    tag = "retention",
    params(
        ("id" = String, Path, description = "the session"),
        (
            "Idempotency-Key" = Option<String>,
            Header,
            description = "1 to 128 characters of the caller's choice: the same request under the same key is done once within a day"
        )
    ),
    request_body = dto::NewHold,
    responses(
        (status = 201, description = "the hold", body = dto::Hold, headers(("Location" = String), ("ETag" = String))),
        (status = 410, description = "the session was purged"),
        (status = 422, description = "the justification is missing, or the hold would be over, or the key was used for another request"),
        Problems
    )
)]
#[post("/v1/sessions/{id}/holds")]
pub(super) async fn place_hold(
    AskedOnce { allowed, body, key }: AskedOnce<PreventPurge, dto::NewHold, OneSession>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let recording = allowed.target.id;
    let mut id = [0; 16];
    state.random.fill(&mut id)?;
    let hold = HoldId(id);
    let dto::NewHold { justification, expires_ms } = body;
    let by = allowed.caller.name.clone();
    let command = PlaceHold { hold, recording, justification, expires_ms, by };
    let command = key.wrap(id.to_vec(), Command::PlaceHold(command));
    let hold = HoldId(Done::of(allowed.submit(command).await?, id.to_vec()).id()?);
    let location = format!("/v1/sessions/{recording}/holds/{hold}");
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, location));
    with_tag(response, &state, &Tagged::Hold { recording, hold }, || shown(&state, recording, hold))
}

/// Releases a hold; where two persons are needed, each asks once
#[utoipa::path(
    tag = "retention",
    params(
        ("id" = String, Path, description = "the session"),
        ("hold" = String, Path, description = "the hold"),
        ("If-Match" = Option<String>, Header, description = "the ETag of a GET, or `*` for whatever it is"),
        dto::ReleaseQuery
    ),
    responses(
        (
            status = 200,
            description = "the hold as it is from here on",
            body = dto::Hold,
            headers(("ETag" = String))
        ),
        (status = 409, description = "it was released, or another person is needed"),
        (status = 412, description = "it is not as it was when it was looked at"),
        (status = 428, description = "without If-Match"),
        Problems
    )
)]
#[delete("/v1/sessions/{id}/holds/{hold}")]
pub(super) async fn release_hold(
    allowed: Allowed<ReleaseHold, OneSession>,
    query: Query<dto::ReleaseQuery>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let recording = allowed.target.id;
    // It may be a moment old, and placed on another member.
    state.cluster.read_index().await?;
    let hold = named(&state, recording, &request)?;
    let (reason, by) = (query.into_inner().reason, allowed.caller.name.clone());
    let row = Tagged::Hold { recording, hold };
    let command = Command::ReleaseHold(Release { hold, recording, reason, by });
    allowed.submit(only_if(&request, row.clone(), command)?).await?;
    tagged(&state, &row, || shown(&state, recording, hold)).await
}

fn named(state: &ApiState, recording: RecordingId, request: &HttpRequest) -> Result<HoldId, Problem> {
    let text = request.match_info().get("hold").unwrap_or_default();
    let holds = state.cluster.catalog()?.holds(recording)?;
    let hold = holds.into_iter().map(|(id, _)| id).find(|id| id.to_string() == text);
    hold.ok_or_else(Problem::not_found)
}

fn shown(state: &ApiState, recording: RecordingId, hold: HoldId) -> Result<dto::Hold, Problem> {
    let text = hold.to_string();
    report::holds(state, recording)?.into_iter().find(|one| one.id == text).ok_or_else(Problem::not_found)
}
