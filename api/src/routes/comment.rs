//! What auditors say about a session, and who has reviewed it.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, post, put};
use cluster::catalog::{AddComment, Command, CommentId, PutReview};
use cluster::id::RecordingId;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, AskedOnce, OneSession, Review};
use crate::dto;
use crate::once::Done;
use crate::problem::Problem;
use crate::report;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_comments).service(add_comment).service(put_review).service(take_review_back);
}

/// What was said about a session, the oldest first
#[utoipa::path(
    tag = "sessions",
    params(("id" = String, Path, description = "the session")),
    responses((status = 200, description = "the comments", body = Vec<dto::Comment>), Problems)
)]
#[get("/v1/sessions/{id}/comments")]
pub(super) async fn list_comments(
    allowed: Allowed<Review, OneSession>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::Comment>>, Problem> {
    comments(&state, allowed.target.id).map(Json)
}

/// Says something about a session, or about a place in its recording
///
/// A comment is never changed, and goes when its session is purged.
#[utoipa::path(
    tag = "sessions",
    params(
        ("id" = String, Path, description = "the session"),
        (
            "Idempotency-Key" = Option<String>,
            Header,
            description = "1 to 128 characters of the caller's choice: the same request under the same key is done once within a day"
        )
    ),
    request_body = dto::NewComment,
    responses(
        (status = 201, description = "the comment", body = dto::Comment, headers(("Location" = String))),
        (status = 410, description = "the session was purged"),
        (status = 422, description = "the text is missing or too long, there are too many, or the key was used for another request"),
        Problems
    )
)]
#[post("/v1/sessions/{id}/comments")]
pub(super) async fn add_comment(
    AskedOnce { allowed, body, key }: AskedOnce<Review, dto::NewComment, OneSession>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let recording = allowed.target.id;
    let mut id = [0; 16];
    state.random.fill(&mut id)?;
    let dto::NewComment { text, t_ms } = body;
    let by = allowed.caller.name.clone();
    let command = Command::AddComment(AddComment { comment: CommentId(id), recording, t_ms, text, by });
    let command = key.wrap(id.to_vec(), command);
    let id = CommentId(Done::of(allowed.submit(command).await?, id.to_vec()).id()?).to_string();
    let said = comments(&state, recording)?.into_iter().find(|one| one.id == id);
    let location = (LOCATION, format!("/v1/sessions/{recording}/comments"));
    Ok(HttpResponse::Created().insert_header(location).json(said.ok_or_else(Problem::not_found)?))
}

/// Says that the caller has reviewed a session that has ended
#[utoipa::path(
    tag = "sessions",
    params(("id" = String, Path, description = "the session")),
    responses(
        (status = 200, description = "who has", body = Vec<dto::Review>),
        (status = 409, description = "the session has not ended"),
        Problems
    )
)]
#[put("/v1/sessions/{id}/review")]
pub(super) async fn put_review(
    allowed: Allowed<Review, OneSession>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::Review>>, Problem> {
    review(&allowed, &state, true).await
}

/// Takes back that the caller has reviewed a session
#[utoipa::path(
    tag = "sessions",
    params(("id" = String, Path, description = "the session")),
    responses(
        (status = 200, description = "who has", body = Vec<dto::Review>),
        (status = 409, description = "the session has not ended"),
        Problems
    )
)]
#[delete("/v1/sessions/{id}/review")]
pub(super) async fn take_review_back(
    allowed: Allowed<Review, OneSession>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::Review>>, Problem> {
    review(&allowed, &state, false).await
}

/// A review is its user's own: nobody overwrites another one's, so that it takes no condition.
async fn review(
    allowed: &Allowed<Review, OneSession>,
    state: &ApiState,
    is_reviewed: bool,
) -> Result<Json<Vec<dto::Review>>, Problem> {
    let (recording, by) = (allowed.target.id, allowed.caller.name.clone());
    allowed.submit(Command::PutReview(PutReview { recording, is_reviewed, by })).await?;
    report::reviews(state, recording).map(Json)
}

fn comments(state: &ApiState, recording: RecordingId) -> Result<Vec<dto::Comment>, Problem> {
    Ok(state.cluster.catalog()?.comments(recording)?.into_iter().map(dto::Comment::from).collect())
}
