//! What a recording holds, and where.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::artefact;
use crate::audit::Shown;
use crate::auth::Sighted;
use crate::content;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show_timeline);
}

/// The timeline of a recording: times, bytes of frames, heat map, idle spans, markers
///
/// Its bytes are those of what the same caller gets from `/v1/sessions/{id}/recording`: with Download and Keystrokes the
/// recording as it was received, else the view. The timeline of the view tells nothing of keys and clipboards, neither when
/// there were any nor how many. No timeline holds what was typed. While the recording grows, both tell what is durable, as if it
/// ended there, without an ETag.
///
/// `gaps` tells from when to when (`from_ms`, `until_ms`, in the cluster's time) nothing was recorded, each at the media time (`at_ms`)
/// that the recording had reached.
#[utoipa::path(
    tag = "recordings",
    params(
        ("id" = String, Path, description = "the session"),
        ("Range" = Option<String>, Header, description = "one range of bytes; of several, the whole is sent")
    ),
    responses(
        (status = 200, description = "the timeline, version 2", body = Object, content_type = "application/json", headers(("ETag" = String))),
        (status = 206, description = "the range", body = Vec<u8>, content_type = "application/json", headers(("Content-Range" = String))),
        (status = 304, description = "the client has it"),
        (status = 409, description = "the recording is sealed and not indexed yet, and Retry-After says when to ask again; or it grows and is too long"),
        (status = 416, description = "the range begins after the end"),
        (status = 422, description = "the recording cannot be indexed"),
        Problems
    )
)]
#[get("/v1/sessions/{id}/timeline")]
pub(super) async fn show_timeline(
    sighted: Sighted,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let content = artefact::timeline(&state, sighted.session(), sighted.sight).await?;
    content::answer(&state, &request, content, &sighted.viewer(Shown::Timeline)).await
}
