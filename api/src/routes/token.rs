//! Tokens of recorders and users.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use cluster::catalog::{Command, CreateToken, Refusal, TokenId};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, AskedOnce, TokenSecret, UsersManage, UsersRead};
use crate::once::{Done, Key};
use crate::problem::{Kind, Problem};
use crate::state::ApiState;
use crate::{dto, grant};

/// The random bytes of which, with what the caller has, the text of a token under a key is made.
const SALT_BYTES: usize = 16;

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
    params(
        (
            "Idempotency-Key" = Option<String>,
            Header,
            description = "1 to 128 characters of the caller's choice: the same request under the same key is done once within a day"
        )
    ),
    request_body = dto::NewToken,
    responses(
        (status = 201, description = "the token and its text", body = dto::MadeToken, headers(("Location" = String))),
        (status = 403, description = "a role holds what the caller does not hold"),
        (status = 409, description = "it was made under this key, and for another credential"),
        (status = 422, description = "a field is not allowed, or the key was used for another request"),
        Problems
    )
)]
#[post("/v1/tokens")]
pub(super) async fn create_token(
    AskedOnce { allowed, body: wanted, key }: AskedOnce<UsersManage, dto::NewToken>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    wanted.check()?;
    grant::check_roles(&state, &allowed.caller, &wanted.roles).await?;
    let (mut id, mut salt) = ([0; 16], [0; SALT_BYTES]);
    state.random.fill(&mut id)?;
    state.random.fill(&mut salt)?;
    let secret = match key.derive(&salt) {
        Some(bytes) => TokenSecret::from_bytes(&bytes),
        None => TokenSecret::generate(&*state.random)?,
    };
    let by = allowed.caller.name.clone();
    let command = Command::CreateToken(wanted.into_command(TokenId(id), secret.hash(), by));
    let note = [id, salt].concat();
    let done = Done::of(allowed.submit(key.wrap(note.clone(), command)).await?, note.clone());
    let id = TokenId(done.id()?);
    let secret = if done.note == note { secret } else { made_before(&state, &key, id, &done)? };
    let made = dto::MadeToken { id: id.to_string(), token: secret.expose().to_owned() };
    Ok(HttpResponse::Created().insert_header((LOCATION, format!("/v1/tokens/{id}"))).json(made))
}

/// The text of a token that was made under the same key: it is stored nowhere, and made again of what only this caller has.
fn made_before(state: &ApiState, key: &Key, id: TokenId, done: &Done) -> Result<TokenSecret, Problem> {
    let salt = done.note.last_chunk::<SALT_BYTES>();
    let secret = salt.and_then(|salt| key.derive(salt)).map(|bytes| TokenSecret::from_bytes(&bytes));
    let row = state.cluster.catalog()?.token(id)?;
    let is_same = |secret: &TokenSecret| row.as_ref().is_some_and(|row| row.hash == secret.hash());
    secret.filter(is_same).ok_or_else(|| {
        let detail = format_args!("token {id} was made under this key with another credential");
        Problem::new(Kind::Conflict, detail)
    })
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
    // It may be a moment old, and made on another member.
    state.cluster.read_index().await?;
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
