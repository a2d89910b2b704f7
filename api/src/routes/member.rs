//! The members of the cluster.

use actix_web::get;
use actix_web::web::{Data, Json};
use cluster::MemberStatus;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, ClusterRead};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_members);
}

/// The members of the cluster
///
/// Those that are not in the layout look through their folders, which may take some seconds.
#[utoipa::path(tag = "cluster", responses((status = 200, description = "the members", body = Vec<dto::Member>), Problems))]
#[get("/v1/cluster/members")]
pub(super) async fn list_members(
    _: Allowed<ClusterRead>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::Member>>, Problem> {
    // Who the members are is known without a leader.
    let drains = state.cluster.drains().await.unwrap_or_default();
    let disks = state.cluster.disks();
    let member = |status: MemberStatus| dto::Member::new(status, disks.get(&status.id).copied(), &drains);
    Ok(Json(state.cluster.members().into_iter().map(member).collect()))
}
