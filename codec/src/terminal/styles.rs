//! Styles of underlines beside a terminal that does not keep them.

use super::underline::Underline;
use avt::parser::{Function, Parser, SgrOp, SgrOps};
use avt::{Cell, Color, Line, Operation, Terminal};

/// A second terminal that is done the same to, so that whatever moves, is cut or comes back does so in both. The colour of
/// its text is the style of the underline; where the first one has a coloured text, its own is underlined. So a cell is plain in both
/// or in none, and both terminals have the same rows.
pub(super) struct Styles {
    terminal: Terminal,
}

impl Styles {
    /// Beside a terminal in which all underlines are single ones.
    pub(super) fn beside(terminal: &Terminal) -> Self {
        let (columns, rows) = terminal.size();
        let mut styles = Self { terminal: Terminal::new(columns, rows).expect("it has a column and a row") };
        let (mut parser, dump) = (Parser::new(), terminal.dump());
        dump.chars()
            .filter_map(|character| parser.feed(character))
            .for_each(|function| styles.follow(&function));
        styles
    }

    /// Does what the terminal does.
    pub(super) fn follow(&mut self, function: &Function) {
        let function = if let Function::Sgr(ops) = function {
            let ops: Vec<_> = ops.as_slice().iter().map(exchanged).collect();
            Function::Sgr(SgrOps::from(ops))
        } else {
            function.clone()
        };
        self.terminal.execute(Operation::Function(function));
    }

    /// From here on, text has such a line.
    pub(super) fn underline(&mut self, style: Option<Underline>) {
        let op =
            style.map_or(SgrOp::ResetForegroundColor, |style| SgrOp::SetForegroundColor(color_of(style)));
        self.terminal.execute(Operation::Function(Function::Sgr(SgrOps::from(vec![op]))));
    }

    /// Takes another size.
    pub(super) fn resize(&mut self, columns: usize, rows: usize) {
        self.terminal.resize(columns, rows);
    }

    /// The rows of what is seen.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.terminal.screen().visible_lines()
    }

    /// The style of an underlined cell.
    pub(super) fn of(cell: &Cell) -> Underline {
        cell.pen().foreground().and_then(style_of).unwrap_or(Underline::Single)
    }

    /// Adds the styles to the dump of the terminal. Both terminals dump the same steps; only the pens are set at other places.
    pub(super) fn dump(&self, plain: String) -> String {
        let own = steps(&self.terminal.dump());
        let is_single = |style: Option<Underline>| style.is_none_or(|style| style == Underline::Single);
        if own.iter().all(|step| is_single(step.style)) {
            return plain;
        }
        let (mut dump, mut before) = (String::new(), None);
        for (plain, own) in steps(&plain).iter().zip(&own) {
            dump.push_str(&plain.pen);
            let changes = !plain.pen.is_empty() || own.style != before;
            if let Some(style) = own.style.filter(|_| changes && !(is_single(own.style) && is_single(before)))
            {
                dump.push_str(&format!("\u{1b}[4:{}m", style.number()));
            }
            dump.push_str(&plain.done);
            before = own.style;
        }
        dump
    }
}

/// A step of a dump.
#[derive(Default)]
struct Step {
    /// What sets the pen before it, and the style that is then set, where colours stand for styles.
    pen: String,
    style: Option<Underline>,
    /// What prints a character, moves the cursor or sets a mode; nothing at the end.
    done: String,
}

/// A dump in steps, none of which is a repetition.
fn steps(dump: &str) -> Vec<Step> {
    let mut parser = Parser::new();
    let (mut steps, mut pen, mut style) = (Vec::new(), String::new(), None);
    let (mut seen, mut printed) = (String::new(), String::new());
    for character in dump.chars() {
        seen.push(character);
        let Some(function) = parser.feed(character) else { continue };
        let done = std::mem::take(&mut seen);
        if let Function::Sgr(ops) = function {
            pen.push_str(&done);
            style = ops.as_slice().iter().fold(style, style_behind);
        } else if let Function::Rep(times) = function {
            let again = |_| Step { pen: String::new(), style, done: printed.clone() };
            steps.extend((0..times).map(again));
        } else {
            printed.clone_from(&done);
            steps.push(Step { pen: std::mem::take(&mut pen), style, done });
        }
    }
    steps.push(Step { pen, style, done: String::new() });
    steps
}

/// The style behind an operation of the second terminal.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all others leave colours of text and underlines as they are"
)]
fn style_behind(before: Option<Underline>, op: &SgrOp) -> Option<Underline> {
    match op {
        SgrOp::SetForegroundColor(color) => style_of(*color),
        SgrOp::Reset | SgrOp::ResetForegroundColor => None,
        _ => before,
    }
}

/// An operation of the terminal, as the second one does it.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all others leave colours of text and underlines as they are"
)]
fn exchanged(op: &SgrOp) -> SgrOp {
    match op {
        SgrOp::SetUnderline => SgrOp::SetForegroundColor(color_of(Underline::Single)),
        SgrOp::ResetUnderline => SgrOp::ResetForegroundColor,
        SgrOp::SetForegroundColor(_) => SgrOp::SetUnderline,
        SgrOp::ResetForegroundColor => SgrOp::ResetUnderline,
        other => *other,
    }
}

fn color_of(style: Underline) -> Color {
    Color::Indexed(style.number())
}

fn style_of(color: Color) -> Option<Underline> {
    match color {
        Color::Indexed(number) => Underline::of(number),
        Color::RGB(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::Cost;
    use crate::terminal::Emulator;
    use proptest::prelude::*;

    fn fed(output: &str) -> Emulator {
        let mut emulator = Emulator::new(12, 4);
        assert!(emulator.feed(output, &mut Cost::default(), Cost::MAX));
        emulator
    }

    /// The styles of the cells of a row; `None` where there is no line.
    fn styles(emulator: &Emulator, row: usize) -> Vec<Option<Underline>> {
        let plain = emulator.terminal().screen().visible_lines().nth(row).unwrap();
        let beside = emulator.styles().map(|styles| styles.lines().nth(row).unwrap());
        let style = |(column, cell): (usize, &Cell)| {
            let style = || beside.map_or(Underline::Single, |line| Styles::of(&line.cells()[column]));
            cell.pen().is_underline().then(style)
        };
        plain.cells().iter().enumerate().map(style).collect()
    }

    #[test]
    fn each_cell_keeps_the_style_that_it_was_written_with() {
        use Underline::{Curly, Dashed, Dotted, Double, Single};
        let all = "\u{1b}[4mS\u{1b}[21mD\u{1b}[4:3mC\u{1b}[4:4md\u{1b}[4:5m-\u{1b}[4:1ms\u{1b}[4:0mn";
        let told = styles(&fed(all), 0);
        assert_eq!(told[..6], [Single, Double, Curly, Dotted, Dashed, Single].map(Some));
        assert_eq!(told[6..], [None; 6]);
        let first = |output: &str| styles(&fed(&format!("{output}x")), 0)[0];
        assert_eq!(first("\u{1b}[4:3;38;5;0m"), Some(Curly));
        assert_eq!(first("\u{1b}[4:3;48;2;0;0;24m"), Some(Curly));
        assert_eq!(first("\u{1b}[4:3;58;2;0;0;24;1m"), Some(Curly));
        assert_eq!(first("\u{1b}[4:3;4m"), Some(Single));
        assert_eq!(first("\u{1b}[4:9m"), Some(Single));
        assert_eq!(first("\u{1b}[4:3;24m"), None);
        assert_eq!(first("\u{1b}[24;4:3m\u{1b}[m"), None);
        assert_eq!(first("\u{1b}[4:3m\u{1b}7\u{1b}[0m\u{1b}8"), Some(Curly));
        let long = format!("\u{1b}[{}4:3m", "38;2;255;255;255;".repeat(4));
        assert_eq!(first(&long), Some(Curly));
    }

    #[test]
    fn a_colour_of_underlines_is_nothing_else() {
        let pen =
            |output: &str| *fed(&format!("{output}x")).terminal().screen().line(0).unwrap().cells()[0].pen();
        assert_eq!(pen("\u{1b}[58;5;1m"), avt::Pen::default());
        assert_eq!(pen("\u{1b}[58;2;1;2;3;31m"), pen("\u{1b}[31m"));
        assert_eq!(pen("\u{1b}[58:2::1:2:3;59;1m"), pen("\u{1b}[1m"));
    }

    #[test]
    fn styles_move_with_their_text() {
        use Underline::{Curly, Double};
        let mut emulator =
            fed("1\r\n\u{1b}[4:3mab\u{1b}[m\u{1b}[2;1H\u{1b}[2@\u{1b}[1;1H\u{1b}[1L\u{1b}[21mx\u{1b}[m");
        assert_eq!(styles(&emulator, 0)[..2], [Some(Double), None]);
        assert_eq!(styles(&emulator, 2)[..5], [None, None, Some(Curly), Some(Curly), None]);
        emulator.resize(3, 4, &mut Cost::default());
        let rows: Vec<_> = (0..4).map(|row| styles(&emulator, row)[..1].to_vec()).collect();
        assert_eq!(rows[3], [Some(Curly)]);
    }

    #[test]
    fn a_dump_without_styles_is_that_of_avt() {
        let emulator = fed("\u{1b}[4:3ma\rb\u{1b}[0;4mcc\r\u{1b}[m  ");
        assert!(emulator.styles().is_some());
        let plain = emulator.terminal().dump();
        assert_eq!(emulator.styles().unwrap().dump(plain.clone()), plain);
    }

    /// Text, moves and pens that disturb one another.
    fn output() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-c]{1,9}",
            Just("漢".to_owned()),
            Just("aaaaaaaaaaaa".to_owned()),
            "\u{1b}\\[(4:[0-5]|4|24|21|0|31|39|7|44|1|38;5;4)(;(4:[0-5]|4|24|0|39))?m",
            "\u{1b}\\[[0-9]?[@PXLMSTABCDHJKb]",
            "\u{1b}\\[[1-3];[1-4]r",
            Just("\u{1b}[?1049h".to_owned()),
            Just("\u{1b}[?1049l".to_owned()),
            "\u{1b}[78Mc]",
            "[\r\n]{1,3}",
        ];
        prop::collection::vec(piece, 1..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn both_terminals_have_the_same_cells_and_a_dump_has_both(
            output in output(),
            sizes in prop::collection::vec((1..20_usize, 1..6_usize), 0..3),
            behind in output(),
        ) {
            let mut emulator = fed(&output);
            for (columns, rows) in sizes {
                emulator.resize(columns, rows, &mut Cost::default());
                emulator.feed(&behind, &mut Cost::default(), Cost::MAX);
            }
            if let Some(styles) = emulator.styles() {
                let lines = |terminal: &Terminal| terminal.screen().visible_lines().cloned().collect::<Vec<_>>();
                for (plain, own) in lines(emulator.terminal()).iter().zip(lines(&styles.terminal)) {
                    prop_assert_eq!(plain.text(), own.text());
                    for (plain, own) in plain.cells().iter().zip(own.cells()) {
                        prop_assert_eq!(plain.pen().is_underline(), own.pen().foreground().is_some());
                        prop_assert_eq!(plain.pen().is_default(), own.pen().is_default());
                    }
                }
            }
            let (columns, rows) = emulator.size();
            let mut again = Emulator::new(columns, rows);
            again.feed(&emulator.dump().unwrap(), &mut Cost::default(), Cost::MAX);
            for row in 0..rows {
                prop_assert_eq!(styles(&again, row), styles(&emulator, row));
            }
            prop_assert_eq!(again.dump(), emulator.dump());
        }
    }
}
