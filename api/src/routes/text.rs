//! Text of a session, to look for something in it.

use actix_web::get;
use actix_web::web::{Data, Json, Query};
use policy::Action;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::audit::Shown;
use crate::auth::{Allowed, Keystrokes, OneSession};
use crate::media::{FoundText, TextQuery};
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

/// How many lines are told where nobody says how many, and at most.
const LINES: usize = 200;
const LINES_MAX: usize = 1_000;
/// The longest text that is looked for, in characters.
const TEXT_CHARS_MAX: usize = 200;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show_text);
}

/// What is looked for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// What a line holds, in small or capital letters; all lines without it.
    #[param(max_length = 200)]
    q: Option<String>,
    /// From which media time on.
    from_ms: Option<u64>,
    /// How many lines are told at most: 200 if nothing is said, and never more than 1000.
    limit: Option<usize>,
}

/// Lines of text with the media time at which they began: what a terminal showed, and what was typed
///
/// A line that was shown is told when it was written, not when it moves. Sessions of databases show their transcript; of recordings in
/// pictures there is only what was typed. It may be passwords. While the recording grows, what is durable is looked at.
#[utoipa::path(
    tag = "recordings",
    params(("id" = String, Path, description = "the session"), SearchQuery),
    responses(
        (status = 200, description = "the lines", body = FoundText),
        (status = 410, description = "the session was purged"),
        (status = 422, description = "the recording cannot be read"),
        Problems
    )
)]
#[get("/v1/sessions/{id}/text")]
pub(super) async fn show_text(
    allowed: Allowed<Keystrokes, OneSession>,
    query: Query<SearchQuery>,
    state: Data<ApiState>,
) -> Result<Json<FoundText>, Problem> {
    let SearchQuery { q, from_ms, limit } = query.into_inner();
    let text = q.unwrap_or_default();
    if text.chars().count() > TEXT_CHARS_MAX {
        let detail = format_args!("q is longer than {TEXT_CHARS_MAX} characters");
        return Err(Problem::new(Kind::InvalidQuery, detail));
    }
    let limit = limit.unwrap_or(LINES).clamp(1, LINES_MAX);
    let wanted = TextQuery { text, from_ms: from_ms.unwrap_or(0), limit };
    let found = state.media.text(allowed.target.id, wanted).await?;
    let lines = u64::try_from(found.lines.len()).unwrap_or(u64::MAX);
    allowed.viewer(Action::Keystrokes, Shown::Text).sees(0..lines).await?;
    Ok(Json(found))
}
