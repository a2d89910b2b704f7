//! The log of a session that has ended: what its index has found, between its beginning and its end.

use cluster::catalog::{ControlKind, ControlRow, SessionRow, SessionState};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::artefact;
use crate::auth::OneSession;
use crate::content::{self, Content};
use crate::dto::{Log, LogEntry, LogKind, StatementOutcome};
use crate::media::Sight;
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

/// The longest artefact that is read at once; the limits of an index keep it far below.
const ARTEFACT_BYTES_MAX: u64 = 64 << 20;

/// What of a timeline is in the log.
#[derive(Debug, Deserialize)]
struct Timeline {
    #[serde(default)]
    media_duration_ms: i64,
    #[serde(default)]
    markers: Vec<Marker>,
    #[serde(default)]
    markers_left_out: u64,
    #[serde(default)]
    statements: Vec<Statement>,
    #[serde(default)]
    statements_left_out: u64,
}

#[derive(Debug, Deserialize)]
struct Statement {
    at_ms: i64,
    text: String,
    #[serde(default)]
    text_left_out: u64,
    #[serde(default)]
    database: String,
    outcome: StatementOutcome,
    rows: Option<u64>,
    sqlstate: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Marker {
    at_ms: i64,
    #[serde(flatten)]
    event: Event,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Event {
    Clipboard {
        mimetype: String,
        bytes: u64,
    },
    File {
        name: String,
    },
    Pipe {
        name: String,
    },
    Error {
        text: String,
    },
    Gap {
        cause: String,
    },
    /// What is no event of the session, and what indexes of other versions know.
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Keystrokes {
    #[serde(default, rename = "keystrokes")]
    batches: Vec<Batch>,
    #[serde(default)]
    keystrokes_left_out: u64,
}

#[derive(Debug, Deserialize)]
struct Batch {
    #[serde(default)]
    t_ms: i64,
    text: String,
}

/// What happened in a session. Without keystrokes, from the timeline that knows nothing of keys and clipboards.
pub(crate) async fn of(
    state: &ApiState,
    session: &OneSession,
    with_keystrokes: bool,
) -> Result<Log, Problem> {
    if session.row.state == SessionState::Live {
        return Err(Problem::new(Kind::SessionNotEnded, "expected a session that has ended"));
    }
    let is_whole = with_keystrokes || !session.row.info.format.has_keys();
    let sight = if is_whole { Sight::Received } else { Sight::View };
    let timeline: Timeline = parsed(state, artefact::timeline(state, session, sight).await?).await?;
    let left_out = timeline.markers_left_out.saturating_add(timeline.statements_left_out);
    let mut log = Log { entries: vec![began(&session.row)], left_out };
    log.entries.extend(timeline.statements.into_iter().map(stated));
    log.entries.extend(timeline.markers.into_iter().filter_map(marked));
    if with_keystrokes {
        let typed: Keystrokes = parsed(state, artefact::keystrokes(state, session).await?).await?;
        log.left_out += typed.keystrokes_left_out;
        let entry = |batch: Batch| LogEntry::new(since_start(batch.t_ms), LogKind::Keystrokes, batch.text);
        log.entries.extend(typed.batches.into_iter().map(entry));
    }
    let end_ms = since_start(timeline.media_duration_ms);
    let controls = state.cluster.catalog()?.controls(session.id)?;
    log.entries.extend(controls.into_iter().map(|row| done(&session.row, row, end_ms)));
    log.entries.sort_by_key(|entry| entry.t_ms);
    log.entries.extend(ended(&session.row, end_ms));
    Ok(log)
}

async fn parsed<T: DeserializeOwned>(state: &ApiState, content: Content) -> Result<T, Problem> {
    let Content { source, length, .. } = content;
    if length > ARTEFACT_BYTES_MAX {
        return Err(Problem::new(Kind::IndexFailed, "its index is too long to be told as a log"));
    }
    let mut json = Vec::new();
    if let Some(mut reading) = content::read(state, source, 0..length).await? {
        while let Some(piece) = reading.next().await {
            json.extend_from_slice(&piece.map_err(|error| Problem::internal(&*error))?);
        }
    }
    serde_json::from_slice(&json).map_err(|error| Problem::internal(&error))
}

fn began(row: &SessionRow) -> LogEntry {
    let info = &row.info;
    LogEntry::new(0, LogKind::Opened, format!("{} {}", info.protocol, info.device_address))
}

fn marked(marker: Marker) -> Option<LogEntry> {
    let (kind, text) = match marker.event {
        Event::Clipboard { mimetype, bytes } => (LogKind::Clipboard, format!("{mimetype}, {bytes} bytes")),
        Event::File { name } | Event::Pipe { name } => (LogKind::File, name),
        Event::Error { text } => (LogKind::Error, text),
        Event::Gap { cause } => (LogKind::Gap, cause),
        Event::Other => return None,
    };
    Some(LogEntry::new(since_start(marker.at_ms), kind, text))
}

fn stated(statement: Statement) -> LogEntry {
    let Statement { at_ms, text, text_left_out, database, outcome, rows, sqlstate, message } = statement;
    let text = match text_left_out {
        0 => text,
        more => format!("{text}… ({more} more characters in the recording)"),
    };
    let (t_ms, kind) = (since_start(at_ms), LogKind::Statement);
    LogEntry { t_ms, kind, text, outcome: Some(outcome), rows, sqlstate, message, database: Some(database) }
}

/// What somebody did to it. The cluster's time tells when, which is as fine as the samples of its clocks.
fn done(session: &SessionRow, row: ControlRow, end_ms: u64) -> LogEntry {
    let ControlRow { kind, reason, by, at_ms } = row;
    let kind = match kind {
        ControlKind::Blocked => LogKind::Blocked,
        ControlKind::Unblocked => LogKind::Unblocked,
        ControlKind::Dropped => LogKind::Dropped,
    };
    let words = [by, reason].into_iter().filter(|word| !word.is_empty());
    let text = words.collect::<Vec<_>>().join(": ");
    LogEntry::new(at_ms.saturating_sub(session.opened_ms).min(end_ms), kind, text)
}

/// How it ended, behind all that was recorded.
fn ended(row: &SessionRow, t_ms: u64) -> Option<LogEntry> {
    let SessionState::Ended { end, error_message, reason, .. } = &row.state else { return None };
    let words = [end.as_str(), error_message, reason].into_iter().filter(|word| !word.is_empty());
    let text = words.collect::<Vec<_>>().join(": ");
    Some(LogEntry::new(t_ms, LogKind::Ended, text))
}

fn since_start(at_ms: i64) -> u64 {
    u64::try_from(at_ms).unwrap_or(0)
}
