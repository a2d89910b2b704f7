//! What happened in a session, as its recording and the catalog tell it.

use serde::Serialize;
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
    /// What was typed, the name of a file, what an error said, how a session ended; what the kind leaves open.
    pub(crate) text: String,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogKind {
    /// The session began.
    Opened,
    /// Keys that were pressed one after the other; only for who may see them.
    Keystrokes,
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
