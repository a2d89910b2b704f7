//! The audit log, and what proves that nobody has changed it.

use actix_web::http::header::LINK;
use actix_web::web::{Data, Json, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use cluster::catalog::{AuditPage, Catalog, CatalogError};
use policy::Action;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use super::session::next_link;
use crate::audit::{Format, Log, Shown, json};
use crate::auth::{Allowed, AuditRead};
use crate::dto;
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_leaves)
        .service(show_checkpoint)
        .service(prove_inclusion)
        .service(prove_consistency)
        .service(list_keys);
}

/// Who did, saw and was refused what; reading it is audited, too
///
/// Control characters are escaped in every form. The lines of `jsonl`, `rfc5424` and `cef` are leaves; where the next page
/// begins says the header Link.
#[utoipa::path(
    tag = "audit",
    params(dto::LeavesQuery),
    responses(
        (
            status = 200,
            description = "a page of leaves",
            content((dto::LeavesPage = "application/json"), (String = "application/jsonl"), (String = "text/plain")),
            headers(("Link" = Option<String>))
        ),
        Problems
    )
)]
#[get("/v1/audit")]
pub(super) async fn list_leaves(
    allowed: Allowed<AuditRead>,
    query: Query<dto::LeavesQuery>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let format = query.format;
    let AuditPage { leaves, next } = state.cluster.catalog()?.audit_leaves(&query.into_query())?;
    let (first, last) = (leaves.first(), leaves.last());
    let numbers =
        first.zip(last).map(|(first, last)| (first.number.min(last.number), first.number.max(last.number)));
    let shown = numbers.map_or(0..0, |(least, greatest)| least..greatest.saturating_add(1));
    allowed.viewer(Action::AuditRead, Shown::AuditLog).sees(shown).await?;
    let leaves: Vec<dto::Leaf> = leaves.into_iter().map(dto::Leaf::from).collect();
    let body = match format {
        Format::Json => json(&dto::LeavesPage { leaves, next }),
        Format::Jsonl | Format::Rfc5424 | Format::Cef => {
            leaves.iter().map(|leaf| format!("{}\n", format.line(leaf))).collect()
        }
    };
    let mut response = HttpResponse::Ok();
    if let Some(next) = next {
        response.insert_header((LINK, next_link(&request, &next.to_string())));
    }
    Ok(response.content_type(format.media_type()).body(body))
}

/// How long the log is and what its root is, signed by this member (C2SP tlog-checkpoint)
#[utoipa::path(
    tag = "audit",
    responses((status = 200, description = "a signed note", body = String, content_type = "text/plain"), Problems)
)]
#[get("/v1/audit/checkpoint")]
pub(super) async fn show_checkpoint(
    _: Allowed<AuditRead>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    // What another member has acknowledged is in every later checkpoint of all.
    state.cluster.read_index().await?;
    let log = log(state.cluster.catalog()?)?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(log.checkpoint(&state.checkpoint_key)))
}

/// That a leaf stands in the log
#[utoipa::path(
    tag = "audit",
    params(dto::InclusionQuery),
    responses((status = 200, description = "the proof", body = dto::Inclusion), Problems)
)]
#[get("/v1/audit/proof")]
pub(super) async fn prove_inclusion(
    _: Allowed<AuditRead>,
    query: Query<dto::InclusionQuery>,
    state: Data<ApiState>,
) -> Result<Json<dto::Inclusion>, Problem> {
    let catalog = state.cluster.catalog()?;
    let leaf = query.leaf.ok_or_else(|| no_such(catalog, "a leaf"))?;
    let size = query.size.map_or_else(|| all(catalog), Ok)?;
    let (Some(path), Some(root), Some(row)) =
        (catalog.audit_inclusion(leaf, size)?, catalog.audit_root(size)?, catalog.audit_leaf(leaf)?)
    else {
        return Err(no_such(catalog, "a leaf below the size"));
    };
    let (leaf_hash, root, path) = (dto::hex(&row.hash().0), dto::hex(&root.0), dto::path(&path));
    Ok(Json(dto::Inclusion { leaf, size, leaf_hash, path, root }))
}

/// That the log has only grown
#[utoipa::path(
    tag = "audit",
    params(dto::ConsistencyQuery),
    responses((status = 200, description = "the proof", body = dto::Consistency), Problems)
)]
#[get("/v1/audit/consistency")]
pub(super) async fn prove_consistency(
    _: Allowed<AuditRead>,
    query: Query<dto::ConsistencyQuery>,
    state: Data<ApiState>,
) -> Result<Json<dto::Consistency>, Problem> {
    let catalog = state.cluster.catalog()?;
    let from = query.from.ok_or_else(|| no_such(catalog, "an older size"))?;
    let to = query.to.map_or_else(|| all(catalog), Ok)?;
    let (Some(path), Some(older), Some(newer)) =
        (catalog.audit_consistency(from, to)?, catalog.audit_root(from)?, catalog.audit_root(to)?)
    else {
        return Err(no_such(catalog, "an older size from 1 to the newer one"));
    };
    let (from_root, to_root, path) = (dto::hex(&older.0), dto::hex(&newer.0), dto::path(&path));
    Ok(Json(dto::Consistency { from, to, path, from_root, to_root }))
}

/// The keys with which members sign checkpoints
#[utoipa::path(
    tag = "audit",
    responses((status = 200, description = "the keys", body = Vec<dto::CheckpointKey>), Problems)
)]
#[get("/v1/audit/keys")]
pub(super) async fn list_keys(
    _: Allowed<AuditRead>,
    state: Data<ApiState>,
) -> Result<Json<Vec<dto::CheckpointKey>>, Problem> {
    let catalog = state.cluster.catalog()?;
    let log = log(catalog)?;
    let keys = catalog.audit_keys()?.into_iter();
    Ok(Json(keys.map(|(key, row)| dto::CheckpointKey::new(&log.origin, &key, row)).collect()))
}

fn log(catalog: &Catalog) -> Result<Log, Problem> {
    Log::of(catalog)?.ok_or_else(|| Problem::not_ready("the audit log has not begun"))
}

fn all(catalog: &Catalog) -> Result<u64, CatalogError> {
    Ok(catalog.audit_head()?.map_or(0, |head| head.size))
}

fn no_such(catalog: &Catalog, expected: &str) -> Problem {
    match all(catalog) {
        Ok(size) => Problem::new(Kind::InvalidQuery, format_args!("expected {expected}, of {size} leaves")),
        Err(error) => error.into(),
    }
}
