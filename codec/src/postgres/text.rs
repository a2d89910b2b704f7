//! The texts of statements.

use super::error::FollowError;
use std::sync::Arc;

/// What of a statement is kept, in bytes: a line holds no more.
pub(super) const TEXT_BYTES_MAX: usize = crate::source::db_lines::LINE_BYTES_MAX;
/// The longest name of a statement or a portal, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 4 << 10;

/// The text of a statement, as far as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: Arc<str>,
    /// Bytes behind it that are not kept.
    pub(super) more_bytes: u64,
}

impl Text {
    /// The text that begins a message's body, up to its zero byte, or as far as it was kept.
    pub(super) fn read(body: &[u8], cut_bytes: u64) -> Self {
        let end = body.iter().position(|byte| *byte == 0);
        let (bytes, more_bytes) = match end {
            Some(end) => (body.get(..end).unwrap_or_default(), 0),
            None => (body, cut_bytes.saturating_sub(1)),
        };
        Self { text: String::from_utf8_lossy(bytes).into(), more_bytes }
    }

    /// What we say ourselves.
    pub(super) fn of(words: &str) -> Self {
        Self { text: words.into(), more_bytes: 0 }
    }
}

/// Splits a text with a zero byte behind it off a message of the kind.
pub(super) fn name<'a>(kind: u8, body: &mut &'a [u8]) -> Result<&'a [u8], FollowError> {
    let error = FollowError::Fields { kind, name_bytes: NAME_BYTES_MAX };
    let end = body.iter().take(NAME_BYTES_MAX + 1).position(|byte| *byte == 0).ok_or(error)?;
    let (name, rest) = body.split_at(end);
    *body = rest.get(1..).unwrap_or_default();
    Ok(name)
}
