//! Still pictures of recordings.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use cluster::catalog::SessionState;
use policy::Action;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, OneSession, Recording};
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show_frame);
}

/// How a picture is drawn.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FrameQuery {
    /// Whether the pointer is drawn; it is without.
    pointer: Option<bool>,
}

/// The picture of a recording at a media time
#[utoipa::path(
    tag = "recordings",
    params(
        ("id" = String, Path, description = "the session"),
        ("ms" = u64, Path, description = "the media time"),
        FrameQuery
    ),
    responses(
        (status = 200, description = "the picture", body = Vec<u8>, content_type = "image/png"),
        (status = 422, description = "there is no picture, or the recording cannot be drawn"),
        Problems
    )
)]
#[get("/v1/sessions/{id}/frames/{ms}.png")]
pub(super) async fn show_frame(
    allowed: Allowed<Recording, OneSession>,
    query: Query<FrameQuery>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    match allowed.target.row.state {
        SessionState::Live => allowed.also(Action::Livestream)?,
        SessionState::Ended { .. } | SessionState::Purging(_) => {}
    }
    let at_ms = request.match_info().get("ms").and_then(|digits| digits.parse().ok());
    let at_ms = at_ms.ok_or_else(Problem::not_found)?;
    let png = state.media.frame(allowed.target.id, at_ms, query.pointer.unwrap_or(true)).await?;
    Ok(HttpResponse::Ok().content_type("image/png").body(png))
}
