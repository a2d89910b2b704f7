//! What every route may answer.

use utoipa::IntoResponses;

use crate::problem::Body;

/// The answers of every route that is no success.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "documents answers that `Problem` makes")]
pub(super) enum Problems<'a> {
    #[response(
        status = 401,
        description = "without a valid token",
        content_type = "application/problem+json"
    )]
    Unauthenticated(Body<'a>),
    #[response(
        status = 403,
        description = "without the permission",
        content_type = "application/problem+json"
    )]
    Forbidden(Body<'a>),
    #[response(
        status = 404,
        description = "not there, or not to be seen by the caller",
        content_type = "application/problem+json"
    )]
    NotFound(Body<'a>),
    #[response(
        status = 429,
        description = "too many requests of this caller; Retry-After says when to ask again",
        content_type = "application/problem+json"
    )]
    TooManyRequests(Body<'a>),
    #[response(
        status = 503,
        description = "the cluster is not ready; Retry-After says when to ask again",
        content_type = "application/problem+json"
    )]
    NotReady(Body<'a>),
    #[response(
        status = "default",
        description = "any other problem; the table above lists them",
        content_type = "application/problem+json"
    )]
    Other(Body<'a>),
}
