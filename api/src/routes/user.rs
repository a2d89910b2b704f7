//! Local users.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};
use cluster::catalog::{Command, CreateUser, PutUser, SetPassword, Tagged, TokenId, UserRow};
use policy::Action;
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::json;
use super::problems::Problems;
use crate::audit::Refused;
use crate::auth::{Allowed, Any, Asked, Themselves, UsersManage, UsersRead};
use crate::dto;
use crate::grant;
use crate::precondition::{only_if, tagged, with_tag};
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

/// The most characters of a local user's name.
const NAME_CHARS_MAX: usize = 64;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_users)
        .service(create_user)
        .service(show_user)
        .service(change_user)
        .service(delete_user)
        .service(set_password);
}

/// All local users
#[utoipa::path(tag = "users", responses((status = 200, description = "the users", body = Vec<dto::User>), Problems))]
#[get("/v1/users")]
pub(super) async fn list_users(
    _: Allowed<UsersRead>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::User>>, Problem> {
    let users = state.cluster.catalog()?.users()?;
    Ok(Json(users.into_iter().map(|(name, row)| dto::User::new(name, row)).collect()))
}

/// Makes a local user
#[utoipa::path(
    tag = "users",
    request_body = dto::NewUser,
    responses(
        (status = 201, description = "the user", body = dto::User, headers(("Location" = String), ("ETag" = String))),
        (status = 403, description = "a role holds what the caller does not hold"),
        (status = 409, description = "there is such a user"),
        (status = 422, description = "a field is not allowed"),
        Problems
    )
)]
#[post("/v1/users")]
pub(super) async fn create_user(
    Asked { allowed, body }: Asked<UsersManage, dto::NewUser>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let dto::NewUser { name, password, roles } = body;
    check_name(&name)?;
    grant::check_roles(&state, &allowed.caller, &roles).await?;
    let password = password.hash(&state.threads, &*state.random).await?;
    let command = CreateUser { name: name.clone(), password, roles, by: allowed.caller.name.clone() };
    allowed.submit(Command::CreateUser(command)).await?;
    let location = format!("/v1/users/{name}");
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, location));
    with_tag(response, &state, &Tagged::User(name.clone()), || shown(&state, &name))
}

/// A local user
#[utoipa::path(
    tag = "users",
    params(("name" = String, Path, description = "the user")),
    responses((status = 200, description = "the user", body = dto::User, headers(("ETag" = String))), Problems)
)]
#[get("/v1/users/{name}")]
pub(super) async fn show_user(
    _: Allowed<UsersRead>,
    name: Path<String>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let name = name.into_inner();
    tagged(&state, &Tagged::User(name.clone()), || shown(&state, &name)).await
}

/// Sets the roles of a local user, and whether they may log in
#[utoipa::path(
    tag = "users",
    params(
        ("name" = String, Path, description = "the user"),
        ("If-Match" = Option<String>, Header, description = "the ETag of a GET, or `*` for whatever is there")
    ),
    request_body = dto::ChangedUser,
    responses(
        (status = 200, description = "the user from here on", body = dto::User, headers(("ETag" = String))),
        (status = 403, description = "a role holds what the caller does not hold"),
        (status = 412, description = "it is not as it was when it was looked at"),
        (status = 422, description = "a field is not allowed"),
        (status = 428, description = "without If-Match"),
        Problems
    )
)]
#[put("/v1/users/{name}")]
pub(super) async fn change_user(
    Asked { allowed, body }: Asked<UsersManage, dto::ChangedUser>,
    name: Path<String>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let name = name.into_inner();
    let dto::ChangedUser { roles, disabled: is_disabled } = body;
    let older = newest(&state, &name).await?;
    // Who may log in again has their roles from the caller, who is disabled has them from nobody.
    let is_given = |role: &&String| !is_disabled && (older.is_disabled || !older.roles.contains(*role));
    grant::check_roles(&state, &allowed.caller, roles.iter().filter(is_given)).await?;
    let expected_version = Some(older.version);
    let by = allowed.caller.name.clone();
    let command = PutUser { name: name.clone(), roles, is_disabled, expected_version, by };
    let row = Tagged::User(name.clone());
    allowed.submit(only_if(&request, row.clone(), Command::PutUser(command))?).await?;
    tagged(&state, &row, || shown(&state, &name)).await
}

/// Deletes a local user and ends their logins
#[utoipa::path(
    tag = "users",
    params(
        ("name" = String, Path, description = "the user"),
        ("If-Match" = Option<String>, Header, description = "the ETag of a GET, or `*` for whatever is there")
    ),
    responses(
        (status = 204, description = "done"),
        (status = 412, description = "it is not as it was when it was looked at"),
        (status = 428, description = "without If-Match"),
        Problems
    )
)]
#[delete("/v1/users/{name}")]
pub(super) async fn delete_user(
    allowed: Allowed<UsersManage>,
    name: Path<String>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let (name, by) = (name.into_inner(), allowed.caller.name.clone());
    let row = Tagged::User(name.clone());
    let command = only_if(&request, row.clone(), Command::DeleteUser { name, by })?;
    // What another member has made is there, and what is not there is no matter of conditions.
    state.cluster.read_index().await?;
    state.cluster.catalog()?.tag(&row)?.ok_or_else(Problem::not_found)?;
    allowed.submit(command).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sets a local user's password: one's own with the old one, another's with System.Users.Manage
#[utoipa::path(
    tag = "users",
    params(("name" = String, Path, description = "the user")),
    request_body = dto::NewPassword,
    responses(
        (status = 204, description = "done; all logins of the user have ended, but for the one that asks"),
        (status = 403, description = "the old password is wrong, or the user holds what the caller does not hold"),
        (status = 412, description = "somebody else has set the password meanwhile"),
        (status = 422, description = "the new password is too short or too long"),
        Problems
    )
)]
#[put("/v1/users/{name}/password")]
pub(super) async fn set_password(
    allowed: Allowed<Any, Themselves>,
    name: Path<String>,
    request: HttpRequest,
    payload: Payload,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let name = name.into_inner();
    let own: Option<TokenId> = allowed.caller.login_of(&name);
    if own.is_none() {
        allowed.also(Action::UsersManage)?;
    }
    let dto::NewPassword { password, old_password } = json(&request, payload, &state).await?;
    let user = newest(&state, &name).await?;
    match own {
        Some(_) => {
            state.rates.count_login(&request, &name)?;
            let wrong = || {
                // Whoever has the browser may be trying passwords.
                state.trail.refuse(allowed.caller.who(), None, Refused::Forbidden, format!("user/{name}"));
                Problem::new(Kind::WrongPassword, "expected old_password to be the one in force")
            };
            let old = old_password.ok_or_else(wrong)?;
            if !old.verify(Some(user.password), &state.threads).await? {
                return Err(wrong());
            }
        }
        // Who sets a password can log in with it.
        None => grant::check_roles(&state, &allowed.caller, &user.roles).await?,
    }
    let command = SetPassword {
        name,
        password: password.hash(&state.threads, &*state.random).await?,
        expected_password_index: Some(user.password_index),
        keep: own,
        by: allowed.caller.name.clone(),
    };
    allowed.submit(Command::SetPassword(command)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A name of few characters: none looks like another, and each can stand in an address.
fn check_name(name: &str) -> Result<(), Problem> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-@+".contains(&byte);
    match !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.bytes().all(is_plain) {
        true => Ok(()),
        false => Err(Problem::new(
            Kind::InvalidField,
            format_args!("expected a name of 1 to {NAME_CHARS_MAX} of a-z, 0-9, '.', '_', '-', '@' and '+'"),
        )),
    }
}

/// The user as every member has acknowledged them: a change names the versions that it has seen here.
async fn newest(state: &ApiState, name: &str) -> Result<UserRow, Problem> {
    state.cluster.read_index().await?;
    row(state, name)
}

fn row(state: &ApiState, name: &str) -> Result<UserRow, Problem> {
    state.cluster.catalog()?.user(name)?.ok_or_else(Problem::not_found)
}

fn shown(state: &ApiState, name: &str) -> Result<dto::User, Problem> {
    Ok(dto::User::new(name.to_owned(), row(state, name)?))
}
