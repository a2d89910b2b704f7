//! Videos of sessions: asked for, looked at, downloaded.

use actix_web::http::header::{LOCATION, RETRY_AFTER};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, get, post};
use cluster::catalog::{Command, Container, Outcome, RequestVideo, VideoSettings, VideoState};
use cluster::id::VideoId;
use policy::Action;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, AskedOnce, Caller, Convert, Download, OneSession, OneVideo, Read};
use crate::dto;
use crate::once::Done;
use crate::problem::{Kind, Problem};
use crate::report;
use crate::state::ApiState;
use crate::video_file;

/// When to look again at a video that is being generated.
const LOOK_AGAIN_S: &str = "1";

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_videos).service(request_video).service(show_video).service(read_video);
}

/// The newest video of each kind that was asked for
#[utoipa::path(
    tag = "videos",
    params(("id" = String, Path, description = "the session")),
    responses((status = 200, description = "the videos", body = dto::VideoParts), Problems)
)]
#[get("/v1/sessions/{id}/videos")]
pub(super) async fn list_videos(
    allowed: Allowed<Read, OneSession>,
    state: Data<ApiState>,
) -> Result<Json<dto::VideoParts>, Problem> {
    report::videos(&state, allowed.target.id).map(Json)
}

/// Asks for a video of an ended session
#[utoipa::path(
    tag = "videos",
    params(
        ("id" = String, Path, description = "the session"),
        (
            "Idempotency-Key" = Option<String>,
            Header,
            description = "1 to 128 characters of the caller's choice: the same request under the same key is done once within a day"
        )
    ),
    request_body = dto::NewVideo,
    responses(
        (status = 200, body = dto::Video, description = "it is ready"),
        (
            status = 202,
            body = dto::Video,
            description = "it is being generated",
            headers(("Location" = String), ("Retry-After" = u64))
        ),
        (status = 409, description = "the session has not ended"),
        (status = 422, description = "a field is not allowed, or the key was used for another request"),
        Problems
    )
)]
#[post("/v1/sessions/{id}/videos")]
pub(super) async fn request_video(
    AskedOnce { allowed, body: wanted, key }: AskedOnce<Convert, dto::NewVideo, OneSession>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    if wanted.keystrokes {
        allowed.also(Action::Keystrokes)?;
    }
    let command = Command::RequestVideo(command(&state, &allowed, wanted)?);
    let done = Done::of(allowed.submit(key.wrap(Vec::new(), command)).await?, Vec::new());
    let Outcome::Video { video: id, .. } = done.outcome else {
        return Err(Problem::new(Kind::Internal, "the catalog answered with something else"));
    };
    let row = state.cluster.catalog()?.video(id)?.ok_or_else(Problem::not_found)?;
    let is_ready = matches!(row.state, VideoState::Ready(_));
    let mut response = match is_ready {
        true => HttpResponse::Ok(),
        false => HttpResponse::Accepted(),
    };
    if !is_ready {
        response.insert_header((RETRY_AFTER, LOOK_AGAIN_S));
    }
    response.insert_header((LOCATION, format!("/v1/videos/{id}")));
    Ok(response.json(report::video(&state, id, row)?))
}

fn command(
    state: &ApiState,
    allowed: &Allowed<Convert, OneSession>,
    wanted: dto::NewVideo,
) -> Result<RequestVideo, Problem> {
    let mut id = [0; 16];
    state.random.fill(&mut id)?;
    let notify = wanted.notify.unwrap_or_else(|| own_address(&allowed.caller));
    if let Some(wrong) = notify.iter().find(|address| !is_address(address)) {
        let detail = format!("{wrong:?} in notify is no mail address: expected somebody@example.org");
        return Err(Problem::new(Kind::InvalidField, detail));
    }
    let container = Container::from(wanted.format);
    let settings =
        VideoSettings { container, keystrokes: wanted.keystrokes, codec_version: state.codec_version };
    Ok(RequestVideo {
        video: VideoId(id),
        recording: allowed.target.id,
        settings,
        requested_by: allowed.caller.name.clone(),
        notify,
    })
}

/// Portals name users by their mail address; a name that is none is told nothing.
fn own_address(caller: &Caller) -> Vec<String> {
    let is_address = is_address(&caller.name) && caller.name.contains('.');
    is_address.then(|| caller.name.clone()).into_iter().collect()
}

/// Whether a mail server may know somebody by it. What it makes of it, it says itself.
fn is_address(text: &str) -> bool {
    let is_one_word = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    let parts = text.rsplit_once('@');
    is_one_word && parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
}

/// How far a video is
#[utoipa::path(
    tag = "videos",
    params(("id" = String, Path, description = "the video")),
    responses((status = 200, description = "the video", body = dto::Video), Problems)
)]
#[get("/v1/videos/{id}")]
pub(super) async fn show_video(
    allowed: Allowed<Read, OneVideo>,
    state: Data<ApiState>,
) -> Result<Json<dto::Video>, Problem> {
    let OneVideo { id, row } = allowed.target;
    report::video(&state, id, row).map(Json)
}

/// The file of a video
///
/// A video in fragmented MP4 is sent while it is made, on every member, as soon as it is `playable`: all of it from the first
/// byte on, without a length, an ETag or ranges, until it is complete. An answer that breaks off (it is chunked, so that the
/// client notices) is not all of it, and what is made anew begins anew. Whether the caller may still have it is judged again
/// and again.
#[utoipa::path(
    tag = "videos",
    params(
        ("id" = String, Path, description = "the video"),
        ("Range" = Option<String>, Header, description = "one range of bytes; of several, or while it is made, the whole is sent")
    ),
    responses(
        (
            status = 200,
            description = "all of it",
            content((Vec<u8> = "video/mp4"), (Vec<u8> = "video/webm")),
            headers(
                ("ETag" = Option<String>, description = "not there while it is made"),
                ("Accept-Ranges" = String, description = "`none` while it is made")
            )
        ),
        (status = 206, description = "the range", content((Vec<u8> = "video/mp4"), (Vec<u8> = "video/webm")), headers(("Content-Range" = String))),
        (status = 304, description = "the client has it"),
        (status = 409, description = "it is not ready, and cannot be played while it is made, or not yet"),
        (status = 416, description = "the range begins after the end"),
        Problems
    )
)]
#[get("/v1/videos/{id}/content")]
pub(super) async fn read_video(
    allowed: Allowed<Download, OneVideo>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    video_file::answer(state, request, allowed).await
}
