//! The caller, as this service sees it.

use actix_web::get;
use actix_web::web::{Data, Json};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Any, Themselves};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(whoami);
}

/// Who the caller is, by which credential, and what they may do
#[utoipa::path(tag = "tokens", responses((status = 200, description = "the caller", body = dto::Whoami), Problems))]
#[get("/v1/whoami")]
pub(super) async fn whoami(
    allowed: Allowed<Any, Themselves>,
    state: Data<ApiState>,
) -> Result<Json<dto::Whoami>, Problem> {
    let permissions = state.authorizer.get().permissions(&allowed.caller.subject);
    Ok(Json(dto::Whoami::new(allowed.caller, permissions)))
}
