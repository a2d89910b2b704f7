//! Mails, messages to the webhook, and what became of them.

use actix_web::get;
use actix_web::web::{Data, Json, Query};
use cluster::catalog::MailId;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, ClusterRead};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

/// Mails of a page when nothing else is asked for.
const PAGE_MAILS: usize = 100;
/// The most mails of a page.
const PAGE_MAILS_MAX: usize = 1000;
/// The mails that are looked at for alerts: the oldest ones are tried first.
const ALERT_MAILS_MAX: usize = 1000;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_mails);
}

/// Mails and messages to the webhook, the oldest first, and what keeps them from being sent
#[utoipa::path(tag = "cluster", params(dto::MailQuery), responses((status = 200, description = "a page of mails", body = dto::MailPage), Problems))]
#[get("/v1/outbox")]
pub(super) async fn list_mails(
    allowed: Allowed<ClusterRead>,
    query: Query<dto::MailQuery>,
    state: Data<ApiState>,
) -> Result<Json<dto::MailPage>, Problem> {
    page(&state, &allowed.caller.name, &query).map(Json)
}

/// Mails are numbered from 1 without gaps. Those about a session that is denied to the caller are left out.
fn page(state: &ApiState, caller: &str, query: &dto::MailQuery) -> Result<dto::MailPage, Problem> {
    let limit = query.limit.unwrap_or(PAGE_MAILS).clamp(1, PAGE_MAILS_MAX);
    let first = query.after.unwrap_or(0).saturating_add(1);
    let catalog = state.cluster.catalog()?;
    let open = catalog.open_mails(None, ALERT_MAILS_MAX)?;
    let alerts = dto::MailAlert::of(open.into_iter().map(|(_, row)| row));
    let (mut mails, mut next) = (Vec::new(), None);
    for id in (first..).take(limit).map(MailId) {
        let Some(row) = catalog.mail(id)? else { return Ok(dto::MailPage { mails, next: None, alerts }) };
        next = Some(id.0);
        if !catalog.access(row.recording)?.denied.iter().any(|user| user == caller) {
            mails.push(dto::Mail::new(id, row));
        }
    }
    Ok(dto::MailPage { mails, next, alerts })
}
