//! Why a terminal's recording cannot be read on.

/// Damage of a recording, with the line that it is on, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TerminalError {
    /// It contradicts its format.
    #[error("line {line}: expected {expected}")]
    Malformed {
        /// Where the line, or what is wrong on it, begins.
        position: u64,
        /// The line.
        line: u64,
        /// What should stand there.
        expected: &'static str,
    },
    /// A line without end.
    #[error("line {line}: expected at most {limit_bytes} bytes")]
    LineTooLong {
        /// Where it begins.
        position: u64,
        /// The line.
        line: u64,
        /// The limit.
        limit_bytes: usize,
    },
    /// A terminal that is too large, or has no size.
    #[error("line {line}: {columns}x{rows}, expected 1 to {limit} columns and rows")]
    Size {
        /// Where that is said.
        position: u64,
        /// The line.
        line: u64,
        /// Columns.
        columns: u64,
        /// Rows.
        rows: u64,
        /// The limit.
        limit: usize,
    },
    /// A version that is not read.
    #[error("line {line}: version {found}, expected 1, 2 or 3")]
    Version {
        /// Where the header begins.
        position: u64,
        /// The line.
        line: u64,
        /// What it says.
        found: u64,
    },
    /// The timing of a typescript is too long.
    #[error("the timing has {bytes} bytes, expected at most {limit_bytes}")]
    Timing {
        /// Its length.
        bytes: u64,
        /// The limit.
        limit_bytes: usize,
    },
    /// It ends inside an event.
    #[error("line {line}: the recording ends inside an event")]
    Truncated {
        /// Where that event begins.
        position: u64,
        /// The line.
        line: u64,
    },
    /// It costs more than its duration allows.
    #[error("byte {position}: reading and drawing takes more than {limit_ms} ms up to here")]
    TimeBudget {
        /// The event that goes beyond it.
        position: u64,
        /// The limit.
        limit_ms: u64,
    },
}

impl TerminalError {
    /// The byte of the recording that it is about.
    pub fn position(&self) -> u64 {
        match self {
            Self::Malformed { position, .. }
            | Self::LineTooLong { position, .. }
            | Self::Size { position, .. }
            | Self::Version { position, .. }
            | Self::Truncated { position, .. }
            | Self::TimeBudget { position, .. } => *position,
            Self::Timing { .. } => 0,
        }
    }

    /// The line that it is on, where one is known.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Malformed { line, .. }
            | Self::LineTooLong { line, .. }
            | Self::Size { line, .. }
            | Self::Version { line, .. }
            | Self::Truncated { line, .. } => Some(*line),
            Self::Timing { .. } | Self::TimeBudget { .. } => None,
        }
    }
}
