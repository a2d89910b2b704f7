//! Why a recording cannot be read on, whatever its format.

use super::guac::ParseError;
use super::terminal::TerminalError;

/// Damage of a recording, or a limit that it is beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Of guacd.
    #[error(transparent)]
    Guacamole(#[from] ParseError),
    /// Of a terminal.
    #[error(transparent)]
    Terminal(#[from] TerminalError),
}

impl ReadError {
    /// The byte of the recording that it is about.
    pub fn position(&self) -> u64 {
        match self {
            Self::Guacamole(error) => error.position(),
            Self::Terminal(error) => error.position(),
        }
    }

    /// The line that it is on, in a format that has lines.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Guacamole(_) => None,
            Self::Terminal(error) => error.line(),
        }
    }
}
