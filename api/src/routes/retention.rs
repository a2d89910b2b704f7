//! Rules that override the parameter `retention_days`.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, delete, get, put};
use cluster::catalog::{self, Command, PutRetention, Retention};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Asked, ParametersManage, ParametersRead};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_rules).service(put_rule).service(delete_rule);
}

/// All rules of retention
#[utoipa::path(tag = "retention", responses((status = 200, description = "the rules", body = Vec<dto::RetentionRule>), Problems))]
#[get("/v1/retention-rules")]
pub(super) async fn list_rules(
    _: Allowed<ParametersRead>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::RetentionRule>>, Problem> {
    rules(&state).map(Json)
}

/// Sets for how long the sessions of a device, a credential or a protocol are kept
#[utoipa::path(
    tag = "retention",
    params(
        ("scope" = dto::RetentionScope, Path, description = "what the rule is about"),
        ("name" = String, Path, description = "the device's address, the credential's user name or the protocol's name")
    ),
    request_body = dto::RetentionValue,
    responses(
        (status = 200, description = "all rules as they are from here on", body = Vec<dto::RetentionRule>),
        (status = 422, description = "there is no such protocol, or the days are out of range"),
        Problems
    )
)]
#[put("/v1/retention-rules/{scope}/{name}")]
pub(super) async fn put_rule(
    Asked { allowed, body }: Asked<ParametersManage, dto::RetentionValue>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::RetentionRule>>, Problem> {
    set(&state, &request, Some(body.days.into()), allowed.caller.name).await?;
    rules(&state).map(Json)
}

/// Takes a rule away
#[utoipa::path(
    tag = "retention",
    params(
        ("scope" = dto::RetentionScope, Path, description = "what the rule is about"),
        ("name" = String, Path, description = "the device's address, the credential's user name or the protocol's name")
    ),
    responses((status = 204, description = "there is no such rule from here on"), Problems)
)]
#[delete("/v1/retention-rules/{scope}/{name}")]
pub(super) async fn delete_rule(
    allowed: Allowed<ParametersManage>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    set(&state, &request, None, allowed.caller.name).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn set(
    state: &ApiState,
    request: &HttpRequest,
    retention: Option<Retention>,
    by: String,
) -> Result<(), Problem> {
    let command = PutRetention { scope: scope(request)?, retention, by };
    state.cluster.submit(Command::PutRetention(command)).await?;
    Ok(())
}

fn scope(request: &HttpRequest) -> Result<catalog::RetentionScope, Problem> {
    let part = |name| request.match_info().get(name).unwrap_or_default();
    let scope = dto::RetentionScope::from_text(part("scope")).ok_or_else(Problem::not_found)?;
    Ok(scope.of(part("name").to_owned()))
}

fn rules(state: &ApiState) -> Result<Vec<dto::RetentionRule>, Problem> {
    let rows = state.cluster.catalog()?.retention_rules()?;
    Ok(rows.into_iter().map(dto::RetentionRule::from).collect())
}
