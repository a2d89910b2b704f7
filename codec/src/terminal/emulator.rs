//! A terminal's cells, kept by avt, with bounds on what each function may take.

use super::bounds::bounded;
use super::escape::{Escape, PassedOver, Rendition};
use super::styles::Styles;
use super::underline::Underline;
use crate::cost::Cost;
use crate::geometry::Rect;
use avt::observer::Observation;
use avt::parser::{Function, Parser, SgrOp, SgrOps};
use avt::{Observer, Operation, Terminal};
use std::ops::Range;

/// Columns and rows of a terminal, if there may be so many.
pub(crate) fn within(sides: [u64; 2], limit: usize) -> Option<[usize; 2]> {
    let side = |side: u64| usize::try_from(side).ok().filter(|side| (1..=limit).contains(side));
    let [columns, rows] = sides;
    Some([side(columns)?, side(rows)?])
}

/// How the cursor looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum CursorShape {
    #[default]
    Block,
    Underline,
    Bar,
}

/// A line that is wrapped is told with so many rows before one and behind it.
const WRAPPED_ROWS_MAX: usize = 16;

/// A terminal.
pub(crate) struct Emulator {
    parser: Parser,
    terminal: Terminal,
    /// Since something was underlined by another line than a single one.
    styles: Option<Styles>,
    touched: Touched,
    shape: CursorShape,
    escape: Escape,
    /// Where the cursor was at the last look.
    cursor: Option<(usize, usize)>,
    /// The lines that line feeds have ended since they were taken, where somebody wants them.
    ended: Option<Vec<String>>,
    /// What came since the last function was done: the beginning of another one, if anything.
    begun: String,
}

impl Emulator {
    /// What is kept of a function that has only begun, in bytes: a text that nobody sees may be of any length.
    const BEGUN_BYTES_MAX: usize = 4_096;

    /// An empty terminal of at least one column and row. It keeps no lines that have left its screen.
    pub(crate) fn new(columns: usize, rows: usize) -> Self {
        let terminal = Terminal::new(columns.max(1), rows.max(1)).expect("it has a column and a row");
        let touched = Touched { rows: vec![true; rows.max(1)] };
        Self {
            parser: Parser::new(),
            terminal,
            styles: None,
            touched,
            shape: CursorShape::default(),
            escape: Escape::default(),
            cursor: None,
            ended: None,
            begun: String::new(),
        }
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (usize, usize) {
        self.terminal.size()
    }

    /// Its cells and cursor.
    pub(super) fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    /// Its styles of underlines, if not all of them are single lines.
    pub(super) fn styles(&self) -> Option<&Styles> {
        self.styles.as_ref()
    }

    /// Output that makes an empty terminal of the same size what this one is; nothing while a function is open that is longer
    /// than any that is understood.
    pub(crate) fn dump(&self) -> Option<String> {
        let shape = match self.shape {
            CursorShape::Block => "\u{1b}[2 q",
            CursorShape::Underline => "\u{1b}[4 q",
            CursorShape::Bar => "\u{1b}[6 q",
        };
        if self.begun.len() > Self::BEGUN_BYTES_MAX {
            return None;
        }
        let plain = self.terminal.dump();
        let screen = match &self.styles {
            Some(styles) => styles.dump(plain),
            None => plain,
        };
        Some([screen.as_str(), shape, &self.begun].concat())
    }

    /// From here on, lines are kept that a line feed ends.
    pub(crate) fn keep_ended(&mut self) {
        self.ended = Some(Vec::new());
    }

    /// The lines that line feeds have ended since they were taken last.
    pub(crate) fn take_ended(&mut self) -> Vec<String> {
        self.ended.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The text of the line to which a row belongs, and the row behind it.
    pub(crate) fn line_at(&self, row: usize) -> (String, usize) {
        let screen = self.terminal.screen();
        let goes_on = |row: usize| screen.line(row).is_some_and(avt::Line::is_wrapped);
        let mut rows = row..row + 1;
        while rows.start > 0 && row - rows.start < WRAPPED_ROWS_MAX && goes_on(rows.start - 1) {
            rows.start -= 1;
        }
        while rows.end - row <= WRAPPED_ROWS_MAX && goes_on(rows.end - 1) {
            rows.end += 1;
        }
        let end = rows.end;
        (rows.filter_map(|row| screen.line(row)).flat_map(avt::Line::chars).collect(), end)
    }

    /// The text of its rows, and where the cursor is.
    #[cfg(test)]
    pub(crate) fn text(&self) -> (Vec<String>, (usize, usize)) {
        let cursor = self.terminal.cursor();
        let rows = self.terminal.screen().visible_lines().map(avt::Line::text).collect();
        (rows, (cursor.col, cursor.row))
    }

    /// How its cursor looks.
    pub(super) fn shape(&self) -> CursorShape {
        self.shape
    }

    /// Takes output. `false` as soon as that has cost more than `cost_max`: the rest was not taken.
    pub(crate) fn feed(&mut self, text: &str, cost: &mut Cost, cost_max: Cost) -> bool {
        for character in text.chars() {
            let (passed_over, function) = (self.escape.follow(character), self.parser.feed(character));
            self.begin(character, function.is_some() || passed_over.is_some());
            let Some(function) = function else {
                cost.emulated(1, 0, 0);
                if let Some(PassedOver::Shape(shape)) = passed_over {
                    self.shape = shape;
                }
                continue;
            };
            if function == Function::Ris {
                self.shape = CursorShape::default();
            }
            let terminals = 1 + usize::from(self.styles.is_some());
            let function = bounded(function, self.terminal.size(), terminals, cost);
            if *cost > cost_max {
                return false;
            }
            if self.ended.is_some() && matches!(function, Function::Lf | Function::Nel) {
                let (line, _) = self.line_at(self.terminal.cursor().row);
                self.ended.get_or_insert_default().push(line);
            }
            match passed_over {
                Some(PassedOver::Renditions(renditions)) => self.render(renditions, cost),
                Some(PassedOver::Shape(_)) | None => self.execute(function),
            }
        }
        true
    }

    /// Keeps what a function has begun with. A control character may stand inside of one, and is done at once.
    fn begin(&mut self, character: char, is_done: bool) {
        match character {
            '\u{1b}' => self.begun = character.into(),
            '\0'..' ' if is_done => {}
            _ if is_done => self.begun.clear(),
            _ if self.begun.len() <= Self::BEGUN_BYTES_MAX => self.begun.push(character),
            _ => {}
        }
    }

    fn execute(&mut self, function: Function) {
        if let Some(styles) = &mut self.styles {
            styles.follow(&function);
        }
        self.terminal.execute_with(Operation::Function(function), &mut self.touched);
    }

    /// Does the parts of SGR one by one.
    fn render(&mut self, renditions: Vec<Rendition>, cost: &mut Cost) {
        for rendition in renditions {
            match rendition {
                Rendition::Known(parameters) => {
                    let (mut parser, sequence) = (Parser::new(), format!("\u{1b}[{parameters}m"));
                    let functions = sequence.chars().filter_map(|character| parser.feed(character));
                    functions.for_each(|function| self.execute(function));
                }
                Rendition::Underline(style) => self.underline(style, cost),
                Rendition::UnderlineColor => {}
            }
        }
    }

    fn underline(&mut self, style: Option<Underline>, cost: &mut Cost) {
        if self.styles.is_none() && style.is_some_and(|style| style != Underline::Single) {
            let (columns, rows) = self.terminal.size();
            cost.emulated(columns * rows, columns * rows, rows);
            self.styles = Some(Styles::beside(&self.terminal));
        }
        let op = if style.is_some() { SgrOp::SetUnderline } else { SgrOp::ResetUnderline };
        self.execute(Function::Sgr(SgrOps::from(vec![op])));
        if let Some(styles) = &mut self.styles {
            styles.underline(style);
        }
    }

    /// Gives it another size, of at least one column and row.
    pub(crate) fn resize(&mut self, columns: usize, rows: usize, cost: &mut Cost) {
        let (columns_before, rows_before) = self.terminal.size();
        let terminals = 1 + usize::from(self.styles.is_some());
        let cells = columns_before * rows_before + columns * rows;
        cost.emulated(terminals, terminals * cells, terminals * (rows_before + rows));
        self.terminal.resize_with(columns, rows, &mut self.touched);
        if let Some(styles) = &mut self.styles {
            styles.resize(columns, rows);
        }
        self.touched.rows.fill(true);
    }

    /// The cells that may have changed since the last look: whole rows, and the places of the cursor.
    pub(crate) fn take_touched(&mut self) -> Vec<Rect> {
        let (columns, _) = self.terminal.size();
        let mut areas = Vec::new();
        let mut row = 0;
        for run in self.touched.rows.chunk_by(|one, next| one == next) {
            let bottom = row + run.len();
            if run.first() == Some(&true) {
                areas.push(Rect { left: 0, top: row, right: columns, bottom });
            }
            row = bottom;
        }
        self.touched.rows.fill(false);
        let cursor = self.terminal.cursor().position();
        if cursor != self.cursor {
            let cell = |(left, top)| Rect { left, top, right: left + 1, bottom: top + 1 };
            areas.extend([self.cursor, cursor].into_iter().flatten().map(cell));
            self.cursor = cursor;
        }
        areas
    }
}

/// The rows that were changed.
#[derive(Debug)]
struct Touched {
    rows: Vec<bool>,
}

impl Observer for Touched {
    type Output = ();

    fn resized(&mut self, _columns: usize, rows: usize) {
        self.rows.resize(rows, true);
    }

    fn dirty(&mut self, rows: Range<usize>) {
        if let Some(rows) = self.rows.get_mut(rows) {
            rows.fill(true);
        }
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(emulator: &Emulator) -> Vec<String> {
        emulator.terminal().screen().visible_lines().map(|line| line.text().trim_end().to_owned()).collect()
    }

    #[test]
    fn it_keeps_what_avt_keeps() {
        let output = "one\r\n\u{1b}[31mtwo\u{1b}[0m\u{1b}[5b\r\n漢字e\u{301}\u{1b}[2;1H\u{1b}[1Lnew\u{1b}[?1049hx\u{1b}[?1049l";
        let mut emulator = Emulator::new(20, 6);
        let mut plain = Terminal::new(20, 6).unwrap();
        plain.feed(output);
        assert!(emulator.feed(output, &mut Cost::default(), Cost::MAX));
        assert_eq!(emulator.terminal().dump(), plain.dump());
        assert_eq!(text(&emulator)[..3], ["one", "new", "twoooooo"]);
    }

    #[test]
    fn what_repeats_is_bounded_and_counted() {
        let mut emulator = Emulator::new(100, 50);
        let mut cost = Cost::default();
        let repeated = "a\u{1b}[65535b\u{1b}[65535S\u{1b}[65535L".repeat(1_000);
        let limit = Cost::of_ms(200);
        assert!(!emulator.feed(&repeated, &mut cost, limit));
        assert!(cost > limit && cost < Cost::of_ms(210), "{} ms", cost.ms());
        let (mut clears, mut cost) = (Emulator::new(1_000, 1_000), Cost::default());
        assert!(!clears.feed(&"\u{1b}[2J".repeat(1_000_000), &mut cost, limit));
    }

    #[test]
    fn touched_rows_and_places_of_the_cursor_are_told_once() {
        let mut emulator = Emulator::new(10, 5);
        let mut cost = Cost::default();
        let whole = Rect { left: 0, top: 0, right: 10, bottom: 5 };
        let cell = |left, top| Rect { left, top, right: left + 1, bottom: top + 1 };
        assert_eq!(emulator.take_touched(), [whole, cell(0, 0)]);
        assert_eq!(emulator.take_touched(), []);
        emulator.feed("\u{1b}[2;3Hx", &mut cost, Cost::MAX);
        let row = Rect { left: 0, top: 1, right: 10, bottom: 2 };
        assert_eq!(emulator.take_touched(), [row, cell(0, 0), cell(3, 1)]);
        emulator.feed("\u{1b}]0;title\u{7}", &mut cost, Cost::MAX);
        assert_eq!(emulator.take_touched(), []);
        emulator.feed("\u{1b}[?25l", &mut cost, Cost::MAX);
        assert_eq!(emulator.take_touched(), [cell(3, 1)]);
        emulator.resize(4, 7, &mut cost);
        assert_eq!(emulator.take_touched(), [Rect { left: 0, top: 0, right: 4, bottom: 7 }]);
    }

    #[test]
    fn a_dump_goes_on_with_a_function_in_which_a_control_character_stands() {
        let (mut emulator, mut again) = (Emulator::new(10, 2), Emulator::new(10, 2));
        emulator.feed("a\u{1b}[3\n1", &mut Cost::default(), Cost::MAX);
        again.feed(&emulator.dump().unwrap(), &mut Cost::default(), Cost::MAX);
        for emulator in [&mut emulator, &mut again] {
            emulator.feed("mb", &mut Cost::default(), Cost::MAX);
            assert_eq!(text(emulator), ["a", " b"]);
        }
        assert_eq!(again.dump(), emulator.dump());
    }

    #[test]
    fn the_shape_of_the_cursor_is_followed() {
        let mut emulator = Emulator::new(10, 5);
        let mut shape = |text: &str| {
            emulator.feed(text, &mut Cost::default(), Cost::MAX);
            emulator.shape()
        };
        assert_eq!(shape("\u{1b}[5"), CursorShape::Block);
        assert_eq!(shape(" q"), CursorShape::Bar);
        assert_eq!(shape("\u{1b}[4 qx"), CursorShape::Underline);
        assert_eq!(shape("\u{1b}[7 q\u{1b}[33 q"), CursorShape::Underline);
        assert_eq!(shape("\u{1b}[ q"), CursorShape::Block);
        assert_eq!(shape("\u{1b}[6 q\u{1b}c"), CursorShape::Block);
    }
}
