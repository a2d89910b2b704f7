//! What happened in a session, as its recording and the catalog tell it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The log of a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Log {
    /// In the order of media time.
    pub(crate) entries: Vec<LogEntry>,
    /// What the index has counted and not kept, since there was too much of its kind.
    pub(crate) left_out: u64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct LogEntry {
    /// When, in media time.
    pub(crate) t_ms: u64,
    pub(crate) kind: LogKind,
    /// What was typed, a statement, the name of a file, what an error said, how a session ended; what the kind leaves open.
    pub(crate) text: String,
    /// Whether a statement was done. This and what follows is told of statements of database sessions alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<StatementOutcome>,
    /// How many rows it has returned or changed, where the server counts them. No row is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rows: Option<u64>,
    /// The SQLSTATE of an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sqlstate: Option<String>,
    /// The primary message of an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// The database, or the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) database: Option<String>,
}

impl LogEntry {
    /// Of anything but a statement.
    pub(crate) fn new(t_ms: u64, kind: LogKind, text: String) -> Self {
        Self { t_ms, kind, text, outcome: None, rows: None, sqlstate: None, message: None, database: None }
    }
}

/// Whether a statement was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StatementOutcome {
    /// It was.
    Ok,
    /// It failed.
    Error,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogKind {
    /// The session began.
    Opened,
    /// Keys that were pressed one after the other; only for who may see them.
    Keystrokes,
    /// A statement was sent to a database.
    Statement,
    /// A clipboard was sent: its type and length. What it held is a keystroke.
    Clipboard,
    /// A file was sent, or a pipe opened.
    File,
    /// The server told the user of an error.
    Error,
    /// Media time does not follow the recorder's clock here.
    Gap,
    /// Somebody had the user's input held back: who, and why.
    Blocked,
    /// Somebody let it through again.
    Unblocked,
    /// Somebody ended the session: who, and why.
    Dropped,
    /// The session ended.
    Ended,
}
