//! Limits of texts in commands.

use super::outcome::Refusal;

/// The most bytes of a name or an address.
pub(crate) const NAME_BYTES_MAX: usize = 256;
/// The most bytes of a message that a person reads.
pub(crate) const MESSAGE_BYTES_MAX: usize = 1024;

/// A name, an address: one line without control characters. May be empty.
pub(crate) fn name(field: &str, text: &str) -> Result<(), Refusal> {
    check(field, text, NAME_BYTES_MAX, false)
}

/// A name that must not be empty.
pub(crate) fn needed(field: &str, text: &str) -> Result<(), Refusal> {
    match text.is_empty() {
        true => Err(Refusal::TextMissing { field: field.to_owned() }),
        false => name(field, text),
    }
}

/// A message; lines and tabs are allowed. May be empty.
pub(crate) fn message(field: &str, text: &str) -> Result<(), Refusal> {
    check(field, text, MESSAGE_BYTES_MAX, true)
}

/// A message that must not be empty.
pub(crate) fn needed_message(field: &str, text: &str) -> Result<(), Refusal> {
    match text.trim().is_empty() {
        true => Err(Refusal::TextMissing { field: field.to_owned() }),
        false => message(field, text),
    }
}

/// Whether a character is none that is read, or changes the order in which others are: with it a name looks like
/// another one.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn check(field: &str, text: &str, bytes_max: usize, lines: bool) -> Result<(), Refusal> {
    if text.len() > bytes_max {
        let limit_bytes = u64::try_from(bytes_max).unwrap_or(u64::MAX);
        return Err(Refusal::TextTooLong { field: field.to_owned(), limit_bytes });
    }
    let allowed = |c: char| !is_control(c) || (lines && (c == '\n' || c == '\t'));
    match text.chars().all(allowed) {
        true => Ok(()),
        false => Err(Refusal::TextControl { field: field.to_owned() }),
    }
}
