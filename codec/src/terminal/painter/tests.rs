use super::*;
use crate::cost::Cost;
use crate::geometry::CopyVector;
use crate::limits::Limits;
use crate::picture::Picture;
use crate::screen::Screen;
use std::collections::HashSet;

const CELL: Size = Size { width: 10, height: 20 };

struct Shown {
    emulator: Emulator,
    painter: Painter,
    canvas: Canvas,
    screen: Screen,
}

impl Shown {
    fn new(columns: usize, rows: usize) -> Self {
        let painter = Painter::new(Theme::default(), Fonts::bundled());
        let canvas = Canvas::new(Limits::default());
        Self { emulator: Emulator::new(columns, rows), painter, canvas, screen: Screen::default() }
    }

    /// Takes output and shows it. What is kept up to date must equal what is drawn anew.
    fn show(&mut self, output: &str) -> (Vec<Rect>, Vec<CopyVector>) {
        self.emulator.feed(output, &mut Cost::default(), Cost::MAX);
        self.painter.paint(&self.emulator, &mut self.canvas).unwrap();
        let change = self.screen.show_frame(&mut self.canvas);
        let (mut painter, mut canvas) =
            (Painter::new(Theme::default(), Fonts::bundled()), Canvas::new(Limits::default()));
        painter.paint(&self.emulator, &mut canvas).unwrap();
        let mut anew = Screen::default();
        anew.show_frame(&mut canvas);
        assert!(anew.picture() == self.screen.picture(), "other pixels than drawn anew");
        (change.damage, change.copies)
    }

    fn picture(&self) -> &Picture {
        self.screen.picture()
    }

    /// The colours of a cell.
    fn cell(&self, column: usize, row: usize) -> Vec<[u8; 4]> {
        let (left, top) = (column * CELL.width, row * CELL.height);
        (top..top + CELL.height)
            .flat_map(|y| self.picture().row(y, left, left + CELL.width).to_vec())
            .collect()
    }

    /// Pixels of a cell that have not the colour of its corner.
    fn ink(&self, column: usize, row: usize) -> usize {
        let cell = self.cell(column, row);
        cell.iter().filter(|&&pixel| pixel != cell[0]).count()
    }
}

fn rect(left: usize, top: usize, right: usize, bottom: usize) -> Rect {
    let Size { width, height } = CELL;
    Rect { left: left * width, top: top * height, right: right * width, bottom: bottom * height }
}

#[test]
fn what_changed_is_drawn_and_nothing_else() {
    let mut shown = Shown::new(20, 5);
    assert_eq!(shown.show("\x1b[?25l"), (vec![rect(0, 0, 20, 5)], vec![]));
    assert_eq!(shown.show("ab\x1b[4;10Hx"), (vec![rect(0, 0, 2, 1), rect(9, 3, 10, 4)], vec![]));
    assert_eq!(shown.show("\x1b[4;10Hx"), (vec![], vec![]));
    assert_eq!(shown.show("\x1b[4;10Hy").0, [rect(9, 3, 10, 4)]);
    // The cursor leaves one cell and comes to another.
    assert_eq!(shown.show("\x1b[?25h").0, [rect(10, 3, 11, 4)]);
    assert_eq!(shown.show("\x1b[H").0, [rect(0, 0, 1, 1), rect(10, 3, 11, 4)]);
}

#[test]
fn a_scroll_is_a_copy_and_a_new_row() {
    let mut shown = Shown::new(20, 6);
    shown.show("\x1b[?25lone\r\ntwo\r\nthree\r\nfour\r\nfive\r\nsix");
    let (damage, copies) = shown.show("\r\nseven");
    let to = rect(0, 0, 20, 5);
    assert_eq!(copies, [CopyVector { to, dx: 0, dy: -20 }]);
    assert_eq!(
        damage.iter().map(Rect::area).sum::<usize>(),
        rect(0, 0, 20, 5).area() + rect(1, 5, 5, 6).area()
    );
    let (_, copies) = shown.show("\x1b[H\x1b[2L");
    assert_eq!(copies, [CopyVector { to: rect(0, 2, 20, 6), dx: 0, dy: 40 }]);
}

#[test]
fn another_size_is_another_picture() {
    let mut shown = Shown::new(20, 6);
    shown.show("text");
    shown.emulator.resize(30, 7, &mut Cost::default());
    assert_eq!(shown.show("").0, [rect(0, 0, 30, 7)]);
    assert_eq!(shown.picture().size, Size { width: 300, height: 140 });
    shown.emulator.resize(500, 7, &mut Cost::default());
    shown.show("x");
    assert_eq!(shown.picture().size, Size { width: 4_000, height: 7 * 16 });
}

#[test]
fn wide_characters_emoji_and_marks_stay_in_their_cells() {
    let mut shown = Shown::new(20, 2);
    shown.show("\x1b[?25l👍x e\u{301}x\x1b[2;1H\u{E0B0}█x");
    // The emoji covers two cells, and what follows is in the third.
    assert!(shown.ink(0, 0) > 20 && shown.ink(1, 0) > 20 && shown.ink(2, 0) > 10);
    let plain = {
        let mut plain = Shown::new(20, 2);
        plain.show("\x1b[?25l    e x");
        plain
    };
    // The mark is drawn over its character; its own cell stays empty.
    assert!(shown.ink(4, 0) > plain.ink(4, 0));
    assert_eq!(shown.ink(5, 0), 0);
    assert_eq!(shown.cell(6, 0), plain.cell(6, 0));
    assert_eq!(shown.cell(1, 1), vec![shown.cell(1, 1)[0]; 200]);
}

#[test]
fn frames_of_boxes_have_no_gaps() {
    let mut shown = Shown::new(6, 3);
    shown.show("\x1b[?25l┌────┐\r\n│    │\r\n└────┘");
    let background = shown.cell(2, 1)[0];
    let is_ink = |x: usize, y: usize| shown.picture().row(y, x, x + 1)[0] != background;
    let lines = |range: Range<usize>, is_ink: &dyn Fn(usize) -> bool| range.into_iter().all(is_ink);
    let row = (0..20).find(|&y| is_ink(30, y)).unwrap();
    let column = (0..10).find(|&x| is_ink(x, 30)).unwrap();
    assert!(lines(column..60 - column - 1, &|x| is_ink(x, row)));
    assert!(lines(row..40 + row, &|y| is_ink(column, y)));
    assert!(lines(row..40 + row, &|y| is_ink(50 + column, y)));
}

#[test]
fn styles_are_seen() {
    let mut shown = Shown::new(20, 1);
    shown.show("\x1b[?25lm\x1b[1mm\x1b[0;3mm\x1b[0;4mm\x1b[0;9mm\x1b[0;7mm\x1b[0;2mm\x1b[0;21mm\x1b[0;4:3mm\x1b[0;4:4mm\x1b[0;4:5mm");
    let seen: HashSet<_> = (0..11).map(|column| shown.cell(column, 0)).collect();
    assert_eq!(seen.len(), 11, "two styles look the same");
    let theme = Theme::default();
    let [red, green, blue] = theme.foreground;
    assert_eq!(shown.cell(5, 0)[0], [red, green, blue, 255]);
}
