//! The bytes of a recording: appended as tus 1.0 says, read as they were received.

use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap,
};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, get, head, options, patch};
use cluster::catalog::ObjectState;
use cluster::id::ObjectId;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::artefact;
use crate::audit::Shown;
use crate::auth::{Allowed, OneSession, Record, Sighted};
use crate::content::{self, Content, Source};
use crate::control::{self, Order};
use crate::dto;
use crate::media::Sight;
use crate::problem::{Kind, Problem};
use crate::range::Tag;
use crate::state::ApiState;
use crate::upload;

/// The version of tus that is spoken.
const TUS_VERSION: &str = "1.0.0";
const TUS_RESUMABLE: &str = "Tus-Resumable";
const UPLOAD_OFFSET: &str = "Upload-Offset";
const PIECES: &str = "application/offset+octet-stream";

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(discover_recording)
        .service(discover_sessions)
        .service(recording_offset)
        .service(append_to_recording)
        .service(read_recording);
}

/// What of tus is spoken
#[utoipa::path(
    tag = "recordings",
    params(("id" = String, Path, description = "the session")),
    responses((status = 204, description = "the version and the limits", headers(("Tus-Version" = String), ("Tus-Max-Size" = u64)))),
    security(())
)]
#[options("/v1/sessions/{id}/recording")]
pub(super) async fn discover_recording(state: Data<ApiState>) -> HttpResponse {
    tus(HttpResponse::NoContent(), &state).insert_header((ALLOW, "GET, HEAD, OPTIONS, PATCH")).finish()
}

/// What of tus is spoken
#[utoipa::path(
    tag = "recordings",
    responses((status = 204, description = "the version and the limits", headers(("Tus-Version" = String), ("Tus-Max-Size" = u64)))),
    security(())
)]
#[options("/v1/sessions")]
pub(super) async fn discover_sessions(state: Data<ApiState>) -> HttpResponse {
    tus(HttpResponse::NoContent(), &state).insert_header((ALLOW, "GET, OPTIONS, POST")).finish()
}

/// Up to where a recording is durable
#[utoipa::path(
    tag = "recordings",
    params(("id" = String, Path, description = "the session")),
    responses(
        (status = 200, description = "up to where it is durable", headers(("Upload-Offset" = u64), ("Upload-Length" = Option<u64>))),
        (status = 403, description = "`Custody-Session: blocked`: the user's input is to be held back, the recording goes on at Upload-Offset"),
        (status = 410, description = "`Custody-Session: dropped`: the user is to be shown \"You have been disconnected\""),
        Problems
    )
)]
#[head("/v1/sessions/{id}/recording")]
pub(super) async fn recording_offset(
    allowed: Allowed<Record, OneSession>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    check_version(request.headers())?;
    let order = control::order(&state, allowed.target.id)?;
    if order == Order::Drop {
        return Err(Problem::session_dropped());
    }
    let standing = upload::standing(&state, allowed.target.id.into()).await?;
    if order == Order::Block {
        return Err(Problem::session_blocked().at(standing.offset));
    }
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((UPLOAD_OFFSET, standing.offset.to_string()));
    match standing.is_sealed {
        true => response.insert_header(("Upload-Length", standing.offset.to_string())),
        false => response.insert_header(("Upload-Defer-Length", "1")),
    };
    Ok(tus(response, &state).finish())
}

/// Appends bytes at the durable offset, or sends durable ones again
///
/// In a blocked session the bytes are kept all the same, and the answer at the end of the body is `session-blocked` with the
/// new Upload-Offset; a request that is under way when the session is blocked is answered at once. One of a dropped session is
/// answered `session-dropped`, whose detail is what its user is to be shown.
#[utoipa::path(
    tag = "recordings",
    params(
        ("id" = String, Path, description = "the session"),
        ("Upload-Offset" = u64, Header, description = "where the body begins in the recording"),
        ("Tus-Resumable" = Option<String>, Header, description = "1.0.0")
    ),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses(
        (status = 204, description = "all before the new offset is durable", headers(("Upload-Offset" = u64))),
        (status = 403, description = "the session is blocked, and what stands before Upload-Offset is durable; or a permission is missing"),
        (status = 410, description = "the session was dropped or purged"),
        (status = 409, description = "the offset is not the durable one, other bytes are there, or it is sealed"),
        (status = 412, description = "another version of tus"),
        (status = 413, description = "the recording would be too long"),
        (status = 415, description = "another media type"),
        (status = 422, description = "the recording must not hold this; what stands before it is durable"),
        (status = 507, description = "the disk is full"),
        Problems
    )
)]
#[patch("/v1/sessions/{id}/recording")]
pub(super) async fn append_to_recording(
    allowed: Allowed<Record, OneSession>,
    request: HttpRequest,
    body: Payload,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let headers = request.headers();
    check_version(headers)?;
    check_media_type(headers)?;
    check_plain(headers)?;
    let offset = number(headers, UPLOAD_OFFSET).ok_or_else(|| {
        Problem::new(Kind::BadRequest, "expected one decimal number in the header Upload-Offset")
    })?;
    let length = number(headers, CONTENT_LENGTH.as_str());
    let offset = upload::append(&state, &allowed.target, offset, length, body).await?;
    let mut response = HttpResponse::NoContent();
    response.insert_header((UPLOAD_OFFSET, offset.to_string()));
    Ok(tus(response, &state).finish())
}

/// The recording: as it was received, or its view
///
/// With Download and Keystrokes it comes as it was received. With Recording alone (and Livestream, while the session is
/// live) it comes as its view: the same instructions without keys and clipboards. The two have other lengths and other
/// ETags. A recording that grows is read as far as it is durable, has no ETag, and keeps its bytes: who has N of them goes
/// on with `bytes=N-`. A sealed one has its view once it is indexed.
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
        (status = 409, description = "the recording is sealed and not indexed yet: there is no view; Retry-After says when to ask again"),
        (status = 416, description = "the range begins after the end"),
        (status = 422, description = "the recording cannot be indexed: it has no view"),
        Problems
    )
)]
#[get("/v1/sessions/{id}/recording")]
pub(super) async fn read_recording(
    sighted: Sighted,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let (content, shown) = match sighted.sight {
        Sight::Received => (received(&state, sighted.session()).await?, Shown::Recording),
        Sight::View => (artefact::view(&state, sighted.session()).await?, Shown::View),
    };
    content::answer(&state, &request, content, &sighted.viewer(shown)).await
}

async fn received(state: &ApiState, session: &OneSession) -> Result<Content, Problem> {
    let object = ObjectId::from(session.id);
    let row = state.cluster.catalog()?.object(object)?.ok_or_else(Problem::not_found)?;
    let tag = match row.state {
        ObjectState::Sealed(facts) => Some(Tag(dto::hex(&facts.root.0))),
        ObjectState::Open | ObjectState::Interrupted { .. } => None,
    };
    let length = state.cluster.length(object).await?;
    let file_name = format!("session-{}.{}", session.id, session.row.info.format);
    Ok(Content {
        source: Source::Object(object),
        length,
        tag,
        media_type: "application/octet-stream",
        file_name,
    })
}

fn tus(mut response: HttpResponseBuilder, state: &ApiState) -> HttpResponseBuilder {
    response
        .insert_header((TUS_RESUMABLE, TUS_VERSION))
        .insert_header(("Tus-Version", TUS_VERSION))
        .insert_header(("Tus-Max-Size", state.limits.recording_bytes_max.to_string()));
    response
}

/// A client that names no version is no tus client, and is served all the same.
fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(TUS_RESUMABLE) {
        Some(version) if version.as_bytes() != TUS_VERSION.as_bytes() => {
            Err(Problem::new(Kind::TusVersion, format_args!("expected {TUS_VERSION}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Bytes are kept as they come: what a sender has coded once more would be kept coded.
pub(super) fn check_plain(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get_all(CONTENT_ENCODING).all(|coding| coding == "identity") {
        true => Ok(()),
        false => Err(Problem::new(Kind::UnsupportedMediaType, "expected bytes without a Content-Encoding")),
    }
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(CONTENT_TYPE) {
        Some(media_type) if media_type.as_bytes().eq_ignore_ascii_case(PIECES.as_bytes()) => Ok(()),
        Some(_) | None => Err(Problem::new(Kind::UnsupportedMediaType, format_args!("expected {PIECES}"))),
    }
}

/// The decimal number in a header that stands once.
pub(super) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let mut values = headers.get_all(name);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let digits = value.to_str().ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}
