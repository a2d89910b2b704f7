//! Roles: names for sets of permissions.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, get, put};
use cluster::catalog::{Command, PutRole, Tagged};
use policy::Role;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Asked, RolesManage, RolesRead};
use crate::precondition::{only_if, tagged};
use crate::problem::{Kind, Problem};
use crate::state::ApiState;
use crate::{dto, grant, roles};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_roles).service(show_role).service(put_role);
}

/// All roles and what they permit
#[utoipa::path(tag = "roles", responses((status = 200, description = "the roles", body = Vec<dto::Role>), Problems))]
#[get("/v1/roles")]
pub(super) async fn list_roles(
    _: Allowed<RolesRead>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::Role>>, Problem> {
    let roles = state.cluster.catalog()?.roles()?;
    Ok(Json(roles.into_iter().map(|(name, row)| dto::Role::new(name, row)).collect()))
}

/// A role and what it permits
#[utoipa::path(
    tag = "roles",
    params(("name" = String, Path, description = "the role")),
    responses((status = 200, description = "the role", body = dto::Role, headers(("ETag" = String))), Problems)
)]
#[get("/v1/roles/{name}")]
pub(super) async fn show_role(
    _: Allowed<RolesRead>,
    name: Path<String>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let name = name.into_inner();
    tagged(&state, &Tagged::Role(name.clone()), || shown(&state, &name)).await
}

/// Makes a role, or sets what it permits
#[utoipa::path(
    tag = "roles",
    params(
        ("name" = String, Path, description = "the role"),
        ("If-Match" = Option<String>, Header, description = "the ETag of a GET, or `*` for whatever is there"),
        ("If-None-Match" = Option<String>, Header, description = "`*` for what is not there yet")
    ),
    request_body = dto::NewRole,
    responses(
        (status = 200, description = "the role from here on", body = dto::Role, headers(("ETag" = String))),
        (status = 403, description = "a permission is added or taken away that the caller does not hold"),
        (status = 409, description = "no role would hold System.Roles.Manage and System.Users.Manage any more"),
        (status = 412, description = "it is not as it was when it was looked at"),
        (status = 422, description = "a name is none of a role or of a permission"),
        (status = 428, description = "without If-Match or If-None-Match"),
        Problems
    )
)]
#[put("/v1/roles/{name}")]
pub(super) async fn put_role(
    Asked { allowed, body }: Asked<RolesManage, dto::NewRole>,
    name: Path<String>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let name = name.into_inner();
    let role = Role::from_names(&name, body.permissions.iter().map(String::as_str))
        .map_err(|error| Problem::new(Kind::InvalidField, error))?;
    let permissions: Vec<String> = role.permissions.iter().map(|action| action.name().to_owned()).collect();
    grant::check_change(&state, &allowed.caller, &name, &permissions).await?;
    let (expected_version, by) = (None, allowed.caller.name.clone());
    let command = PutRole { name: name.clone(), permissions, expected_version, by };
    let row = Tagged::Role(name.clone());
    allowed.submit(only_if(&request, row.clone(), Command::PutRole(command))?).await?;
    roles::put_in_force(&state).await?;
    tagged(&state, &row, || shown(&state, &name)).await
}

fn shown(state: &ApiState, name: &str) -> Result<dto::Role, Problem> {
    let row = state.cluster.catalog()?.role(name)?.ok_or_else(Problem::not_found)?;
    Ok(dto::Role::new(name.to_owned(), row))
}
