//! Logins of local users.

use actix_web::http::header::SET_COOKIE;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, post};
use cluster::catalog::{As, Command, LogIn, Refusal, TokenId, UserRow};
use cluster::facts::SubmitError;
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::json;
use super::problems::Problems;
use crate::audit::{Refused, Who};
use crate::auth::{Allowed, Any, Credential, Themselves, TokenSecret, address, cookie};
use crate::dto;
use crate::password::Password;
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

/// How long a login lasts: a working day.
const LOGIN_MS: u64 = 12 * 60 * 60 * 1000;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(log_in).service(log_out);
}

/// Begins a login of a local user
#[utoipa::path(
    tag = "users",
    request_body = dto::Login,
    responses(
        (status = 204, description = "the cookie of the login", headers(("Set-Cookie" = String))),
        (status = 401, description = "name and password are not those of a user who may log in"),
        (status = 403, description = "a page of another site asks"),
        Problems
    ),
    security(())
)]
#[post("/v1/login")]
pub(super) async fn log_in(
    request: HttpRequest,
    payload: Payload,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let tell = |user: String, refused: Refused| {
        let who = Who { user, address: address(&request), ..Who::default() };
        state.trail.refuse(who, None, refused, String::new());
    };
    cookie::refuse_other_page(&request).inspect_err(|_| tell(String::new(), Refused::Forbidden))?;
    let dto::Login { name, password } = json(&request, payload, &state).await?;
    state.rates.count_login(&request, &name)?;
    // Who was disabled on another member is so here.
    state.cluster.read_index().await?;
    let user = state.cluster.catalog()?.user(&name)?;
    // A name that is none is not told: people type passwords there.
    let known = if user.is_some() { name.clone() } else { String::new() };
    let secret = TokenSecret::generate(&*state.random)?;
    match begin(&request, &state, (name, user), password, &secret).await {
        Ok(()) => {
            let cookie = cookie::given(&request, &secret);
            Ok(HttpResponse::NoContent().insert_header((SET_COOKIE, cookie)).finish())
        }
        Err(problem) => {
            if problem.is_unauthenticated() {
                tell(known, Refused::Unauthenticated);
            }
            Err(problem)
        }
    }
}

/// Begins a login whose cookie holds this secret, if the password is right.
async fn begin(
    request: &HttpRequest,
    state: &ApiState,
    (name, user): (String, Option<UserRow>),
    password: Password,
    secret: &TokenSecret,
) -> Result<(), Problem> {
    let is_right = password.verify(user.as_ref().map(|user| user.password.clone()), &state.threads).await?;
    // Whatever is wrong, the answer is the same, and so is the work before it.
    let refused = || Problem::from(Refusal::LoginRefused);
    let may = |user: &UserRow| is_right && !user.is_disabled;
    let user = user.filter(may).ok_or_else(refused)?;
    let mut token = [0; 16];
    state.random.fill(&mut token)?;
    let command = LogIn {
        name,
        password_index: user.password_index,
        token: TokenId(token),
        hash: secret.hash(),
        expires_ms: state.cluster.catalog()?.clock()?.now_ms.saturating_add(LOGIN_MS),
    };
    let (user, service) = (command.name.clone(), String::new());
    let command = Box::new(Command::LogIn(command));
    state.cluster.submit(Command::As(As { user, service, address: address(request), command })).await?;
    Ok(())
}

/// Ends the login whose cookie comes with the request
#[utoipa::path(
    tag = "users",
    responses(
        (status = 204, description = "the login has ended, and the cookie is taken away", headers(("Set-Cookie" = String))),
        (status = 409, description = "the caller has come without a cookie"),
        Problems
    )
)]
#[post("/v1/logout")]
pub(super) async fn log_out(
    allowed: Allowed<Any, Themselves>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let token = match allowed.caller.credential {
        Credential::Login(token) => token,
        Credential::Token(_) | Credential::Jwt => {
            return Err(Problem::new(Kind::Conflict, "expected the cookie of a login"));
        }
    };
    match allowed.submit(Command::RevokeToken { token, by: allowed.caller.name.clone() }).await {
        // Another request has ended it.
        Ok(_) | Err(SubmitError::Refused(Refusal::TokenUnknown { .. })) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(HttpResponse::NoContent().insert_header((SET_COOKIE, cookie::taken(&request))).finish())
}
