//! What a terminal's recording tells.

use super::header::Theme;

/// Something that happened in a terminal.
#[derive(Debug, Clone, PartialEq)]
pub enum TerminalEvent {
    /// The recording begins: an empty screen.
    Begin {
        /// Columns, within the limits.
        columns: usize,
        /// Rows, within the limits.
        rows: usize,
        /// Its colours.
        theme: Theme,
        /// When it was recorded, in seconds since 1970, if that is told.
        recorded_s: Option<u64>,
    },
    /// Characters came to the terminal.
    Output(String),
    /// The user typed. It may be a password.
    Input(String),
    /// The terminal has another size; what is out of the limits is left to whoever draws.
    Resize {
        /// Columns.
        columns: u64,
        /// Rows.
        rows: u64,
    },
    /// A point that somebody marked.
    Marker(String),
    /// The program in the terminal ended with this status.
    Exit(String),
    /// Something that is not understood.
    Other,
}

impl TerminalEvent {
    /// The name under which it is counted.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Begin { .. } => "begin",
            Self::Output(_) => "output",
            Self::Input(_) => "input",
            Self::Resize { .. } => "resize",
            Self::Marker(_) => "marker",
            Self::Exit(_) => "exit",
            Self::Other => "other",
        }
    }
}

/// An event and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct TerminalRead {
    /// What happened.
    pub event: TerminalEvent,
    /// When, in milliseconds from the beginning, as the recording says: it may run backwards.
    pub timestamp_ms: i64,
    /// The byte of the recording behind it.
    pub end_byte: u64,
}
