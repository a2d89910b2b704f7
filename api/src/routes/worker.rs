//! Background work of the members.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, get, put};
use cluster::id::MemberId;
use policy::Action;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Asked, ClusterManage, ClusterRead};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_workers).service(order_worker);
}

/// The workers of all members
#[utoipa::path(tag = "cluster", responses((status = 200, description = "the workers, by member", body = dto::Workers), Problems))]
#[get("/v1/cluster/workers")]
pub(super) async fn list_workers(
    _: Allowed<ClusterRead>,
    state: Data<ApiState>,
) -> Result<Json<dto::Workers>, Problem> {
    Ok(Json(state.cluster.workers().await.into()))
}

/// Pauses, resumes or starts a worker
///
/// Members forget it at their end. `start` begins a new round of `scrub` and of `forget`, which rewrites what may hold something of
/// purged sessions, and has `resync` look for everything that is missing.
#[utoipa::path(
    tag = "cluster",
    params(("name" = String, Path, description = "the worker")),
    request_body = dto::NewOrder,
    responses(
        (status = 200, description = "how it is on the members that were told", body = dto::Workers),
        Problems
    )
)]
#[put("/v1/cluster/workers/{name}")]
pub(super) async fn order_worker(
    Asked { allowed, body }: Asked<ClusterManage, dto::NewOrder>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<Json<dto::Workers>, Problem> {
    let name = request.match_info().get("name").unwrap_or_default();
    let dto::NewOrder { order, member } = body;
    let on = member.map_or_else(|| "all members".to_owned(), |member| format!("member {member}"));
    if !state.cluster.workers_here().iter().any(|worker| worker.name == name) {
        return Err(Problem::not_found());
    }
    allowed.announce(Action::ClusterManage, format!("{} {name} on {on}", order.as_str())).await?;
    let told = state.cluster.order_worker(name, member.map(MemberId), order.into()).await?;
    Ok(Json(told.into()))
}
