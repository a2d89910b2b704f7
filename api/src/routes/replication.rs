//! Which members have what of a recording or a video.

use std::time::Duration;

use actix_web::get;
use actix_web::web::{Data, Json, Query};
use cluster::catalog::VideoState;
use cluster::id::ObjectId;
use tokio::time::Instant;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, OneSession, OneVideo, Read};
use crate::dto;
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

/// How often who waits looks whether the server stops.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show_session_replication).service(show_video_replication);
}

/// Which members have the recording of a session, chunk by chunk
///
/// Nothing is read again for this: each member tells when it has compared its copy with the hash last.
#[utoipa::path(
    tag = "cluster",
    params(("id" = String, Path, description = "the session"), dto::ReplicationQuery),
    responses((status = 200, description = "the chunks, synced or not", body = dto::Replication), Problems)
)]
#[get("/v1/sessions/{id}/replication")]
pub(super) async fn show_session_replication(
    allowed: Allowed<Read, OneSession>,
    query: Query<dto::ReplicationQuery>,
    state: Data<ApiState>,
) -> Result<Json<dto::Replication>, Problem> {
    shown(&state, allowed.target.id.into(), &query).await
}

/// Which members have the file of a video, chunk by chunk
#[utoipa::path(
    tag = "cluster",
    params(("id" = String, Path, description = "the video"), dto::ReplicationQuery),
    responses(
        (status = 200, description = "the chunks, synced or not", body = dto::Replication),
        (status = 409, description = "it is not ready"),
        Problems
    )
)]
#[get("/v1/videos/{id}/replication")]
pub(super) async fn show_video_replication(
    allowed: Allowed<Read, OneVideo>,
    query: Query<dto::ReplicationQuery>,
    state: Data<ApiState>,
) -> Result<Json<dto::Replication>, Problem> {
    let OneVideo { id, row } = &allowed.target;
    match row.state {
        VideoState::Ready(facts) => shown(&state, facts.object, &query).await,
        VideoState::Pending | VideoState::Failed { .. } | VideoState::Cancelled | VideoState::Purged => {
            let detail = format_args!("look at /v1/videos/{id} for its state");
            Err(Problem::new(Kind::VideoNotReady, detail))
        }
    }
}

/// What is known at once, or after a while that the caller is willing to wait.
async fn shown(
    state: &ApiState,
    object: ObjectId,
    query: &dto::ReplicationQuery,
) -> Result<Json<dto::Replication>, Problem> {
    let until = Instant::now() + Duration::from_secs(query.timeout_s());
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let found = state.cluster.replication_synced(object, left.min(LOOK_EVERY)).await?;
        if found.is_synced() || left <= LOOK_EVERY || state.closing.is_set() {
            return Ok(Json(dto::Replication::new(object, &found, query)));
        }
    }
}
