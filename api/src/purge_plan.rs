//! What would be purged by age.

use cluster::catalog::{Catalog, DuePlace, DueSession, Suspicion};
use cluster::id::RecordingId;

use crate::auth::{AllSessions, Allowed, Purge};
use crate::dto::{self, PurgePlan, PurgePlanQuery};
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

/// Sessions of a page when nothing else is asked for.
const PAGE_SESSIONS: usize = 100;
/// The most sessions of a page.
const PAGE_SESSIONS_MAX: usize = 1000;
/// Pages of which the caller may see nothing that are passed over for one answer.
const HIDDEN_PAGES_MAX: usize = 64;

/// A page of the plan.
pub(crate) fn page(
    state: &ApiState,
    allowed: &Allowed<Purge, AllSessions>,
    query: &PurgePlanQuery,
) -> Result<PurgePlan, Problem> {
    let catalog = state.cluster.catalog()?;
    let clock = catalog.clock()?;
    let mut after = query.cursor.as_deref().map(place).transpose()?;
    let limit = query.limit.unwrap_or(PAGE_SESSIONS).clamp(1, PAGE_SESSIONS_MAX);
    let (mut sessions, mut last) = (Vec::new(), None);
    for _ in 0..HIDDEN_PAGES_MAX {
        let page = catalog.due_sessions(query.at_ms.unwrap_or(clock.cautious_ms()), after, limit)?;
        let is_empty = page.sessions.is_empty();
        for DueSession { recording, ended_ms, due_ms } in page.sessions {
            let Some(row) = catalog.session(recording)? else { continue };
            if allowed.reads(recording, &row)? {
                let (id, held) = (recording.to_string(), is_held(catalog, recording)?);
                sessions.push(dto::DueSession { id, ended_ms, due_ms, held });
                last = Some(DuePlace { ended_ms, recording });
            }
        }
        after = page.next;
        if is_empty || after.is_none() || !sessions.is_empty() {
            break;
        }
    }
    let next = after.map(|place| shown_place(state, allowed, place, last)).transpose()?;
    let next = next.map(|place| format!("{}-{}", place.ended_ms, place.recording));
    Ok(PurgePlan { now_ms: clock.now_ms, suspended: clock.suspicion.map(reason), sessions, next })
}

/// Where a page ends. A place that may not be seen would tell of its session: then the last one that was shown.
fn shown_place(
    state: &ApiState,
    allowed: &Allowed<Purge, AllSessions>,
    place: DuePlace,
    last: Option<DuePlace>,
) -> Result<DuePlace, Problem> {
    let row = state.cluster.catalog()?.session(place.recording)?;
    let is_shown = row.map_or(Ok(true), |row| allowed.reads(place.recording, &row))?;
    Ok(if is_shown { place } else { last.unwrap_or(place) })
}

fn is_held(catalog: &Catalog, recording: RecordingId) -> Result<bool, Problem> {
    let clock = catalog.clock()?;
    Ok(catalog.holds(recording)?.iter().any(|(_, hold)| hold.stands(&clock)))
}

/// Why nothing is purged by age.
pub(crate) fn reason(suspicion: Suspicion) -> String {
    match suspicion {
        Suspicion::Spread { spread_ms } => format!("the members' clocks differ by {spread_ms} ms"),
        Suspicion::Jump { from_ms, to_ms } => {
            format!("the cluster's time jumped from {from_ms} to {to_ms} ms")
        }
    }
}

/// The place that a cursor of an earlier page names.
fn place(text: &str) -> Result<DuePlace, Problem> {
    let parts = text.split_once('-');
    let place = parts.and_then(|(ended_ms, id)| {
        Some(DuePlace { ended_ms: ended_ms.parse().ok()?, recording: id.parse::<RecordingId>().ok()? })
    });
    place.ok_or_else(|| Problem::new(Kind::InvalidCursor, "expected a cursor of an earlier page"))
}
