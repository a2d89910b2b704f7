//! Parameters: cluster-wide settings.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, get, put};
use cluster::catalog::{Command, Parameter, PutParameter, Tagged};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Asked, ParametersManage, ParametersRead};
use crate::dto;
use crate::precondition::{only_if, tagged};
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_parameters).service(show_parameter).service(set_parameter);
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

/// A parameter and its value
#[utoipa::path(
    tag = "parameters",
    params(("name" = String, Path, description = "the parameter")),
    responses(
        (status = 200, description = "the parameter", body = dto::Parameter, headers(("ETag" = String))),
        Problems
    )
)]
#[get("/v1/parameters/{name}")]
pub(super) async fn show_parameter(
    _: Allowed<ParametersRead>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let parameter = named(&request)?;
    tagged(&state, &row(parameter), || shown(&state, parameter)).await
}

/// Sets a parameter
#[utoipa::path(
    tag = "parameters",
    params(
        ("name" = String, Path, description = "the parameter"),
        ("If-Match" = Option<String>, Header, description = "the ETag of a GET, or `*` for whatever it is")
    ),
    request_body = dto::NewValue,
    responses(
        (
            status = 200,
            description = "the parameter as it is from here on",
            body = dto::Parameter,
            headers(("ETag" = String))
        ),
        (status = 412, description = "it is not as it was when it was looked at"),
        (status = 422, description = "it does not take this value"),
        (status = 428, description = "without If-Match"),
        Problems
    )
)]
#[put("/v1/parameters/{name}")]
pub(super) async fn set_parameter(
    Asked { allowed, body }: Asked<ParametersManage, dto::NewValue>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let parameter = named(&request)?;
    let command = PutParameter {
        name: parameter.name.to_owned(),
        value: body.value.into(),
        expected_version: None,
        by: allowed.caller.name.clone(),
    };
    let row = row(parameter);
    allowed.submit(only_if(&request, row.clone(), Command::PutParameter(command))?).await?;
    tagged(&state, &row, || shown(&state, parameter)).await
}

fn named(request: &HttpRequest) -> Result<&'static Parameter, Problem> {
    let name = request.match_info().get("name").unwrap_or_default();
    Parameter::named(name).ok_or_else(Problem::not_found)
}

fn row(parameter: &Parameter) -> Tagged {
    Tagged::Parameter(parameter.name.to_owned())
}

fn shown(state: &ApiState, parameter: &Parameter) -> Result<dto::Parameter, Problem> {
    Ok(dto::Parameter::new(parameter, state.cluster.catalog()?.parameter_row(parameter)?))
}
