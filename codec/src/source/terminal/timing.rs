//! The timing of a typescript: how much was written when.

use super::json::microseconds;

/// One line of the timing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Time since the line before, in microseconds.
    pub(super) after_us: i64,
    pub(super) kind: EntryKind,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// So many bytes of the typescript came to the terminal.
    Output(u64),
    /// So many bytes of the typescript were typed.
    Input(u64),
    /// The terminal has another size.
    Resize { columns: u64, rows: u64 },
    /// Nothing that matters here.
    Other,
}

/// Reads a line: `0.25 17`, or `O 0.25 17` with `I`, `S` and `H` beside `O`. `None` for what is neither.
pub(super) fn entry(line: &str) -> Option<Entry> {
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?;
    let (letter, after) = match first.as_bytes() {
        [letter @ (b'O' | b'I' | b'S' | b'H')] => (*letter, words.next()?),
        _ => (b'O', first),
    };
    let after_us = microseconds(after)?;
    let bytes = |word: Option<&str>| word?.parse::<u64>().ok();
    let kind = match letter {
        b'I' => EntryKind::Input(bytes(words.next())?),
        b'O' => EntryKind::Output(bytes(words.next())?),
        b'S' if line.contains("SIGWINCH") => sides(line, ["COLS=", "ROWS="]),
        _ => EntryKind::Other,
    };
    Some(Entry { after_us, kind })
}

fn sides(line: &str, [columns, rows]: [&str; 2]) -> EntryKind {
    match (number_behind(line, columns), number_behind(line, rows)) {
        (Some(columns), Some(rows)) => EntryKind::Resize { columns, rows },
        (_, _) => EntryKind::Other,
    }
}

/// The number behind a key, in quotes or not.
pub(super) fn number_behind(text: &str, key: &str) -> Option<u64> {
    let (_, behind) = text.split_once(key)?;
    let behind = behind.strip_prefix('"').unwrap_or(behind);
    let end = behind.find(|character: char| !character.is_ascii_digit()).unwrap_or(behind.len());
    behind.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let of = |after_us, kind| Some(Entry { after_us, kind });
        assert_eq!(entry("0.25 17"), of(250_000, EntryKind::Output(17)));
        assert_eq!(entry("O 1.000001 3"), of(1_000_001, EntryKind::Output(3)));
        assert_eq!(entry("I 0.5 1"), of(500_000, EntryKind::Input(1)));
        let resized = EntryKind::Resize { columns: 100, rows: 30 };
        assert_eq!(entry("S 2.0 SIGWINCH ROWS=30 COLS=100"), of(2_000_000, resized));
        assert_eq!(entry("H 0.0 TERM xterm"), of(0, EntryKind::Other));
        for broken in ["", "x 1", "1", "1 -2", "1 2.5", "O 1", "nan 3"] {
            assert_eq!(entry(broken), None, "{broken}");
        }
    }
}
