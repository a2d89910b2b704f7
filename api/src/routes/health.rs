//! Whether this member lives, is ready, and what it has counted.

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::dto;
use crate::problem::{Body, Problem};
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(livez).service(readyz);
}

/// Whether the process answers
#[utoipa::path(tag = "health", responses((status = 200, description = "it is", body = dto::Health)), security(()))]
#[get("/livez")]
pub(crate) async fn livez() -> Json<dto::Health> {
    Json(dto::Health { status: "live" })
}

/// Whether this member knows what is committed and a leader
#[utoipa::path(
    tag = "health",
    responses(
        (status = 200, description = "it is", body = dto::Health),
        (status = 503, description = "it is not; Retry-After says when to ask again", body = Body, content_type = "application/problem+json")
    ),
    security(())
)]
#[get("/readyz")]
pub(crate) async fn readyz(state: Data<ApiState>) -> Result<Json<dto::Health>, Problem> {
    state.cluster.catalog()?;
    match state.cluster.members().iter().any(|member| member.is_leader) {
        true => Ok(Json(dto::Health { status: "ready" })),
        false => Err(Problem::not_ready("this member knows no leader")),
    }
}

/// What this process has counted; on the listener of metrics alone.
#[get("/metrics")]
pub(crate) async fn metrics(state: Data<ApiState>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(state.metrics.render(&state.cluster.workers_here(), state.cluster.disk_here()))
}
