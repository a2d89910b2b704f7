//! What persons do to a live session: they block its user's input, let it through again, or drop the session.

use super::catalog::Catalog;
use super::engine::{KeyRange, Tree};
use super::outbox::{self, WebhookEvent};
use super::outcome::{Outcome, Refusal};
use super::purge;
use super::row::Row;
use super::session::{self, End, SessionRow, SessionState, named};
use super::step::{Effect, Halt, Step};
use super::text;
use super::transaction::CatalogError;
use crate::id::RecordingId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most rows of a session after which it may be blocked once more: what ends a block always has room.
const ROWS_MAX: usize = 256;
/// The most rows of a session.
const ROWS_EVER: usize = ROWS_MAX + 2;

named!(
    /// What is done to a live session. Variants are only ever added at the end.
    ControlKind {
        /// Its user's input is held back; the recording goes on.
        Blocked = "blocked",
        /// It is let through again.
        Unblocked = "unblocked",
        /// The session is ended.
        Dropped = "dropped",
    }
);

/// Somebody does something to a live session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlSession {
    /// To which.
    pub recording: RecordingId,
    /// What.
    pub kind: ControlKind,
    /// Why; needed to block and to drop.
    pub reason: String,
    /// Who.
    pub by: String,
}

/// What was done to a session, in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlRow {
    /// What.
    pub kind: ControlKind,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When, in the cluster's time.
    pub at_ms: u64,
}

impl Row for ControlRow {
    const TREE: Tree = Tree::Controls;
}

impl Catalog {
    /// What was done to a session, the oldest first.
    pub fn controls(&self, recording: RecordingId) -> Result<Vec<ControlRow>, CatalogError> {
        let rows = self.list(KeyRange::prefix(&recording.0), ROWS_EVER, |_| Some(()))?;
        Ok(rows.into_iter().map(|((), row)| row).collect())
    }

    /// What was done to a session last.
    pub fn control(&self, recording: RecordingId) -> Result<Option<ControlRow>, CatalogError> {
        let newest_first = KeyRange { descending: true, ..KeyRange::prefix(&recording.0) };
        let newest = self.list(newest_first, 1, |_| Some(()))?.pop();
        Ok(newest.map(|((), row)| row))
    }
}

/// A session is as it is asked for afterwards: to block a blocked one changes nothing.
pub(crate) fn control(step: &mut Step<'_, '_>, command: ControlSession) -> Effect {
    let ControlSession { recording, kind, reason, by } = command;
    text::needed("by", &by)?;
    match kind {
        ControlKind::Blocked | ControlKind::Dropped => text::needed_message("reason", &reason)?,
        ControlKind::Unblocked => text::message("reason", &reason)?,
    }
    let row = session::kept(step, recording)?;
    match row.state {
        SessionState::Live => {}
        SessionState::Ended { .. } | SessionState::Purging(_) | SessionState::Purged { .. } => {
            return Err(Refusal::SessionNotLive { recording }.into());
        }
    }
    let rows = step.rows.list::<ControlRow>(&recording.0, ROWS_EVER)?;
    let is_blocked = rows.last().is_some_and(|(_, row)| row.kind == ControlKind::Blocked);
    match kind {
        ControlKind::Blocked if is_blocked => return Ok(Outcome::Done),
        ControlKind::Blocked if rows.len() >= ROWS_MAX => {
            let limit = u64::try_from(ROWS_MAX).unwrap_or(u64::MAX);
            return Err(Refusal::TooManyBlocks { limit }.into());
        }
        ControlKind::Unblocked if !is_blocked => return Ok(Outcome::Done),
        ControlKind::Dropped => end(step, recording, row, &reason)?,
        ControlKind::Blocked | ControlKind::Unblocked => {}
    }
    let number = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let key = [recording.0.as_slice(), &number.to_be_bytes()].concat();
    let at_ms = step.now_ms;
    step.rows.put(&key, &ControlRow { kind, reason, by, at_ms })?;
    Ok(Outcome::Done)
}

/// Ends a session that is dropped. Its start is told by a recorder's clock: it has lasted as long as it was open in the
/// cluster's time.
fn end(step: &mut Step<'_, '_>, recording: RecordingId, older: SessionRow, reason: &str) -> Result<(), Halt> {
    let lasted_ms = step.now_ms.saturating_sub(older.opened_ms);
    let end_ms = older.info.start_ms.saturating_add(lasted_ms);
    let (error_message, reason) = (String::new(), reason.to_owned());
    let state = SessionState::Ended { end: End::Dropped, end_ms, error_message, reason };
    let row = SessionRow { state, ..older.clone() };
    session::store(step, recording, Some(&older), &row)?;
    purge::note_end(step, recording, end_ms)?;
    outbox::tell(step, recording, WebhookEvent::SessionEnded { end: End::Dropped })?;
    Ok(())
}

/// Removes what was done to a session that is purged; the audit log has it still.
pub(crate) fn purge(step: &mut Step<'_, '_>, recording: RecordingId) -> Result<(), Halt> {
    for (key, _) in step.rows.list::<ControlRow>(&recording.0, ROWS_EVER)? {
        step.rows.remove(Tree::Controls, &key);
    }
    Ok(())
}
