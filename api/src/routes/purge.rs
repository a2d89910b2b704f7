//! Purging: by a person now, and by age as the plan says.

use actix_web::web::{Data, Json, Query};
use actix_web::{HttpResponse, get, post};
use cluster::catalog::{Command, Purge as PurgeSession, PurgeCause};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{AllSessions, Allowed, AskedOnce, OneSession, Purge, SessionOrTombstone};
use crate::dto;
use crate::problem::Problem;
use crate::purge_plan;
use crate::report;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(purge_session).service(show_purge_plan);
}

/// Purges an ended session: its keys are gone when this answers, its bytes follow on every member
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
    request_body = dto::PurgeRequest,
    responses(
        (status = 202, description = "nothing of it can be read from here on", body = dto::Report),
        (status = 409, description = "it has not ended, or a hold keeps it"),
        (status = 410, description = "it was purged before"),
        (status = 422, description = "the reason is missing, or the key was used for another request"),
        Problems
    )
)]
#[post("/v1/sessions/{id}/purge")]
pub(super) async fn purge_session(
    AskedOnce { allowed, body, key }: AskedOnce<Purge, dto::PurgeRequest, SessionOrTombstone>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let recording = allowed.target.0.id;
    let cause = PurgeCause::Person { by: allowed.caller.name.clone(), reason: body.reason };
    // What was purged is refused by the command: unless this very request did it.
    let command = key.wrap(Vec::new(), Command::Purge(PurgeSession { recording, cause }));
    allowed.submit(command).await?;
    let row = state.cluster.catalog()?.session(recording)?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Accepted().json(report::report(&state, OneSession { id: recording, row }).await?))
}

/// What would be purged by age now or at another time; nothing is
#[utoipa::path(
    tag = "retention",
    params(dto::PurgePlanQuery),
    responses((status = 200, description = "a page of the plan", body = dto::PurgePlan), Problems)
)]
#[get("/v1/purge-plan")]
pub(super) async fn show_purge_plan(
    allowed: Allowed<Purge, AllSessions>,
    query: Query<dto::PurgePlanQuery>,
    state: Data<ApiState>,
) -> Result<Json<dto::PurgePlan>, Problem> {
    purge_plan::page(&state, &allowed, &query).map(Json)
}
