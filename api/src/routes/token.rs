//! Tokens of recorders and users.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use cluster::catalog::{Command, CreateToken, Refusal, TokenId};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Asked, TokenSecret, UsersManage, UsersRead};
use crate::problem::{Kind, Problem};
use crate::state::ApiState;
use crate::{dto, grant};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_tokens).service(create_token).service(revoke_token);
}

/// All tokens, without their texts
#[utoipa::path(tag = "tokens", responses((status = 200, description = "the tokens", body = Vec<dto::Token>), Problems))]
#[get("/v1/tokens")]
pub(super) async fn list_tokens(
    _: Allowed<UsersRead>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::Token>>, Problem> {
    let tokens = state.cluster.catalog()?.tokens()?;
    Ok(Json(tokens.into_iter().map(|(id, row)| dto::Token::new(id, row)).collect()))
}

/// Makes a token; its text is in this answer and nowhere else
#[utoipa::path(
    tag = "tokens",
    request_body = dto::NewToken,
    responses(
        (status = 201, description = "the token and its text", body = dto::MadeToken, headers(("Location" = String))),
        (status = 403, description = "a role holds what the caller does not hold"),
        (status = 422, description = "a field is not allowed"),
        Problems
    )
)]
#[post("/v1/tokens")]
pub(super) async fn create_token(
    Asked { allowed, body: wanted }: Asked<UsersManage, dto::NewToken>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    wanted.check()?;
    grant::check_roles(&state, &allowed.caller, &wanted.roles).await?;
    let secret = TokenSecret::generate(&*state.random)?;
    let mut id = [0; 16];
    state.random.fill(&mut id)?;
    let id = TokenId(id);
    let command = wanted.into_command(id, secret.hash(), allowed.caller.name.clone());
    allowed.submit(Command::CreateToken(command)).await?;
    let made = dto::MadeToken { id: id.to_string(), token: secret.expose().to_owned() };
    Ok(HttpResponse::Created().insert_header((LOCATION, format!("/v1/tokens/{id}"))).json(made))
}

/// Ends a token
#[utoipa::path(
    tag = "tokens",
    params(("id" = String, Path, description = "the token, by its name and not its text")),
    responses((status = 204, description = "done"), Problems)
)]
#[delete("/v1/tokens/{id}")]
pub(super) async fn revoke_token(
    allowed: Allowed<UsersManage>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let text = request.match_info().get("id").unwrap_or_default();
    let tokens = state.cluster.catalog()?.tokens()?;
    let token = tokens.into_iter().map(|(id, _)| id).find(|id| id.to_string() == text);
    let token = token.ok_or_else(Problem::not_found)?;
    let by = allowed.caller.name.clone();
    allowed.submit(Command::RevokeToken { token, by }).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl dto::NewToken {
    fn check(&self) -> Result<(), Problem> {
        match self.kind {
            dto::TokenKind::Recorder if !self.roles.is_empty() => {
                Err(Problem::new(Kind::InvalidField, "a recorder's token has no roles"))
            }
            dto::TokenKind::Login => Err(Refusal::LoginKind.into()),
            dto::TokenKind::Recorder | dto::TokenKind::User => Ok(()),
        }
    }

    fn into_command(self, token: TokenId, hash: [u8; 32], by: String) -> CreateToken {
        let Self { kind, subject, roles, expires_ms } = self;
        CreateToken { token, hash, kind: kind.into(), subject, roles, expires_ms, by }
    }
}
