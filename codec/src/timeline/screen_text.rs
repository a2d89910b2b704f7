//! Finds lines on the screen of a terminal.

use super::text::{FoundText, TextKind, TextLine, TextQuery};
use crate::geometry::Rect;
use crate::terminal::Emulator;
use std::collections::VecDeque;

/// Lines that are remembered, so that one that has only moved is not told again.
const RECENT_MAX: usize = 256;

/// Takes the lines of a terminal: each that a line feed has ended, however short it was on screen, and those that stand in what was
/// touched when a frame is complete. While a line is still being written it is one line.
pub(super) struct ScreenText {
    query: TextQuery,
    found: FoundText,
    /// The lines that came last.
    recent: VecDeque<String>,
    /// What became of the last of them.
    last: Last,
    /// Whether that one may still be written on.
    is_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// It does not hold what is looked for.
    Other,
    Told,
    LeftOut,
}

impl ScreenText {
    pub(super) fn new(query: TextQuery) -> Self {
        Self {
            query,
            found: FoundText::default(),
            recent: VecDeque::new(),
            last: Last::Other,
            is_open: false,
        }
    }

    /// A line was ended by a line feed.
    pub(super) fn ended(&mut self, at_ms: i64, line: &str) {
        let line = line.trim_end();
        if self.recent.back().is_none_or(|last| last != line) {
            self.take(at_ms, line);
        }
        self.is_open = false;
    }

    /// A frame is complete.
    pub(super) fn look(&mut self, at_ms: i64, emulator: &Emulator, touched: &[Rect]) {
        let mut seen_to = 0;
        for row in touched.iter().flat_map(|area| area.top..area.bottom) {
            if row < seen_to {
                continue;
            }
            let (line, end) = emulator.line_at(row);
            seen_to = end;
            let line = line.trim_end();
            if !self.recent.iter().any(|recent| recent == line) {
                self.take(at_ms, line);
                self.is_open = true;
            }
        }
    }

    /// What was found.
    pub(super) fn into_found(self) -> (FoundText, TextQuery) {
        (self.found, self.query)
    }

    fn take(&mut self, at_ms: i64, line: &str) {
        if line.is_empty() {
            return;
        }
        if self.is_open && self.recent.back().is_some_and(|last| line.starts_with(last)) {
            self.recent.pop_back();
        } else {
            self.last = Last::Other;
        }
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(line.to_owned());
        if at_ms < self.query.from_ms {
            return;
        }
        let Some(text) = self.query.part_of(line) else { return };
        match (self.last, self.found.lines.last_mut()) {
            (Last::Told, Some(told)) => told.text = text,
            (Last::LeftOut, _) => {}
            (Last::Told | Last::Other, _) => {
                let left_out = self.found.left_out;
                self.found.push(TextLine { at_ms, kind: TextKind::Shown, text }, self.query.lines_max);
                self.last = if self.found.left_out > left_out { Last::LeftOut } else { Last::Told };
            }
        }
    }
}
