//! What would be purged by age.

use cluster::catalog::{Catalog, DuePlace, Suspicion};
use cluster::id::RecordingId;

use crate::auth::{AllSessions, Allowed, Purge};
use crate::dto::{DueSession, PurgePlan, PurgePlanQuery};
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

/// Sessions of a page when nothing else is asked for.
const PAGE_SESSIONS: usize = 100;
/// The most sessions of a page.
const PAGE_SESSIONS_MAX: usize = 1000;

/// A page of the plan.
pub(crate) fn page(
    state: &ApiState,
    allowed: &Allowed<Purge, AllSessions>,
    query: &PurgePlanQuery,
) -> Result<PurgePlan, Problem> {
    let catalog = state.cluster.catalog()?;
    let clock = catalog.clock()?;
    let after = query.cursor.as_deref().map(place).transpose()?;
    let limit = query.limit.unwrap_or(PAGE_SESSIONS).clamp(1, PAGE_SESSIONS_MAX);
    let page = catalog.due_sessions(query.at_ms.unwrap_or(clock.now_ms), after, limit)?;
    let mut sessions = Vec::with_capacity(page.sessions.len());
    for due in page.sessions {
        let Some(row) = catalog.session(due.recording)? else { continue };
        if allowed.reads(due.recording, &row)? {
            let held = is_held(catalog, due.recording)?;
            let id = due.recording.to_string();
            sessions.push(DueSession { id, ended_ms: due.ended_ms, due_ms: due.due_ms, held });
        }
    }
    let next = page.next.map(|place| format!("{}-{}", place.ended_ms, place.recording));
    Ok(PurgePlan { now_ms: clock.now_ms, suspended: clock.suspicion.map(reason), sessions, next })
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
