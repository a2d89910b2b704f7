//! The members of the cluster.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, get, post};
use cluster::catalog::{Command, MemberRow, MemberState, Refusal, RemoveMember};
use cluster::cluster::{Drain, MemberView};
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
    match row.state {
        MemberState::Removed if !is_in_layout(member, &state)? => {
            return Ok(HttpResponse::NoContent().finish());
        }
        // Only the layout names it still: the command takes it out of that.
        MemberState::Removed => {}
        MemberState::Joining | MemberState::Member if body.dead => need_lost(member, &state).await?,
        MemberState::Joining | MemberState::Member => need_drained(member, &state).await?,
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
        (status = 409, description = "it answers (member-reachable), was removed before, or is the last one"),
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
    let is_there = |row: MemberRow| row.state != MemberState::Removed;
    if heir == member || !state.cluster.catalog()?.member(heir)?.is_some_and(is_there) {
        return Err(Problem::new(Kind::InvalidField, Refusal::MemberNotThere { member: heir }));
    }
    match row.state {
        MemberState::Removed if !is_in_layout(member, &state)? => {
            return match is_in_layout(heir, &state)? {
                // Whoever asks again is told the same.
                true => Ok(HttpResponse::NoContent().finish()),
                false => Err(Refusal::MemberRemoved { member }.into()),
            };
        }
        MemberState::Removed => {}
        MemberState::Joining | MemberState::Member => need_lost(member, &state).await?,
    }
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

fn is_in_layout(member: MemberId, state: &ApiState) -> Result<bool, Problem> {
    Ok(state.cluster.catalog()?.layout()?.members.contains_key(&member))
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
    let drain = drains.iter().find(|drain| drain.member == member);
    match not_drained(member, drain, is_in_layout(member, state)?) {
        None => Ok(()),
        Some(reason) => Err(Problem::new(Kind::MemberNotDrained, reason)),
    }
}

/// Why a member may not go, and what helps.
fn not_drained(member: MemberId, drain: Option<&Drain>, is_in_layout: bool) -> Option<String> {
    match drain {
        Some(drain) => {
            let helps = match drain.residue {
                Some(_) if drain.is_paused => "resume it",
                Some(_) => "wait",
                // It would be waited for for ever.
                None => "if it is lost for good, remove it with --dead (`dead: true`), or replace it",
            };
            drain.reason().map(|reason| format!("{reason}: {helps}"))
        }
        // One that never came holds nothing.
        None => is_in_layout.then(|| format!("member {member} is in the layout: drain it first")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::cluster::Residue;

    #[test]
    fn who_may_not_go_is_told_what_helps() {
        let member = MemberId(6);
        let told = |drain: Option<Drain>, is_in_layout| not_drained(member, drain.as_ref(), is_in_layout);
        let out = |residue| Some(Drain { member, is_settled: true, is_paused: false, residue });
        let empty = Residue { is_whole: true, ..Residue::default() };
        let silent = "member 6 does not answer: if it is lost for good, remove it with --dead (`dead: true`), or replace it";
        assert_eq!(told(out(None), false).as_deref(), Some(silent));
        let holds = Residue { chunks: 1, ..empty.clone() };
        assert_eq!(told(out(Some(holds)), false).as_deref(), Some("others fetch what it holds: wait"));
        assert_eq!(told(out(Some(empty)), false), None);
        let paused = Drain {
            is_paused: true,
            ..out(Some(Residue { chunks: 1, is_whole: true, ..Residue::default() })).unwrap()
        };
        let resume = "the worker rebalance of member 6 is paused: it drops nothing: resume it";
        assert_eq!(told(Some(paused), false).as_deref(), Some(resume));
        assert_eq!(told(None, true).as_deref(), Some("member 6 is in the layout: drain it first"));
        assert_eq!(told(None, false), None);
    }
}
