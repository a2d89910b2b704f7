//! The cluster's time, and whether purging by it stands still.

use actix_web::web::{Data, Json};
use actix_web::{get, post};
use cluster::catalog::Command;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, ClusterManage, ClusterRead};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show_clock).service(confirm_clock);
}

/// The cluster's time, by which everything is kept and purged
#[utoipa::path(tag = "cluster", responses((status = 200, description = "the time", body = dto::Clock), Problems))]
#[get("/v1/cluster/clock")]
pub(super) async fn show_clock(
    _: Allowed<ClusterRead>,
    state: Data<ApiState>,
) -> Result<Json<dto::Clock>, Problem> {
    clock(&state)
}

/// Says that an operator has looked at the members' clocks: what the time lets purge or expire may go on
#[utoipa::path(
    tag = "cluster",
    responses((status = 200, description = "the time from here on", body = dto::Clock), Problems)
)]
#[post("/v1/cluster/clock/confirm")]
pub(super) async fn confirm_clock(
    allowed: Allowed<ClusterManage>,
    state: Data<ApiState>,
) -> Result<Json<dto::Clock>, Problem> {
    let by = allowed.caller.name.clone();
    allowed.submit(Command::ConfirmClock { by }).await?;
    clock(&state)
}

fn clock(state: &ApiState) -> Result<Json<dto::Clock>, Problem> {
    Ok(Json(dto::Clock::from(state.cluster.catalog()?.clock()?)))
}
