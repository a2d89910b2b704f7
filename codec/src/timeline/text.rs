//! Text of a recording: what its terminal showed, and what was typed.

use super::keystrokes::Keystrokes;

/// What is told of a line, in characters.
const LINE_CHARS: usize = 1_000;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextQuery {
    /// Lines that hold it are told, whatever the case of their letters; all lines when it is empty.
    pub text: String,
    /// Lines are told from this media time on, in milliseconds.
    pub from_ms: i64,
    /// The most lines that are told.
    pub lines_max: usize,
}

/// The lines that were found. They may hold passwords, as keystrokes do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundText {
    /// The first ones, in the order of time.
    pub lines: Vec<TextLine>,
    /// How many more there are.
    pub left_out: u64,
}

/// A line of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextLine {
    /// When it began, in milliseconds of media time.
    pub at_ms: i64,
    /// Where it stands.
    pub kind: TextKind,
    /// The line; of a long one the part that holds what was looked for.
    pub text: String,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// Among the keystrokes: a batch of them.
    Typed,
    /// On the screen of a terminal.
    Shown,
}

impl TextQuery {
    /// What is told of a line; nothing if it does not hold what is looked for.
    pub(super) fn part_of(&self, line: &str) -> Option<String> {
        let (line_in_small, wanted) = (line.to_lowercase(), self.text.to_lowercase());
        let (before, _) = line_in_small.split_at(line_in_small.find(&wanted)?);
        let behind = before.chars().count() + wanted.chars().count();
        Some(line.chars().skip(behind.saturating_sub(LINE_CHARS)).take(LINE_CHARS).collect())
    }
}

impl FoundText {
    /// Adds a line behind all others, if there is room for it.
    pub(super) fn push(&mut self, line: TextLine, lines_max: usize) {
        match self.lines.len() < lines_max {
            true => self.lines.push(line),
            false => self.left_out += 1,
        }
    }

    /// The same and what of the keystrokes is looked for, as many lines as are asked for.
    pub(super) fn with_keystrokes(mut self, keystrokes: &Keystrokes, query: &TextQuery) -> Self {
        for batch in keystrokes.batches.iter().filter(|batch| batch.end_ms >= query.from_ms) {
            if let Some(text) = query.part_of(&batch.text) {
                self.lines.push(TextLine { at_ms: batch.at_ms, kind: TextKind::Typed, text });
            }
        }
        self.lines.sort_by_key(|line| line.at_ms);
        let more = self.lines.len().saturating_sub(query.lines_max);
        self.lines.truncate(query.lines_max);
        self.left_out = self.left_out.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::KeyBatch;

    fn query(text: &str, from_ms: i64, lines_max: usize) -> TextQuery {
        TextQuery { text: text.into(), from_ms, lines_max }
    }

    #[test]
    fn of_a_long_line_the_part_is_told_that_holds_what_was_looked_for() {
        let long = format!("{}İ NEEDLE{}", "ä".repeat(5_000), "b".repeat(5_000));
        let part = query("needle", 0, 1).part_of(&long).unwrap();
        assert_eq!(part.chars().count(), LINE_CHARS);
        assert!(part.contains("NEEDLE"), "{part}");
        assert_eq!(query("", 0, 1).part_of("any"), Some("any".into()));
        assert_eq!(query("x", 0, 1).part_of("any"), None);
    }

    #[test]
    fn keystrokes_stand_between_lines_in_time_and_what_is_too_much_is_counted() {
        let batch = |at_ms, text: &str| KeyBatch {
            at_ms,
            end_ms: at_ms + 10,
            text: text.into(),
            display: String::new(),
        };
        let batches = vec![batch(1, "One"), batch(50, "none"), batch(60, "other"), batch(70, "one more")];
        let keystrokes = Keystrokes { batches, ..Keystrokes::none() };
        let line = |at_ms, kind, text: &str| TextLine { at_ms, kind, text: text.into() };
        let shown = line(55, TextKind::Shown, "one");
        let found = FoundText { lines: vec![shown.clone()], left_out: 3 };
        let found = found.with_keystrokes(&keystrokes, &query("one", 20, 2));
        assert_eq!(found, FoundText { lines: vec![line(50, TextKind::Typed, "none"), shown], left_out: 4 });
    }
}
