//! What was typed.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use policy::Action;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::artefact;
use crate::audit::Shown;
use crate::auth::{Allowed, Keystrokes, OneSession};
use crate::content;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show_keystrokes);
}

/// What was typed in a session, clipboards too: it may be passwords
///
/// While the recording grows, what is durable, without an ETag.
#[utoipa::path(
    tag = "recordings",
    params(
        ("id" = String, Path, description = "the session"),
        ("Range" = Option<String>, Header, description = "one range of bytes; of several, the whole is sent")
    ),
    responses(
        (status = 200, description = "the keystrokes, version 1", body = Object, content_type = "application/json", headers(("ETag" = String))),
        (status = 206, description = "the range", body = Vec<u8>, content_type = "application/json", headers(("Content-Range" = String))),
        (status = 304, description = "the client has it"),
        (status = 409, description = "the recording is sealed and not indexed yet, and Retry-After says when to ask again; or it grows and is too long"),
        (status = 416, description = "the range begins after the end"),
        (status = 422, description = "the recording cannot be indexed"),
        Problems
    )
)]
#[get("/v1/sessions/{id}/keystrokes")]
pub(super) async fn show_keystrokes(
    allowed: Allowed<Keystrokes, OneSession>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let content = artefact::keystrokes(&state, &allowed.target).await?;
    let viewer = allowed.viewer(Action::Keystrokes, Shown::Keystrokes);
    content::answer(&state, &request, content, &viewer).await
}
