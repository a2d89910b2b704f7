//! The header of an asciicast.

use super::error::TerminalError;
use super::event::TerminalEvent;
use serde::Deserialize;

/// A colour: red, green, blue.
pub type Rgb = [u8; 3];

/// The colours of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Of text.
    pub foreground: Rgb,
    /// Behind it.
    pub background: Rgb,
    /// The first sixteen of the 256.
    pub palette: [Rgb; 16],
}

impl Default for Theme {
    /// Dark, with the colours of xterm but for a readable blue.
    fn default() -> Self {
        Self {
            foreground: [0xD8, 0xD8, 0xD8],
            background: [0x12, 0x12, 0x14],
            palette: [
                [0x00, 0x00, 0x00],
                [0xCD, 0x31, 0x31],
                [0x0D, 0xBC, 0x79],
                [0xE5, 0xE5, 0x10],
                [0x24, 0x72, 0xC8],
                [0xBC, 0x3F, 0xBC],
                [0x11, 0xA8, 0xCD],
                [0xE5, 0xE5, 0xE5],
                [0x66, 0x66, 0x66],
                [0xF1, 0x4C, 0x4C],
                [0x23, 0xD1, 0x8B],
                [0xF5, 0xF5, 0x43],
                [0x3B, 0x8E, 0xEA],
                [0xD6, 0x70, 0xD6],
                [0x29, 0xB8, 0xDB],
                [0xFF, 0xFF, 0xFF],
            ],
        }
    }
}

/// What is read of a header; the rest does not matter here.
#[derive(Deserialize)]
struct Written {
    version: u64,
    width: Option<u64>,
    height: Option<u64>,
    term: Option<WrittenTerm>,
    timestamp: Option<u64>,
    theme: Option<WrittenTheme>,
}

#[derive(Deserialize)]
struct WrittenTerm {
    cols: Option<u64>,
    rows: Option<u64>,
    theme: Option<WrittenTheme>,
}

#[derive(Deserialize)]
struct WrittenTheme {
    fg: Option<String>,
    bg: Option<String>,
    palette: Option<String>,
}

/// Where the header stands, and how many columns and rows there may be.
#[derive(Clone, Copy)]
pub(super) struct HeaderPlace {
    pub(super) position: u64,
    pub(super) line: u64,
    pub(super) side_max: usize,
}

/// Reads a header: its version, and the beginning of the recording.
pub(super) fn header(json: &[u8], place: HeaderPlace) -> Result<(u64, TerminalEvent), TerminalError> {
    let HeaderPlace { position, line, side_max } = place;
    let malformed = |expected| TerminalError::Malformed { position, line, expected };
    let expected = "an asciicast's header: version, columns and rows as whole numbers";
    let written: Written = serde_json::from_slice(json).map_err(|_| malformed(expected))?;
    let (columns, rows, theme) = match written.version {
        1 | 2 => (written.width, written.height, written.theme),
        3 => {
            let term = written.term.ok_or(malformed("the terminal in the header (term)"))?;
            (term.cols, term.rows, term.theme)
        }
        found => return Err(TerminalError::Version { position, line, found }),
    };
    let (Some(columns), Some(rows)) = (columns, rows) else {
        return Err(malformed("columns and rows in the header"));
    };
    let side = |side: u64| usize::try_from(side).ok().filter(|side| (1..=side_max).contains(side));
    let (Some(wide), Some(high)) = (side(columns), side(rows)) else {
        return Err(TerminalError::Size { position, line, columns, rows, limit: side_max });
    };
    let theme = theme.map_or_else(Theme::default, |theme| theme_of(&theme));
    let recorded_s = written.timestamp;
    Ok((written.version, TerminalEvent::Begin { columns: wide, rows: high, theme, recorded_s }))
}

/// A theme; what cannot be read is as it is without one. A palette of eight colours has no bright ones of its own.
fn theme_of(written: &WrittenTheme) -> Theme {
    let mut theme = Theme::default();
    if let Some(foreground) = written.fg.as_deref().and_then(color) {
        theme.foreground = foreground;
    }
    if let Some(background) = written.bg.as_deref().and_then(color) {
        theme.background = background;
    }
    let colors: Option<Vec<Rgb>> =
        written.palette.as_deref().and_then(|palette| palette.split(':').map(color).collect());
    if let Some(colors) = colors.filter(|colors| matches!(colors.len(), 8 | 16)) {
        for (own, color) in theme.palette.iter_mut().zip(colors.iter().cycle()) {
            *own = *color;
        }
    }
    theme
}

/// A colour such as `#1a2b3c`.
fn color(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<(u64, TerminalEvent), TerminalError> {
        header(json.as_bytes(), HeaderPlace { position: 0, line: 1, side_max: 1_000 })
    }

    #[test]
    fn all_versions_tell_their_size() {
        let begin =
            |columns, rows| TerminalEvent::Begin { columns, rows, theme: Theme::default(), recorded_s: None };
        assert_eq!(read(r#"{"version":1,"width":80,"height":24,"env":{"a":1}}"#), Ok((1, begin(80, 24))));
        assert_eq!(read(r#"{"version":2,"width":1,"height":1000}"#), Ok((2, begin(1, 1000))));
        assert_eq!(read(r#"{"version":3,"term":{"cols":7,"rows":8,"type":"x"}}"#), Ok((3, begin(7, 8))));
    }

    #[test]
    fn hostile_headers_are_refused_by_name() {
        let size = |columns, rows| TerminalError::Size { position: 0, line: 1, columns, rows, limit: 1_000 };
        assert_eq!(read(r#"{"version":2,"width":0,"height":24}"#), Err(size(0, 24)));
        assert_eq!(read(r#"{"version":2,"width":80,"height":1000000000}"#), Err(size(80, 1_000_000_000)));
        assert_eq!(
            read(r#"{"version":4,"term":{}}"#),
            Err(TerminalError::Version { position: 0, line: 1, found: 4 })
        );
        for json in [
            r#"{"version":2,"width":1.5,"height":24}"#,
            r#"{"version":2,"width":-1,"height":24}"#,
            r#"{"version":2,"width":80}"#,
            r#"{"version":3,"width":80,"height":24}"#,
            r#"{"width":80,"height":24}"#,
            "[]",
            "{}",
        ] {
            assert!(matches!(read(json), Err(TerminalError::Malformed { line: 1, .. })), "{json}");
        }
    }

    #[test]
    fn a_theme_is_taken_as_far_as_it_can_be_read() {
        let palette = (0..8).map(|n| format!("#0{n}0000")).collect::<Vec<_>>().join(":");
        let json = format!(
            r##"{{"version":2,"width":2,"height":2,"theme":{{"fg":"#010203","bg":"red","palette":"{palette}"}}}}"##
        );
        let Ok((2, TerminalEvent::Begin { theme, .. })) = read(&json) else { unreachable!("{json}") };
        assert_eq!((theme.foreground, theme.background), ([1, 2, 3], Theme::default().background));
        assert_eq!((theme.palette[7], theme.palette[15]), ([7, 0, 0], [7, 0, 0]));
    }
}
