//! Sessions: opened, listed, reported, ended.

use actix_web::http::header::{LINK, LOCATION};
use actix_web::web::{Data, Json, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use policy::Action;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::admission;
use crate::auth::{
    AllSessions, Allowed, Any, Asked, AskedOnce, NewSession, OneSession, Read, Record, SessionOrTombstone,
};
use crate::dto;
use crate::problem::Problem;
use crate::report;
use crate::state::ApiState;
use crate::upload;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(ask_admission)
        .service(open_session)
        .service(list_sessions)
        .service(show_session)
        .service(seal_session);
}

/// Opens a session, and a recording to append to
#[utoipa::path(
    tag = "sessions",
    params(
        (
            "Idempotency-Key" = Option<String>,
            Header,
            description = "1 to 128 characters of the caller's choice: the same request under the same key is done once within a day"
        )
    ),
    request_body = dto::NewSession,
    responses(
        (status = 201, description = "the session is open", body = dto::Opened, headers(("Location" = String))),
        (status = 507, description = "the disks of too many members are too full for new sessions"),
        (status = 422, description = "a field is not allowed, or a database session is not recorded as db-lines, or the key was used for another request"),
        Problems
    )
)]
#[post("/v1/sessions")]
pub(super) async fn open_session(
    AskedOnce { allowed, body, key }: AskedOnce<Record, dto::NewSession, NewSession>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let info = body.into_info(allowed.caller.recorder_token());
    if info.recorder_token.is_none() {
        // The session's own leaf names recorders alone, by their token.
        allowed.announce(Action::Record, format!("opens a session on {}", info.device_address)).await?;
    }
    let session = cluster::cluster::NewSession { info };
    let id = match key.once() {
        Some(key) => state.cluster.open_session_once(session, key).await?,
        None => state.cluster.open_session(session).await?,
    };
    let opened = dto::Opened { id: id.to_string(), recording: format!("/v1/sessions/{id}/recording") };
    Ok(HttpResponse::Created().insert_header((LOCATION, format!("/v1/sessions/{id}"))).json(opened))
}

/// Says whether a session may start
///
/// Nothing is opened. `reasons` are the problems that opening it would be answered with.
#[utoipa::path(
    tag = "sessions",
    request_body = dto::NewAdmission,
    responses((status = 200, description = "whether it may, and what is in the way", body = dto::Admission), Problems)
)]
#[post("/v1/sessions/admission")]
pub(super) async fn ask_admission(
    Asked { allowed, body }: Asked<Record, dto::NewAdmission, NewSession>,
    state: Data<ApiState>,
) -> Json<dto::Admission> {
    Json(admission::ask(&state, &allowed, body).await)
}

/// Lists the sessions that the caller may read, the newest first without `sort`; who has no role that reads sees those that name them as auditor
#[utoipa::path(
    tag = "sessions",
    params(dto::ListQuery),
    responses((status = 200, description = "a page of sessions", body = dto::SessionPage, headers(("Link" = Option<String>))), Problems)
)]
#[get("/v1/sessions")]
pub(super) async fn list_sessions(
    allowed: Allowed<Any, AllSessions>,
    query: Query<dto::ListQuery>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let page = report::sessions(&state, &allowed, &query)?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = &page.next {
        response.insert_header((LINK, next_link(&request, next)));
    }
    Ok(response.json(page))
}

/// The same query with another cursor. What the client has encoded is not encoded again.
pub(super) fn next_link(request: &HttpRequest, cursor: &str) -> String {
    let kept =
        request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let pairs: String = kept.map(|pair| format!("{pair}&")).collect();
    format!("<{}?{pairs}cursor={cursor}>; rel=\"next\"", request.path())
}

/// The report of a session
#[utoipa::path(
    tag = "sessions",
    params(("id" = String, Path, description = "the session")),
    responses((status = 200, description = "the report", body = dto::Report), Problems)
)]
#[get("/v1/sessions/{id}")]
pub(super) async fn show_session(
    allowed: Allowed<Read, SessionOrTombstone>,
    state: Data<ApiState>,
) -> Result<Json<dto::Report>, Problem> {
    report::report(&state, allowed.target.0).await.map(Json)
}

/// Ends a session and makes its recording final
#[utoipa::path(
    tag = "sessions",
    params(("id" = String, Path, description = "the session")),
    request_body = dto::SealRequest,
    responses(
        (status = 200, description = "the recording is final", body = dto::SealDone),
        (status = 409, description = "the recording has another length"),
        Problems
    )
)]
#[post("/v1/sessions/{id}/seal")]
pub(super) async fn seal_session(
    Asked { allowed, body }: Asked<Record, dto::SealRequest, OneSession>,
    state: Data<ApiState>,
) -> Result<Json<dto::SealDone>, Problem> {
    let sealed = upload::seal(&state, &allowed, body).await?;
    Ok(Json(sealed.into()))
}
