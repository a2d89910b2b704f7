//! The making of a video: watched, cancelled, tried again, taken back.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, post, rt};
use bytes::Bytes;
use cluster::catalog::{Command, DeleteVideo, RetryVideo, VideoState};
use cluster::id::VideoId;
use futures_util::Stream;
use futures_util::stream::unfold;
use policy::Action;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Convert, OneVideo, Read};
use crate::dto;
use crate::problem::Problem;
use crate::report;
use crate::state::ApiState;

/// How often a video is looked at for its events.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks after which an idle stream says that it is alive, so that no proxy ends it.
const LOOKS_OF_SILENCE: u32 = 30;
/// Looks of one stream: its reader asks again then, and is judged again.
const LOOKS_MAX: u32 = 1200;

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
pub(super) async fn video_events(
    allowed: Allowed<Read, OneVideo>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let first = Watched {
        state,
        video: allowed.target.id,
        looks: 0,
        silence: 0,
        told: String::new(),
        is_over: false,
    };
    let response =
        HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/event-stream")).streaming(events(first));
    Ok(response)
}

fn shown(state: &ApiState, video: VideoId) -> Result<dto::Video, Problem> {
    let row = state.cluster.catalog()?.video(video)?.ok_or_else(Problem::not_found)?;
    report::video(state, video, row)
}

/// A video whose changes are told.
struct Watched {
    state: Data<ApiState>,
    video: VideoId,
    looks: u32,
    /// Looks since something was told.
    silence: u32,
    /// What was told last.
    told: String,
    is_over: bool,
}

fn events(first: Watched) -> impl Stream<Item = Result<Bytes, Infallible>> {
    unfold(first, |mut watched| async move {
        let event = watched.next().await?;
        Some((Ok(event), watched))
    })
}

impl Watched {
    /// The next event; none after the last, or when the facts can no longer be read here: its reader asks again.
    async fn next(&mut self) -> Option<Bytes> {
        while !self.is_over && self.looks < LOOKS_MAX && !self.state.closing.is_set() {
            if self.looks > 0 {
                rt::time::sleep(LOOK_EVERY).await;
            }
            self.looks += 1;
            if let Some(event) = self.look().ok()? {
                return Some(event);
            }
            self.silence += 1;
            if self.silence == LOOKS_OF_SILENCE {
                self.silence = 0;
                return Some(Bytes::from_static(b":\n\n"));
            }
        }
        None
    }

    /// The event of what has changed since the last one.
    fn look(&mut self) -> Result<Option<Bytes>, Problem> {
        let row = self.state.cluster.catalog()?.video(self.video)?.ok_or_else(Problem::not_found)?;
        self.is_over = row.state != VideoState::Pending;
        let video = report::video(&self.state, self.video, row)?;
        let text = serde_json::to_string(&video).map_err(|error| Problem::internal(&error))?;
        if text == self.told {
            return Ok(None);
        }
        let event = Bytes::from(format!("event: video\ndata: {text}\n\n"));
        (self.told, self.silence) = (text, 0);
        Ok(Some(event))
    }
}
