//! Approvals: that somebody watches a session, where a parameter asks for them.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, get, post, put};
use cluster::catalog::{ApprovalId, AskApproval, Command, DecideApproval};
use cluster::id::RecordingId;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{AllSessions, Allowed, Approve, Asked, AskedOnce, OneSession, Read};
use crate::dto;
use crate::once::Done;
use crate::problem::Problem;
use crate::state::ApiState;

/// The most approvals of the list of those that nobody has decided about.
const ASKED_MAX: usize = 200;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_asked)
        .service(list_approvals)
        .service(show_approval)
        .service(ask_approval)
        .service(decide_approval);
}

/// What nobody has decided about yet, of the sessions that the caller may read: the 200 that end first
#[utoipa::path(
    tag = "approvals",
    responses((status = 200, description = "the approvals", body = Vec<dto::Approval>), Problems)
)]
#[get("/v1/approvals")]
pub(super) async fn list_asked(
    allowed: Allowed<Approve, AllSessions>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::Approval>>, Problem> {
    let catalog = state.cluster.catalog()?;
    let mut asked = Vec::new();
    for (recording, id) in catalog.approvals_asked(ASKED_MAX)? {
        let Some(session) = catalog.session(recording)? else { continue };
        if allowed.reads(recording, &session)? {
            asked.extend(approval(&state, recording, &id.to_string())?);
        }
    }
    Ok(Json(asked))
}

/// The approvals that were asked for of a session
#[utoipa::path(
    tag = "approvals",
    params(("id" = String, Path, description = "the session")),
    responses((status = 200, description = "the approvals", body = Vec<dto::Approval>), Problems)
)]
#[get("/v1/sessions/{id}/approvals")]
pub(super) async fn list_approvals(
    allowed: Allowed<Read, OneSession>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::Approval>>, Problem> {
    approvals(&state, allowed.target.id).map(Json)
}

/// An approval of a session
#[utoipa::path(
    tag = "approvals",
    params(
        ("id" = String, Path, description = "the session"),
        ("approval" = String, Path, description = "the approval")
    ),
    responses((status = 200, description = "the approval", body = dto::Approval), Problems)
)]
#[get("/v1/sessions/{id}/approvals/{approval}")]
pub(super) async fn show_approval(
    allowed: Allowed<Read, OneSession>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<Json<dto::Approval>, Problem> {
    state.cluster.read_index().await?;
    shown(&state, allowed.target.id, named(&request)).map(Json)
}

/// Asks that the caller may watch a session for a while
///
/// With the parameter `watch_needs_approval`, what was recorded is shown to nobody without: 403 `approval-needed`.
#[utoipa::path(
    tag = "approvals",
    params(
        ("id" = String, Path, description = "the session"),
        (
            "Idempotency-Key" = Option<String>,
            Header,
            description = "1 to 128 characters of the caller's choice: the same request under the same key is done once within a day"
        )
    ),
    request_body = dto::NewApproval,
    responses(
        (status = 201, description = "the approval", body = dto::Approval, headers(("Location" = String))),
        (status = 410, description = "the session was purged"),
        (status = 422, description = "the reason is missing, the time is over or too long, or the key was used for another request"),
        Problems
    )
)]
#[post("/v1/sessions/{id}/approvals")]
pub(super) async fn ask_approval(
    AskedOnce { allowed, body, key }: AskedOnce<Read, dto::NewApproval, OneSession>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let recording = allowed.target.id;
    let mut id = [0; 16];
    state.random.fill(&mut id)?;
    let dto::NewApproval { reason, ticket, from_ms, until_ms } = body;
    let (approval, by) = (ApprovalId(id), allowed.caller.name.clone());
    let from_ms = from_ms.unwrap_or_default();
    let command = AskApproval { approval, recording, reason, ticket, from_ms, until_ms, by };
    let command = key.wrap(id.to_vec(), Command::AskApproval(command));
    let id = ApprovalId(Done::of(allowed.submit(command).await?, id.to_vec()).id()?).to_string();
    let location = (LOCATION, format!("/v1/sessions/{recording}/approvals/{id}"));
    Ok(HttpResponse::Created().insert_header(location).json(shown(&state, recording, &id)?))
}

/// Approves that somebody watches a session, denies it, or takes an approval back
///
/// Neither who asks nor who was recorded decides.
#[utoipa::path(
    tag = "approvals",
    params(
        ("id" = String, Path, description = "the session"),
        ("approval" = String, Path, description = "the approval")
    ),
    request_body = dto::ApprovalAnswer,
    responses(
        (status = 200, description = "the approval as it is from here on", body = dto::Approval),
        (status = 409, description = "it was decided about, or another person is needed"),
        Problems
    )
)]
#[put("/v1/sessions/{id}/approvals/{approval}")]
pub(super) async fn decide_approval(
    Asked { allowed, body }: Asked<Approve, dto::ApprovalAnswer, OneSession>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<Json<dto::Approval>, Problem> {
    let recording = allowed.target.id;
    let id = named(&request);
    // It may be a moment old, and asked for on another member.
    state.cluster.read_index().await?;
    let mut approvals = state.cluster.catalog()?.approvals(recording)?.into_iter();
    let found = approvals.find(|(one, _)| one.to_string() == id);
    let (approval, _) = found.ok_or_else(Problem::not_found)?;
    let dto::ApprovalAnswer { approved: is_approved, reason } = body;
    let by = allowed.caller.name.clone();
    let command = DecideApproval { approval, recording, is_approved, reason, by };
    allowed.submit(Command::DecideApproval(command)).await?;
    shown(&state, recording, id).map(Json)
}

fn named(request: &HttpRequest) -> &str {
    request.match_info().get("approval").unwrap_or_default()
}

fn shown(state: &ApiState, recording: RecordingId, id: &str) -> Result<dto::Approval, Problem> {
    approval(state, recording, id)?.ok_or_else(Problem::not_found)
}

fn approval(state: &ApiState, recording: RecordingId, id: &str) -> Result<Option<dto::Approval>, Problem> {
    Ok(approvals(state, recording)?.into_iter().find(|one| one.id == id))
}

fn approvals(state: &ApiState, recording: RecordingId) -> Result<Vec<dto::Approval>, Problem> {
    let rows = state.cluster.catalog()?.approvals(recording)?;
    Ok(rows.into_iter().map(|(id, row)| dto::Approval::new(recording, id, row)).collect())
}
