//! The caller, as this service sees it.

use actix_web::get;
use actix_web::web::{Data, Json, Query};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Any, Themselves};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(whoami);
}

/// Who the caller is, by which credential, and what they may do; with `session`, what to that one, and why
#[utoipa::path(
    tag = "tokens",
    params(dto::WhoamiQuery),
    responses(
        (status = 200, description = "the caller", body = dto::Whoami),
        (status = 404, description = "the caller may know nothing of such a session"),
        Problems
    )
)]
#[get("/v1/whoami")]
pub(super) async fn whoami(
    allowed: Allowed<Any, Themselves>,
    query: Query<dto::WhoamiQuery>,
    state: Data<ApiState>,
) -> Result<Json<dto::Whoami>, Problem> {
    let verdicts = match &query.session {
        Some(session) => Some(allowed.verdicts(session).await?),
        None => None,
    };
    let permissions = state.authorizer.get().permissions(&allowed.caller.subject);
    Ok(Json(dto::Whoami::new(allowed.caller, permissions, verdicts)))
}
