//! The keys that wrap all keys of recordings.

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, ClusterManage, ClusterRead};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show_keks).service(rotate_kek);
}

/// Which keys wrap the keys of recordings, and which members hold them
#[utoipa::path(tag = "cluster", responses((status = 200, description = "the KEKs", body = dto::Keks), Problems))]
#[get("/v1/cluster/kek")]
pub(super) async fn show_keks(
    _: Allowed<ClusterRead>,
    state: Data<ApiState>,
) -> Result<Json<dto::Keks>, Problem> {
    keks(&state).map(Json)
}

/// Makes another KEK
///
/// It wraps new keys once all members hold it. Then all keys are wrapped anew, and each member deletes the older KEK. A next one
/// that is not in use yet is given up.
#[utoipa::path(
    tag = "cluster",
    responses((status = 202, description = "the KEKs from here on", body = dto::Keks), Problems)
)]
#[post("/v1/cluster/kek/rotate")]
pub(super) async fn rotate_kek(
    allowed: Allowed<ClusterManage>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let (_, command) = state.cluster.make_kek(allowed.caller.name.clone()).await?;
    allowed.submit(command).await?;
    Ok(HttpResponse::Accepted().json(keks(&state)?))
}

fn keks(state: &ApiState) -> Result<dto::Keks, Problem> {
    let catalog = state.cluster.catalog()?;
    Ok(dto::Keks::new(catalog.keks()?, &catalog.kek_members()?))
}
