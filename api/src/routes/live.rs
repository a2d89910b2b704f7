//! A session watched while it runs.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::Sighted;
use crate::live::{self, Beginning};
use crate::problem::Problem;
use crate::state::ApiState;

const POSITION: &str = "Custody-Position";
const KEY_STATE_BYTES: &str = "Custody-Key-State-Bytes";
const KEY_STATE_MS: &str = "Custody-Key-State-Ms";

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(watch_live);
}

/// Where somebody begins to watch.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LiveQuery {
    /// The byte of what the same caller gets from `/v1/sessions/{id}/recording` to begin with. Without it, the newest key
    /// state comes first.
    from: Option<u64>,
}

/// A live session, as it becomes durable, until it ends
///
/// Without `from` the body begins with a key state: instructions that draw the screen as it was at a media time. Then come
/// the bytes that `/v1/sessions/{id}/recording` has for the same caller, from `Custody-Position` on, as soon as they are
/// durable. The answer ends once the recording is sealed and all of it is sent. One that breaks off (it is chunked, so that
/// the client notices) is gone on with by `from`. Whether the caller may still watch is judged again and again.
#[utoipa::path(
    tag = "recordings",
    params(("id" = String, Path, description = "the session"), LiveQuery),
    responses(
        (
            status = 200,
            description = "the key state, if any, and the recording from there on",
            body = Vec<u8>,
            content_type = "application/octet-stream",
            headers(
                ("Custody-Position" = u64, description = "the byte of the recording that follows the key state"),
                ("Custody-Key-State-Bytes" = u64, description = "the bytes of the key state"),
                ("Custody-Key-State-Ms" = Option<u64>, description = "the media time of its picture")
            )
        ),
        (status = 409, description = "the session has ended: what is left of it is its recording"),
        (status = 416, description = "so much is not durable yet"),
        Problems
    )
)]
#[get("/v1/sessions/{id}/live")]
pub(super) async fn watch_live(
    sighted: Sighted,
    query: Query<LiveQuery>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    sighted.watches_live()?;
    let (follow, Beginning { position, key_state }) =
        live::begin(state, request, sighted, query.from).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "application/octet-stream"));
    response.insert_header((POSITION, position.to_string()));
    let (bytes, at_ms) = key_state.unzip();
    response.insert_header((KEY_STATE_BYTES, bytes.unwrap_or(0).to_string()));
    if let Some(at_ms) = at_ms {
        response.insert_header((KEY_STATE_MS, at_ms.to_string()));
    }
    Ok(response.streaming(follow.pieces()))
}
