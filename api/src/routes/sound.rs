//! The file of sound of a session: taken from its recorder, given back as it was received.

use actix_web::http::header::{CONTENT_LENGTH, LOCATION};
use actix_web::web::{Data, Payload, Query};
use actix_web::{HttpRequest, HttpResponse, get, put};
use policy::Action;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use super::recording::{check_plain, number};
use crate::audit::Shown;
use crate::auth::{Allowed, Download, OneSession, Record};
use crate::content;
use crate::dto;
use crate::problem::{Kind, Problem};
use crate::sound::{self, Announced, Kept};
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(put_sound).service(read_sound);
}

/// When a file of sound begins.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SoundQuery {
    /// Where it begins, in milliseconds from the first frame of the recording; 0 without. With a minus, so much of its
    /// beginning is not heard. At most a day.
    #[serde(default)]
    #[param(minimum = -86_400_000, maximum = 86_400_000)]
    offset_ms: i64,
}

/// Takes a file of sound that was recorded beside the session: WAVE, FLAC, MP3, AAC, MP4, Ogg or Matroska
///
/// A session has one, which is mixed into the videos that are asked for from then on; a video that was made before has none of it.
/// It may come while the session is live and when it has ended. It is evidence and is never replaced: the same bytes
/// with the same offset are answered as the first time, others are a conflict. All of it is decoded before it is kept; one that is damaged is
/// heard up to the damage. At most 1 GiB.
#[utoipa::path(
    tag = "recordings",
    params(("id" = String, Path, description = "the session"), SoundQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "the file; other media types are taken, too"),
    responses(
        (status = 200, body = dto::Sound, description = "the session has this very file already"),
        (status = 201, body = dto::Sound, description = "it is durable", headers(("Location" = String))),
        (status = 408, description = "it did not come in time"),
        (status = 409, description = "`sound-differs`: the session has another file, or this one at another offset"),
        (status = 410, description = "the session was purged"),
        (status = 413, description = "it is too long"),
        (status = 415, description = "it has a Content-Encoding"),
        (status = 422, description = "`sound-refused`: it cannot be heard; or the session is one of a database"),
        (status = 507, description = "the disk is full"),
        Problems
    )
)]
#[put("/v1/sessions/{id}/sound")]
pub(super) async fn put_sound(
    allowed: Allowed<Record, OneSession>,
    request: HttpRequest,
    body: Payload,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    // It is not looked at before the decision.
    let query = Query::<SoundQuery>::from_query(request.query_string());
    let SoundQuery { offset_ms } = query.map_err(Problem::from)?.into_inner();
    let headers = request.headers();
    check_plain(headers)?;
    let length = number(headers, CONTENT_LENGTH.as_str());
    let kept = sound::take(&state, &allowed, Announced { offset_ms, length }, body).await?;
    let told = sound::told(&state, &allowed.target)?;
    let told = told.ok_or_else(|| Problem::new(Kind::NotFound, "it was purged meanwhile"))?;
    let mut response = match kept {
        Kept::New => HttpResponse::Created(),
        Kept::Before => HttpResponse::Ok(),
    };
    response.insert_header((LOCATION, told.file.clone()));
    Ok(response.json(told))
}

/// The file of sound of the session, as it was received
///
/// It holds no keys, hence it takes Download alone; the sound of the recording itself is in its view, too.
#[utoipa::path(
    tag = "recordings",
    params(
        ("id" = String, Path, description = "the session"),
        ("Range" = Option<String>, Header, description = "one range of bytes; of several, the whole is sent")
    ),
    responses(
        (status = 200, description = "all of it", body = Vec<u8>, content_type = "application/octet-stream", headers(("ETag" = String))),
        (status = 206, description = "the range", body = Vec<u8>, content_type = "application/octet-stream", headers(("Content-Range" = String))),
        (status = 304, description = "the client has it"),
        (status = 404, description = "the session has none, is not there, or is not to be seen by the caller"),
        (status = 416, description = "the range begins after the end"),
        Problems
    )
)]
#[get("/v1/sessions/{id}/sound")]
pub(super) async fn read_sound(
    allowed: Allowed<Download, OneSession>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let content = sound::content(&state, &allowed.target).await?;
    content::answer(&state, &request, content, &allowed.viewer(Action::Download, Shown::Sound)).await
}
