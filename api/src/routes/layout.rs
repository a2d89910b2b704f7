//! The layout: which members hold copies, and how that is changed.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, delete, get, post, put};
use cluster::catalog::{ApplyLayout, Command, StageLayout};
use cluster::id::MemberId;
use futures_util::future::join;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Asked, ClusterManage, ClusterRead};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(show_layout)
        .service(stage_member)
        .service(stage_without_member)
        .service(apply_layout)
        .service(revert_layout)
        .service(drain_member)
        .service(undrain_member);
}

/// The layout: which members hold copies, and what would move if the staged one were applied
///
/// Bytes are counted for two seconds at most, and estimated from then on.
#[utoipa::path(tag = "cluster", responses((status = 200, description = "the layout", body = dto::Layout), Problems))]
#[get("/v1/cluster/layout")]
pub(super) async fn show_layout(
    _: Allowed<ClusterRead>,
    state: Data<ApiState>,
) -> Result<Json<dto::Layout>, Problem> {
    shown(&state).await
}

/// Stages a member's role: nothing moves until `apply`
#[utoipa::path(
    tag = "cluster",
    params(("member" = u64, Path, description = "the member")),
    request_body = dto::LayoutRole,
    responses(
        (status = 200, description = "the layout", body = dto::Layout),
        (status = 422, description = "there is no such member, or it cannot have such a role"),
        Problems
    )
)]
#[put("/v1/cluster/layout/members/{member}")]
pub(super) async fn stage_member(
    Asked { allowed, body }: Asked<ClusterManage, dto::LayoutRole>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<Json<dto::Layout>, Problem> {
    let (member, by) = (named(&request)?, allowed.caller.name.clone());
    let stage = StageLayout { member, role: Some(body.into()), by };
    allowed.submit(Command::StageLayout(stage)).await?;
    shown(&state).await
}

/// Stages that a member holds nothing: nothing moves until `apply`
#[utoipa::path(
    tag = "cluster",
    params(("member" = u64, Path, description = "the member")),
    responses(
        (status = 200, description = "the layout", body = dto::Layout),
        (status = 409, description = "it is not in the layout"),
        Problems
    )
)]
#[delete("/v1/cluster/layout/members/{member}")]
pub(super) async fn stage_without_member(
    allowed: Allowed<ClusterManage>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<Json<dto::Layout>, Problem> {
    let (member, by) = (named(&request)?, allowed.caller.name.clone());
    allowed.submit(Command::StageLayout(StageLayout { member, role: None, by })).await?;
    shown(&state).await
}

/// Makes the staged layout the one that counts
///
/// It waits until the one before has no moves left. A layout that only takes out members that are gone for good, and puts others
/// in their places, does not wait: name these in `dead`.
#[utoipa::path(
    tag = "cluster",
    request_body = dto::LayoutChoice,
    responses(
        (status = 200, description = "the layout", body = dto::Layout),
        (status = 409, description = "nothing is staged, the layout has moves left, or the staged one has too few members"),
        (status = 412, description = "another layout is staged"),
        Problems
    )
)]
#[post("/v1/cluster/layout/apply")]
pub(super) async fn apply_layout(
    Asked { allowed, body }: Asked<ClusterManage, dto::LayoutChoice>,
    state: Data<ApiState>,
) -> Result<Json<dto::Layout>, Problem> {
    let dto::LayoutChoice { version, dead } = body;
    let (dead, by) = (dead.into_iter().map(MemberId).collect(), allowed.caller.name.clone());
    allowed.submit(Command::ApplyLayout(ApplyLayout { version, dead, by })).await?;
    shown(&state).await
}

/// Forgets what is staged
#[utoipa::path(tag = "cluster", responses((status = 200, description = "the layout", body = dto::Layout), Problems))]
#[post("/v1/cluster/layout/revert")]
pub(super) async fn revert_layout(
    allowed: Allowed<ClusterManage>,
    state: Data<ApiState>,
) -> Result<Json<dto::Layout>, Problem> {
    let by = allowed.caller.name.clone();
    allowed.submit(Command::RevertLayout { by }).await?;
    shown(&state).await
}

/// Takes a member out of the layout: others hold what it holds, and then it holds nothing
///
/// `GET /v1/cluster/members` says how far it is.
#[utoipa::path(
    tag = "cluster",
    params(("member" = u64, Path, description = "the member")),
    responses(
        (status = 200, description = "the layout", body = dto::Layout),
        (status = 409, description = "it is not in the layout, the layout has moves left, too few members would be left, or a change is staged"),
        Problems
    )
)]
#[post("/v1/cluster/members/{member}/drain")]
pub(super) async fn drain_member(
    allowed: Allowed<ClusterManage>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<Json<dto::Layout>, Problem> {
    let (member, by) = (named(&request)?, allowed.caller.name.clone());
    allowed.submit(Command::DrainMember { member, by }).await?;
    shown(&state).await
}

/// Gives a member the role back that it had, also while it is being drained
#[utoipa::path(
    tag = "cluster",
    params(("member" = u64, Path, description = "the member")),
    responses(
        (status = 200, description = "the layout", body = dto::Layout),
        (status = 409, description = "it is in the layout, the layout has moves left, or a change is staged"),
        (status = 422, description = "there is no such member, or none any more"),
        Problems
    )
)]
#[post("/v1/cluster/members/{member}/undrain")]
pub(super) async fn undrain_member(
    allowed: Allowed<ClusterManage>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<Json<dto::Layout>, Problem> {
    let (member, by) = (named(&request)?, allowed.caller.name.clone());
    allowed.submit(Command::UndrainMember { member, by }).await?;
    shown(&state).await
}

async fn shown(state: &ApiState) -> Result<Json<dto::Layout>, Problem> {
    let (layout, workers) = join(state.cluster.layout(), state.cluster.workers()).await;
    Ok(Json(dto::Layout::new(layout?, &workers)))
}

fn named(request: &HttpRequest) -> Result<MemberId, Problem> {
    let member = request.match_info().get("member").and_then(|member| member.parse().ok());
    member.map(MemberId).ok_or_else(Problem::not_found)
}
