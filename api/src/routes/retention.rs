//! Rules that override the parameter `retention_days`.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, put};
use cluster::catalog::{self, Command, PutRetention, Retention, Tagged};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Asked, ParametersManage, ParametersRead};
use crate::dto;
use crate::precondition::{only_if, tagged};
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_rules).service(show_rule).service(put_rule).service(delete_rule);
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

/// A rule of retention
#[utoipa::path(
    tag = "retention",
    params(
        ("scope" = dto::RetentionScope, Path, description = "what the rule is about"),
        ("name" = String, Path, description = "the device's address, the credential's user name or the protocol's name")
    ),
    responses(
        (status = 200, description = "the rule", body = dto::RetentionRule, headers(("ETag" = String))),
        Problems
    )
)]
#[get("/v1/retention-rules/{scope}/{name}")]
pub(super) async fn show_rule(
    _: Allowed<ParametersRead>,
    path: Path<(String, String)>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let scope = scope(path)?;
    tagged(&state, &Tagged::Retention(scope.clone()), || {
        let rules = state.cluster.catalog()?.retention_rules()?;
        let rule = rules.into_iter().find(|rule| rule.scope == scope).ok_or_else(Problem::not_found)?;
        Ok(dto::RetentionRule::from(rule))
    })
    .await
}

/// Sets for how long the sessions of a device, a credential or a protocol are kept
#[utoipa::path(
    tag = "retention",
    params(
        ("scope" = dto::RetentionScope, Path, description = "what the rule is about"),
        ("name" = String, Path, description = "the device's address, the credential's user name or the protocol's name"),
        ("If-Match" = Option<String>, Header, description = "the ETag of a GET, or `*` for whatever is there"),
        ("If-None-Match" = Option<String>, Header, description = "`*` for what is not there yet")
    ),
    request_body = dto::RetentionValue,
    responses(
        (status = 200, description = "all rules as they are from here on", body = Vec<dto::RetentionRule>),
        (status = 412, description = "it is not as it was when it was looked at"),
        (status = 422, description = "there is no such protocol, or the days are out of range"),
        (status = 428, description = "without If-Match or If-None-Match"),
        Problems
    )
)]
#[put("/v1/retention-rules/{scope}/{name}")]
pub(super) async fn put_rule(
    Asked { allowed, body }: Asked<ParametersManage, dto::RetentionValue>,
    path: Path<(String, String)>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::RetentionRule>>, Problem> {
    set(&allowed, &request, scope(path)?, Some(body.days.into())).await?;
    rules(&state).map(Json)
}

/// Takes a rule away
#[utoipa::path(
    tag = "retention",
    params(
        ("scope" = dto::RetentionScope, Path, description = "what the rule is about"),
        ("name" = String, Path, description = "the device's address, the credential's user name or the protocol's name"),
        ("If-Match" = Option<String>, Header, description = "the ETag of a GET, or `*` for whatever is there")
    ),
    responses(
        (status = 204, description = "there is no such rule from here on"),
        (status = 412, description = "it is not as it was when it was looked at"),
        (status = 428, description = "without If-Match"),
        Problems
    )
)]
#[delete("/v1/retention-rules/{scope}/{name}")]
pub(super) async fn delete_rule(
    allowed: Allowed<ParametersManage>,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    set(&allowed, &request, scope(path)?, None).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn set(
    allowed: &Allowed<ParametersManage>,
    request: &HttpRequest,
    scope: catalog::RetentionScope,
    retention: Option<Retention>,
) -> Result<(), Problem> {
    let by = allowed.caller.name.clone();
    let row = Tagged::Retention(scope.clone());
    let command = Command::PutRetention(PutRetention { scope, retention, by });
    allowed.submit(only_if(request, row, command)?).await?;
    Ok(())
}

/// What the path names. `Path` decodes all of it, while `match_info` leaves `%2F`, `%2B` and `%25` as they are.
fn scope(path: Path<(String, String)>) -> Result<catalog::RetentionScope, Problem> {
    let (scope, name) = path.into_inner();
    let scope = dto::RetentionScope::from_text(&scope).ok_or_else(Problem::not_found)?;
    Ok(scope.of(name))
}

fn rules(state: &ApiState) -> Result<Vec<dto::RetentionRule>, Problem> {
    let rows = state.cluster.catalog()?.retention_rules()?;
    Ok(rows.into_iter().map(dto::RetentionRule::from).collect())
}
