//! Parameters: cluster-wide settings.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, get, put};
use cluster::catalog::{Command, Parameter, PutParameter};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Asked, ParametersManage, ParametersRead};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_parameters).service(set_parameter);
}

/// All parameters and their values
#[utoipa::path(tag = "parameters", responses((status = 200, description = "the parameters", body = Vec<dto::Parameter>), Problems))]
#[get("/v1/parameters")]
pub(super) async fn list_parameters(
    _: Allowed<ParametersRead>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::Parameter>>, Problem> {
    let all = Parameter::ALL.iter().map(|parameter| shown(&state, parameter));
    all.collect::<Result<_, _>>().map(Json)
}

/// Sets a parameter
#[utoipa::path(
    tag = "parameters",
    params(("name" = String, Path, description = "the parameter")),
    request_body = dto::NewValue,
    responses(
        (status = 200, description = "the parameter as it is from here on", body = dto::Parameter),
        (status = 412, description = "it has another version"),
        (status = 422, description = "it does not take this value"),
        Problems
    )
)]
#[put("/v1/parameters/{name}")]
pub(super) async fn set_parameter(
    Asked { allowed, body }: Asked<ParametersManage, dto::NewValue>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<Json<dto::Parameter>, Problem> {
    let name = request.match_info().get("name").unwrap_or_default();
    let parameter = Parameter::named(name).ok_or_else(Problem::not_found)?;
    let command = PutParameter {
        name: parameter.name.to_owned(),
        value: body.value.into(),
        expected_version: body.expected_version,
        by: allowed.caller.name.clone(),
    };
    allowed.submit(Command::PutParameter(command)).await?;
    shown(&state, parameter).map(Json)
}

fn shown(state: &ApiState, parameter: &Parameter) -> Result<dto::Parameter, Problem> {
    Ok(dto::Parameter::new(parameter, state.cluster.catalog()?.parameter_row(parameter)?))
}
