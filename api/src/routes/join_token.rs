//! Tokens with which members join.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use cluster::catalog::{Catalog, CatalogError, Command, CreateJoinToken, MemberState, Refusal, TokenId};
use cluster::id::MemberId;
use cluster::joining::{JoinToken, SECRET_BYTES};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, ClusterManage, ClusterRead};
use crate::dto;
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

/// So many members are named in a token: those that are asked.
const MEMBERS_NAMED: usize = 9;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_join_tokens).service(create_join_token).service(delete_join_token);
}

/// The tokens for new members, without their texts
#[utoipa::path(tag = "cluster", responses((status = 200, description = "the tokens", body = Vec<dto::JoinToken>), Problems))]
#[get("/v1/cluster/join-tokens")]
pub(super) async fn list_join_tokens(
    _: Allowed<ClusterRead>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::JoinToken>>, Problem> {
    let tokens = state.cluster.catalog()?.join_tokens()?;
    Ok(Json(tokens.into_iter().map(|(id, row)| dto::JoinToken::new(id, row)).collect()))
}

/// Makes a token for one new member; its text is in this answer and nowhere else
///
/// It can be used for 15 minutes. Whoever has it becomes a member, and is given the cluster's key.
#[utoipa::path(
    tag = "cluster",
    responses(
        (status = 201, description = "the token and its text", body = dto::MadeJoinToken, headers(("Location" = String))),
        (status = 409, description = "the cluster has no CA of its own"),
        Problems
    )
)]
#[post("/v1/cluster/join-tokens")]
pub(super) async fn create_join_token(
    allowed: Allowed<ClusterManage>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let catalog = state.cluster.catalog()?;
    let ca = catalog.ca()?.ok_or(Refusal::CaMissing)?.certificate;
    let members = addresses(catalog)?;
    if members.is_empty() {
        return Err(Problem::new(Kind::Conflict, "no member has said where others reach it"));
    }
    let (mut id, mut secret) = ([0; 16], [0; SECRET_BYTES]);
    state.random.fill(&mut id)?;
    state.random.fill(&mut secret)?;
    let id = TokenId(id);
    let by = allowed.caller.name.clone();
    let command = CreateJoinToken { token: id, hash: JoinToken::hash(&secret), by };
    allowed.submit(Command::CreateJoinToken(command)).await?;
    let expires_ms = catalog.join_token(id)?.ok_or_else(Problem::not_found)?.expires_ms;
    let token = JoinToken { id, secret, members, ca }.to_text().to_string();
    let made = dto::MadeJoinToken { id: id.to_string(), token, expires_ms };
    let location = (LOCATION, format!("/v1/cluster/join-tokens/{id}"));
    Ok(HttpResponse::Created().insert_header(location).json(made))
}

/// Ends a token for a new member
#[utoipa::path(
    tag = "cluster",
    params(("id" = String, Path, description = "the token, by its name and not its text")),
    responses((status = 204, description = "done"), Problems)
)]
#[delete("/v1/cluster/join-tokens/{id}")]
pub(super) async fn delete_join_token(
    allowed: Allowed<ClusterManage>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let text = request.match_info().get("id").unwrap_or_default();
    // It may be a moment old, and made on another member.
    state.cluster.read_index().await?;
    let tokens = state.cluster.catalog()?.join_tokens()?;
    let token = tokens.into_iter().map(|(id, _)| id).find(|id| id.to_string() == text);
    let token = token.ok_or_else(Problem::not_found)?;
    let by = allowed.caller.name.clone();
    allowed.submit(Command::DeleteJoinToken { token, by }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The members that can be asked to let somebody in.
fn addresses(catalog: &Catalog) -> Result<Vec<(MemberId, String)>, CatalogError> {
    let there = catalog.members()?.into_iter().filter(|(_, row)| row.state == MemberState::Member);
    Ok(there.map(|(member, row)| (member, row.address)).take(MEMBERS_NAMED).collect())
}
