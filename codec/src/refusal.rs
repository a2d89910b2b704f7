//! What becomes of bad input: one small set of codes that every part of the product uses.

use crate::audio::{FormatError, SoundCoderError};
use crate::canvas::{DrawError, ImageError};
use crate::source::guac::ParseError;
use crate::source::terminal::TerminalError;
use crate::source::{ProbeError, ReadError};
use crate::video::SegmentError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest reason, in characters: decoders may repeat what a recording says.
const REASON_CHARS: usize = 240;

/// Why a recording, or a part of it, is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RefusalCode {
    /// A limit of [`crate::limits::Limits`] is exceeded.
    #[serde(rename = "LIMIT")]
    Limit,
    /// It contradicts its format.
    #[serde(rename = "MALFORMED")]
    Malformed,
    /// It ends too early.
    #[serde(rename = "TRUNCATED")]
    Truncated,
    /// It may be sound, and is of a kind that is not shown.
    #[serde(rename = "UNSUPPORTED")]
    Unsupported,
    /// Reading and drawing it takes more work than its duration allows.
    #[serde(rename = "TIMEBUDGET")]
    TimeBudget,
    /// It takes more memory than one recording may have.
    #[serde(rename = "MEMBUDGET")]
    MemoryBudget,
    /// The process that looked at it died.
    #[serde(rename = "CRASHED")]
    Crashed,
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Limit => "LIMIT",
            Self::Malformed => "MALFORMED",
            Self::Truncated => "TRUNCATED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TimeBudget => "TIMEBUDGET",
            Self::MemoryBudget => "MEMBUDGET",
            Self::Crashed => "CRASHED",
        })
    }
}

/// A refusal in words: `CODE: reason`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {reason}")]
pub struct Refusal {
    /// What kind it is.
    pub code: RefusalCode,
    /// What was expected and found, with its limit. One short line that a terminal may show.
    pub reason: String,
    /// The byte of the recording that it is about, where one is known.
    pub position: Option<u64>,
}

impl Refusal {
    /// A refusal of the whole; control characters of the reason become blanks.
    pub fn new(code: RefusalCode, reason: &(impl fmt::Display + ?Sized)) -> Self {
        let plain = |char: char| if char.is_control() { ' ' } else { char };
        let reason = reason.to_string().chars().map(plain).take(REASON_CHARS).collect();
        Self { code, reason, position: None }
    }

    /// The byte up to which a recording may be drawn that costs too much behind it.
    pub fn cut_for_time(&self) -> Option<u64> {
        self.position.filter(|_| self.code == RefusalCode::TimeBudget)
    }

    /// The same, about the byte `position` of the recording.
    #[must_use]
    pub fn at(self, position: u64) -> Self {
        Self { position: Some(position), ..self }
    }
}

impl From<&ParseError> for Refusal {
    fn from(error: &ParseError) -> Self {
        Self::new(error.code(), error).at(error.position())
    }
}

impl From<&TerminalError> for Refusal {
    fn from(error: &TerminalError) -> Self {
        Self::new(error.code(), error).at(error.position())
    }
}

impl From<&ReadError> for Refusal {
    fn from(error: &ReadError) -> Self {
        match error {
            ReadError::Guacamole(error) => Self::from(error),
            ReadError::Terminal(error) => Self::from(error),
        }
    }
}

impl From<&DrawError> for Refusal {
    fn from(error: &DrawError) -> Self {
        Self::new(error.code(), error)
    }
}

impl From<&FormatError> for Refusal {
    fn from(error: &FormatError) -> Self {
        Self::new(error.code(), error)
    }
}

impl From<&ProbeError> for Refusal {
    fn from(error: &ProbeError) -> Self {
        match error {
            ProbeError::Empty => Self::new(RefusalCode::Truncated, error),
            ProbeError::Known(_) => Self::new(RefusalCode::Unsupported, error),
            ProbeError::Damaged(error) => Self::from(error),
        }
    }
}

impl From<&SegmentError> for Refusal {
    fn from(error: &SegmentError) -> Self {
        match error {
            SegmentError::Recording(error) => Self::from(error),
            SegmentError::Encoder(_) => Self::new(RefusalCode::Crashed, error),
        }
    }
}

impl From<&SoundCoderError> for Refusal {
    fn from(error: &SoundCoderError) -> Self {
        match error {
            SoundCoderError::Recording(error) => Self::from(error),
            SoundCoderError::Sound(_) => Self::new(RefusalCode::Crashed, error),
        }
    }
}

impl ParseError {
    /// What kind of refusal it is.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Length { .. } | Self::Separator { .. } | Self::Encoding { .. } => RefusalCode::Malformed,
            Self::ElementTooLong { .. } | Self::TooManyElements { .. } | Self::InstructionTooLong { .. } => {
                RefusalCode::Limit
            }
            Self::Truncated { .. } => RefusalCode::Truncated,
            Self::TimeBudget { .. } => RefusalCode::TimeBudget,
        }
    }
}

impl TerminalError {
    /// What kind of refusal it is.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Malformed { .. } => RefusalCode::Malformed,
            Self::LineTooLong { .. } | Self::Size { .. } | Self::Timing { .. } => RefusalCode::Limit,
            Self::Version { .. } => RefusalCode::Unsupported,
            Self::Truncated { .. } => RefusalCode::Truncated,
            Self::TimeBudget { .. } => RefusalCode::TimeBudget,
        }
    }
}

impl ReadError {
    /// What kind of refusal it is.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Guacamole(error) => error.code(),
            Self::Terminal(error) => error.code(),
        }
    }
}

impl DrawError {
    /// What kind of refusal it is.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Earlier { code, .. } => *code,
            Self::Side { .. }
            | Self::Terminal { .. }
            | Self::CanvasPixels { .. }
            | Self::Layers { .. }
            | Self::Buffers { .. }
            | Self::PathSegments { .. }
            | Self::AllSegments { .. }
            | Self::Clips { .. }
            | Self::SavedStates { .. }
            | Self::PatternPixels { .. }
            | Self::CursorSide { .. }
            | Self::Streams { .. }
            | Self::ImageBytes { .. }
            | Self::InlineImageBytes { .. } => RefusalCode::Limit,
            Self::Cycle { .. }
            | Self::Transform { .. }
            | Self::Mask { .. }
            | Self::Function { .. }
            | Self::Base64 { .. }
            | Self::InlineBase64 => RefusalCode::Malformed,
            Self::Memory { .. } => RefusalCode::MemoryBudget,
            Self::Image { error, .. } => error.code(),
        }
    }
}

impl ImageError {
    /// What kind of refusal it is.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Format | Self::Unsupported { .. } => RefusalCode::Unsupported,
            Self::Empty { .. } | Self::Malformed { .. } => RefusalCode::Malformed,
            Self::Pixels { .. } | Self::Limit { .. } => RefusalCode::Limit,
            Self::Truncated { .. } => RefusalCode::Truncated,
            Self::Memory { .. } => RefusalCode::MemoryBudget,
            Self::Time { .. } => RefusalCode::TimeBudget,
        }
    }
}

impl FormatError {
    /// What kind of refusal it is.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Mimetype | Self::RateStep { .. } => RefusalCode::Unsupported,
            Self::Parameter => RefusalCode::Malformed,
            Self::RateLimit { .. } | Self::ChannelLimit { .. } => RefusalCode::Limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_short_line_that_begins_with_its_code() {
        let error = ParseError::Truncated { position: 7 };
        let refusal = Refusal::from(&error);
        assert_eq!(refusal.to_string(), "TRUNCATED: byte 7: the recording ends inside an instruction");
        assert_eq!(refusal.position, Some(7));
        let hostile = Refusal::new(RefusalCode::Malformed, &"\x1b[2J\n".repeat(500));
        assert_eq!(hostile.reason.chars().count(), REASON_CHARS);
        assert!(!hostile.reason.contains(char::is_control));
    }

    #[test]
    fn each_code_survives_as_the_word_that_it_shows() {
        for code in [
            RefusalCode::Limit,
            RefusalCode::Malformed,
            RefusalCode::Truncated,
            RefusalCode::Unsupported,
            RefusalCode::TimeBudget,
            RefusalCode::MemoryBudget,
            RefusalCode::Crashed,
        ] {
            let json = serde_json::to_string(&code).unwrap();
            assert_eq!(json, format!("\"{code}\""));
            assert_eq!(serde_json::from_str::<RefusalCode>(&json).unwrap(), code);
        }
    }
}
