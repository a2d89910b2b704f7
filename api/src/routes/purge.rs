//! Purging: by a person now, and by age as the plan says.

use actix_web::web::{Data, Json, Query};
use actix_web::{HttpResponse, get, post};
use cluster::catalog::{Command, Purge as PurgeSession, PurgeCause};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{AllSessions, Allowed, Asked, OneSession, Purge};
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
    params(("id" = String, Path, description = "the session")),
    request_body = dto::PurgeRequest,
    responses(
        (status = 202, description = "nothing of it can be read from here on", body = dto::Report),
        (status = 409, description = "it has not ended, or a hold keeps it"),
        (status = 410, description = "it was purged before"),
        Problems
    )
)]
#[post("/v1/sessions/{id}/purge")]
pub(super) async fn purge_session(
    Asked { allowed, body }: Asked<Purge, dto::PurgeRequest, OneSession>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let OneSession { id: recording, .. } = allowed.target;
    let cause = PurgeCause::Person { by: allowed.caller.name, reason: body.reason };
    state.cluster.submit(Command::Purge(PurgeSession { recording, cause })).await?;
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
