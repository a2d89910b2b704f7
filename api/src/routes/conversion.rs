//! The making of a video: watched, cancelled, tried again, taken back.

use std::time::Duration;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, post};
use cluster::catalog::{Command, DeleteVideo, RetryVideo, VideoState};
use cluster::id::VideoId;
use policy::Action;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Convert, OneVideo, Read};
use crate::dto;
use crate::problem::Problem;
use crate::report;
use crate::state::ApiState;
use crate::watch::Watch;

/// How often a video is looked at for its events.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(cancel_video).service(retry_video).service(delete_video).service(video_events);
}

/// Ends the making of a video
#[utoipa::path(
    tag = "videos",
    params(("id" = String, Path, description = "the video")),
    responses(
        (status = 200, description = "the video from here on", body = dto::Video),
        (status = 409, description = "it is not being made"),
        Problems
    )
)]
#[post("/v1/videos/{id}/cancel")]
pub(super) async fn cancel_video(
    allowed: Allowed<Convert, OneVideo>,
    state: Data<ApiState>,
) -> Result<Json<dto::Video>, Problem> {
    let (job, by) = (allowed.target.row.job, allowed.caller.name.clone());
    allowed.submit(Command::CancelJob { job, by }).await?;
    shown(&state, allowed.target.id).map(Json)
}

/// Makes a video once more that failed or was cancelled
#[utoipa::path(
    tag = "videos",
    params(("id" = String, Path, description = "the video")),
    responses(
        (status = 202, description = "the video from here on", body = dto::Video),
        (status = 409, description = "it neither failed nor was cancelled"),
        Problems
    )
)]
#[post("/v1/videos/{id}/retry")]
pub(super) async fn retry_video(
    allowed: Allowed<Convert, OneVideo>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    if allowed.target.row.settings.keystrokes {
        allowed.also(Action::Keystrokes)?;
    }
    let video = allowed.target.id;
    let by = allowed.caller.name.clone();
    allowed.submit(Command::RetryVideo(RetryVideo { video, by })).await?;
    Ok(HttpResponse::Accepted().json(shown(&state, video)?))
}

/// Deletes a video: its bytes go from every member, the recording stays, and it can be asked for anew
#[utoipa::path(
    tag = "videos",
    params(("id" = String, Path, description = "the video")),
    responses(
        (status = 204, description = "it is gone"),
        (status = 409, description = "a hold keeps its session"),
        Problems
    )
)]
#[delete("/v1/videos/{id}")]
pub(super) async fn delete_video(allowed: Allowed<Convert, OneVideo>) -> Result<HttpResponse, Problem> {
    let (video, by) = (allowed.target.id, allowed.caller.name.clone());
    allowed.submit(Command::DeleteVideo(DeleteVideo { video, by })).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What becomes of a video, as server-sent events: `video` with the video whenever it changes, until it has an end
#[utoipa::path(
    tag = "videos",
    params(("id" = String, Path, description = "the video")),
    responses(
        (status = 200, description = "the events", body = String, content_type = "text/event-stream"),
        Problems
    )
)]
#[get("/v1/videos/{id}/events")]
pub(super) async fn video_events(allowed: Allowed<Read, OneVideo>, state: Data<ApiState>) -> HttpResponse {
    let id = allowed.target.id;
    let look = move |state: &ApiState| {
        let row = state.cluster.catalog()?.video(id)?.ok_or_else(Problem::not_found)?;
        let is_over = row.state != VideoState::Pending;
        Ok((report::video(state, id, row)?, is_over))
    };
    Watch { state, event: "video", look_every: LOOK_EVERY, look }.events()
}

fn shown(state: &ApiState, video: VideoId) -> Result<dto::Video, Problem> {
    let row = state.cluster.catalog()?.video(video)?.ok_or_else(Problem::not_found)?;
    report::video(state, video, row)
}
