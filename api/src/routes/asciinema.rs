//! The addresses to which asciinema's own client uploads: each file is a session that has ended.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, NewSession, Record};
use crate::cast;
use crate::dto;
use crate::multipart::Part;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(upload_recording).service(upload_asciicast);
}

/// Takes a file of asciinema 3: a session that has ended
///
/// The client's install id is a token: `Authorization: Basic` with any name and the token as its password.
#[utoipa::path(
    tag = "asciinema",
    request_body(content = dto::CastFile, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "the session of the file", body = dto::Uploaded, headers(("Location" = String))),
        (status = 413, description = "the file is too long", body = dto::Refused),
        (status = 422, description = "the file is no asciicast", body = dto::Refused),
        Problems
    )
)]
#[post("/api/v1/recordings")]
pub(super) async fn upload_recording(
    allowed: Allowed<Record, NewSession>,
    request: HttpRequest,
    body: Payload,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let part = Part::begin(&request, body, "file").await?;
    answer(&request, cast::take(&state, &allowed, &request, part).await)
}

/// Takes a file of asciinema 2: a session that has ended
///
/// The client's install id is a token: `Authorization: Basic` with any name and the token as its password.
#[utoipa::path(
    tag = "asciinema",
    request_body(content = dto::OldCastFile, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "the session of the file", body = dto::Uploaded, headers(("Location" = String))),
        (status = 413, description = "the file is too long", body = dto::Refused),
        (status = 422, description = "the file is no asciicast", body = dto::Refused),
        Problems
    )
)]
#[post("/api/asciicasts")]
pub(super) async fn upload_asciicast(
    allowed: Allowed<Record, NewSession>,
    request: HttpRequest,
    body: Payload,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let part = Part::begin(&request, body, "asciicast").await?;
    answer(&request, cast::take(&state, &allowed, &request, part).await)
}

/// As the client understands it: it shows `message`.
fn answer(request: &HttpRequest, taken: Result<String, Problem>) -> Result<HttpResponse, Problem> {
    match taken {
        Ok(session) => {
            let connection = request.connection_info();
            let (scheme, host) = (connection.scheme(), connection.host());
            let path = format!("/v1/sessions/{session}");
            let url = format!("{scheme}://{host}{path}");
            let message = format!("The recording is a session of Custody:\n\n    {url}\n");
            let uploaded = dto::Uploaded { url, message };
            Ok(HttpResponse::Created().insert_header((LOCATION, path)).json(uploaded))
        }
        Err(problem) => {
            let mut response = match problem.status() {
                413 => HttpResponse::PayloadTooLarge(),
                422 => HttpResponse::UnprocessableEntity(),
                _ => return Err(problem),
            };
            Ok(response.json(dto::Refused { message: problem.detail().to_owned() }))
        }
    }
}
