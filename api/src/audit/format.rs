//! Leaves as texts. Names, reasons and addresses come from outside: no character of theirs ends a line, a field or
//! anything else, and what a terminal would obey is told as `\uXXXX`.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::dto::Leaf;

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Facility 13, the log's audit.
const FACILITY: u8 = 13;
/// The number that IANA keeps for examples: Custody has none of its own.
const ENTERPRISE: &str = "32473";

/// In which form leaves are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// One object with all leaves of the page.
    #[default]
    Json,
    /// One object a line.
    Jsonl,
    /// One syslog message a line.
    Rfc5424,
    /// One message of the Common Event Format a line.
    Cef,
}

impl Format {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Jsonl => "application/jsonl",
            Self::Rfc5424 | Self::Cef => "text/plain; charset=utf-8",
        }
    }

    /// A leaf as a line without its end.
    pub(crate) fn line(self, leaf: &Leaf) -> String {
        match self {
            Self::Json | Self::Jsonl => json(leaf),
            Self::Rfc5424 => rfc5424(leaf),
            Self::Cef => cef(leaf),
        }
    }
}

/// JSON in which characters that are not seen are escaped, those too that JSON allows as they are.
pub(crate) fn json(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let written = value.serialize(&mut Serializer::with_formatter(&mut bytes, Escaping));
    match written {
        Ok(()) => String::from_utf8(bytes).unwrap_or_default(),
        Err(error) => {
            tracing::error!(%error, "leaves cannot be written as JSON");
            String::new()
        }
    }
}

struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for character in fragment.chars() {
            match is_hidden(character) {
                true => write!(writer, "\\u{:04x}", u32::from(character))?,
                false => write!(writer, "{character}")?,
            }
        }
        Ok(())
    }
}

/// Whether a character would be obeyed rather than seen: controls, ends of lines, changes of direction (all of Unicode's
/// `Bidi_Control`).
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// A text without hidden characters: `\uXXXX` in their place, `\\` for a backslash.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => shown.push_str("\\\\"),
            character if is_hidden(character) => {
                shown.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            character => shown.push(character),
        }
    }
    shown
}

/// A visible text with a backslash before each of some characters.
fn escaped(text: &str, special: &[char]) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in visible(text).chars() {
        if special.contains(&character) {
            shown.push('\\');
        }
        shown.push(character);
    }
    shown
}

/// RFC 5424: all in structured data, so that no part has to be guessed from words.
fn rfc5424(leaf: &Leaf) -> String {
    let severity = match leaf.kind {
        "refusal" => 4,
        "change" => 5,
        _ => 6,
    };
    let mut line = format!(
        "<{}>1 {} - custody - {} [custody@{ENTERPRISE} number=\"{}\"",
        u16::from(FACILITY) * 8 + severity,
        rfc3339(leaf.at_ms),
        leaf.kind,
        leaf.number
    );
    for (name, value) in leaf.texts() {
        if !value.is_empty() {
            line.push_str(&format!(" {name}=\"{}\"", escaped(value, &['"', '\\', ']'])));
        }
    }
    line.push(']');
    line
}

/// The Common Event Format, version 0.
fn cef(leaf: &Leaf) -> String {
    let severity = match leaf.kind {
        "refusal" => 6,
        "change" => 5,
        "view" => 3,
        _ => 1,
    };
    let action = escaped(&leaf.action, &['\\', '|']);
    let mut line = format!(
        "CEF:0|Custody|Custody|{VERSION}|{action}|{}|{severity}|rt={} externalId={}",
        leaf.kind, leaf.at_ms, leaf.number
    );
    let is_v6 = leaf.address.contains(':');
    let fields = [
        ("suser", "", &leaf.user),
        ("cs1", "service", &leaf.service),
        ("act", "", &leaf.action),
        ("cs2", "object", &leaf.object),
        if is_v6 { ("c6a2", "Source IPv6 Address", &leaf.address) } else { ("src", "", &leaf.address) },
        ("msg", "", &leaf.detail),
        ("cs3", "leafHash", &leaf.hash),
    ];
    for (name, label, value) in fields.into_iter().filter(|(.., value)| !value.is_empty()) {
        if !label.is_empty() {
            line.push_str(&format!(" {name}Label={label}"));
        }
        line.push_str(&format!(" {name}={}", escaped(value, &['\\', '='])));
    }
    line
}

/// A time in UTC, to the millisecond. The calendar is counted in years that begin in March, so that the leap day is
/// the last of its year.
fn rfc3339(at_ms: u64) -> String {
    let (days, ms) = (at_ms / 86_400_000, at_ms % 86_400_000);
    let since = days + 719_468;
    let (era, of_era) = (since / 146_097, since % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests;
