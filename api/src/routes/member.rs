//! The members of the cluster.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, get, post};
use cluster::catalog::{Command, MemberRow, MemberState, Refusal, RemoveMember};
use cluster::cluster::MemberView;
use cluster::id::MemberId;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Asked, ClusterManage, ClusterRead};
use crate::dto;
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_members).service(remove_member).service(replace_member);
}

/// The members of the cluster
#[utoipa::path(tag = "cluster", responses((status = 200, description = "the members", body = Vec<dto::Member>), Problems))]
#[get("/v1/cluster/members")]
pub(super) async fn list_members(
    _: Allowed<ClusterRead>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::Member>>, Problem> {
    // Who the members are is known without a leader.
    let drains = state.cluster.drains().await.unwrap_or_default();
    let disks = state.cluster.disks();
    let member = |view: MemberView| {
        let disk = disks.get(&view.id).copied();
        dto::Member::new(view, disk, &drains)
    };
    Ok(Json(state.cluster.member_views().await?.into_iter().map(member).collect()))
}

/// Removes a member
///
/// It is answered by nobody from then on, and its number is never used again. One that still holds something that is
/// needed is refused, unless it is lost: then what it held is made again from the copies of the others.
#[utoipa::path(
    tag = "cluster",
    params(("id" = u64, Path, description = "the member")),
    request_body = dto::Removal,
    responses(
        (status = 204, description = "it is no member any more"),
        (status = 409, description = "it holds what is needed (member-not-drained), answers although it is to be dead \
                                      (member-reachable), or is the last one"),
        Problems
    )
)]
#[post("/v1/cluster/members/{id}/remove")]
pub(super) async fn remove_member(
    Asked { allowed, body }: Asked<ClusterManage, dto::Removal>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let (member, row) = named(&request, &state).await?;
    if row.state == MemberState::Removed {
        return Ok(HttpResponse::NoContent().finish());
    }
    match body.dead {
        true => need_lost(member, &state).await?,
        false => need_drained(member, &state).await?,
    }
    let by = allowed.caller.name.clone();
    let command = RemoveMember { member, is_lost: body.dead, replaced_by: None, by };
    allowed.submit(Command::RemoveMember(command)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Removes a lost member, and gives its place to another one
#[utoipa::path(
    tag = "cluster",
    params(("id" = u64, Path, description = "the lost member")),
    request_body = dto::Replacement,
    responses(
        (status = 204, description = "it is no member any more"),
        (status = 409, description = "it answers (member-reachable), or is the last one"),
        (status = 422, description = "who is to take its place is no member"),
        Problems
    )
)]
#[post("/v1/cluster/members/{id}/replace")]
pub(super) async fn replace_member(
    Asked { allowed, body }: Asked<ClusterManage, dto::Replacement>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let (member, row) = named(&request, &state).await?;
    let heir = MemberId(body.by);
    if state.cluster.catalog()?.member(heir)?.is_none() {
        return Err(Problem::new(Kind::InvalidField, Refusal::MemberNotThere { member: heir }));
    }
    if row.state == MemberState::Removed {
        return Ok(HttpResponse::NoContent().finish());
    }
    need_lost(member, &state).await?;
    let by = allowed.caller.name.clone();
    let command = RemoveMember { member, is_lost: true, replaced_by: Some(heir), by };
    allowed.submit(Command::RemoveMember(command)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The member that a path names.
async fn named(request: &HttpRequest, state: &ApiState) -> Result<(MemberId, MemberRow), Problem> {
    let member = request.match_info().get("id").and_then(|id| id.parse().ok()).map(MemberId);
    let member = member.ok_or_else(Problem::not_found)?;
    // What it holds, and whether it is one, may be a moment old, and known to another member.
    state.cluster.read_index().await?;
    let row = state.cluster.catalog()?.member(member)?.ok_or_else(Problem::not_found)?;
    Ok((member, row))
}

/// A member that answers is not lost.
async fn need_lost(member: MemberId, state: &ApiState) -> Result<(), Problem> {
    match state.cluster.is_reachable(member).await {
        false => Ok(()),
        true => {
            let detail = format_args!("member {member} answers: stop it for good, or drain it");
            Err(Problem::new(Kind::MemberReachable, detail))
        }
    }
}

/// Nothing may be lost with a member that goes in order: its folders prove it.
async fn need_drained(member: MemberId, state: &ApiState) -> Result<(), Problem> {
    let drains = state.cluster.drains().await?;
    let is_in_layout = state.cluster.catalog()?.layout()?.members.contains_key(&member);
    let reason = match drains.iter().find(|drain| drain.member == member) {
        Some(drain) => drain.reason(),
        // One that never came holds nothing.
        None => is_in_layout.then(|| format!("member {member} is in the layout")),
    };
    match reason {
        None => Ok(()),
        Some(reason) => Err(Problem::new(Kind::MemberNotDrained, format_args!("{reason}: drain it first"))),
    }
}
