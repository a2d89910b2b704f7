//! How each cell of a terminal looks.

use super::emulator::{CursorShape, Emulator};
use super::styles::Styles;
use super::underline::Underline;
use crate::geometry::Size;
use crate::source::terminal::{Rgb, Theme};
use avt::{Cell, Color, Pen};

/// Sizes of cells, from the usual one to that of terminals which are larger than any screen.
const CELL_SIZES: [Size; 4] = [
    Size { width: 10, height: 20 },
    Size { width: 8, height: 16 },
    Size { width: 6, height: 12 },
    Size { width: 3, height: 6 },
];
/// A terminal has the largest cells with which its picture is within this size.
const PICTURE_MAX: Size = Size { width: 4096, height: 2304 };
/// Most marks that are drawn over a character.
const MARKS: usize = 2;

/// The size of a terminal's cells, in pixels.
pub(crate) fn cell_size((columns, rows): (usize, usize)) -> Size {
    let fits =
        |cell: &&Size| columns * cell.width <= PICTURE_MAX.width && rows * cell.height <= PICTURE_MAX.height;
    CELL_SIZES.iter().find(fits).copied().unwrap_or(CELL_SIZES[CELL_SIZES.len() - 1])
}

/// All that decides the pixels of a cell, and of the one behind it if it is wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Look {
    pub(super) character: char,
    /// Marks that are drawn over the character; they have cells of their own, which stay empty.
    pub(super) marks: [char; MARKS],
    /// Cells: 1 or 2; 0 behind a wide one.
    pub(super) width: u8,
    pub(super) foreground: Rgb,
    pub(super) background: Rgb,
    pub(super) bold: bool,
    pub(super) italic: bool,
    pub(super) underline: Option<Underline>,
    pub(super) strike: bool,
    /// A cursor that covers only a part of the cell.
    pub(super) line: Option<CursorLine>,
}

/// A cursor that is a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum CursorLine {
    /// Below the character.
    Below,
    /// In front of it.
    Before,
}

/// No character.
pub(super) const NONE: char = '\0';

impl Look {
    /// An empty cell.
    pub(super) fn empty(theme: &Theme) -> Self {
        Self {
            character: ' ',
            marks: [NONE; MARKS],
            width: 1,
            foreground: theme.foreground,
            background: theme.background,
            bold: false,
            italic: false,
            underline: None,
            strike: false,
            line: None,
        }
    }

    /// `beside` is the cell that keeps its style of underline, if any style was ever asked for.
    fn of(cell: &Cell, beside: Option<&Cell>, theme: &Theme) -> Self {
        let pen = cell.pen();
        let (foreground, background) = colors(pen, theme);
        Self {
            character: cell.char(),
            width: cell.width(),
            foreground,
            background,
            bold: pen.is_bold(),
            italic: pen.is_italic(),
            underline: pen.is_underline().then(|| beside.map_or(Underline::Single, Styles::of)),
            strike: pen.is_strikethrough(),
            ..Self::empty(theme)
        }
    }

    /// Puts the cursor on it.
    fn with_cursor(self, shape: CursorShape, theme: &Theme) -> Self {
        match shape {
            CursorShape::Block if self.foreground == self.background => {
                Self { foreground: theme.background, background: theme.foreground, ..self }
            }
            CursorShape::Block => Self { foreground: self.background, background: self.foreground, ..self },
            CursorShape::Underline => Self { line: Some(CursorLine::Below), ..self },
            CursorShape::Bar => Self { line: Some(CursorLine::Before), ..self },
        }
    }
}

/// The looks of all cells, row by row.
pub(super) fn looks(emulator: &Emulator, theme: &Theme) -> Vec<Look> {
    let (columns, rows) = emulator.size();
    let mut looks = Vec::with_capacity(columns * rows);
    let mut styles = emulator.styles().map(Styles::lines);
    for line in emulator.terminal().screen().visible_lines() {
        let beside = styles.as_mut().and_then(Iterator::next).map_or(&[][..], avt::Line::cells);
        let start = looks.len();
        let cells = line.cells().iter().take(columns).enumerate();
        looks.extend(cells.map(|(column, cell)| Look::of(cell, beside.get(column), theme)));
        looks.resize(start + columns, Look::empty(theme));
        if let Some(row) = looks.get_mut(start..) {
            join_marks(row);
        }
    }
    looks.resize(columns * rows, Look::empty(theme));
    if let Some((column, row)) = emulator.terminal().cursor().position() {
        let at = row.min(rows - 1) * columns + column.min(columns - 1);
        let at = if looks[at].width == 0 { at.saturating_sub(1) } else { at };
        looks[at] = looks[at].with_cursor(emulator.shape(), theme);
    }
    looks
}

/// Gives marks to the characters before them: avt keeps each in a cell of its own.
fn join_marks(row: &mut [Look]) {
    let mut base = None;
    for at in 0..row.len() {
        match kind(row[at].character) {
            _ if row[at].width == 0 => {}
            Kind::Plain => base = Some(at),
            kind @ (Kind::Mark | Kind::Invisible) => {
                let mark = std::mem::replace(&mut row[at].character, ' ');
                let free =
                    base.and_then(|base: usize| row[base].marks.iter_mut().find(|mark| **mark == NONE));
                if let (Kind::Mark, Some(free)) = (kind, free) {
                    *free = mark;
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Plain,
    /// Drawn over what is before it.
    Mark,
    /// Says something about its neighbours and is not seen.
    Invisible,
}

/// Source: the Unicode Character Database, `DerivedCoreProperties` (Default_Ignorable_Code_Point), blocks of combining marks.
fn kind(character: char) -> Kind {
    match u32::from(character) {
        0x300..=0x34E
        | 0x350..=0x36F
        | 0x483..=0x489
        | 0x591..=0x5BD
        | 0x610..=0x61A
        | 0x64B..=0x65F
        | 0x1AB0..=0x1AFF
        | 0x1DC0..=0x1DFF
        | 0x20D0..=0x20FF
        | 0x3099..=0x309A
        | 0xFE20..=0xFE2F => Kind::Mark,
        0..=0x1F
        | 0x7F..=0x9F
        | 0xAD
        | 0x34F
        | 0x61C
        | 0x115F..=0x1160
        | 0x180B..=0x180F
        | 0x200B..=0x200F
        | 0x202A..=0x202E
        | 0x2060..=0x206F
        | 0xFE00..=0xFE0F
        | 0xFEFF
        // Colours of skin, which no font of one colour has.
        | 0x1F3FB..=0x1F3FF
        | 0xE0000..=0xE0FFF => Kind::Invisible,
        _ => Kind::Plain,
    }
}

/// The colours of text and behind it.
fn colors(pen: &Pen, theme: &Theme) -> (Rgb, Rgb) {
    let foreground = pen.foreground().map_or(theme.foreground, |color| match color {
        // Bold makes the first eight colours bright, as in xterm.
        Color::Indexed(index @ 0..=7) if pen.is_bold() => indexed(index + 8, theme),
        Color::Indexed(index) => indexed(index, theme),
        Color::RGB(rgb) => [rgb.r, rgb.g, rgb.b],
    });
    let background = pen.background().map_or(theme.background, |color| match color {
        Color::Indexed(index) => indexed(index, theme),
        Color::RGB(rgb) => [rgb.r, rgb.g, rgb.b],
    });
    let (foreground, background) =
        if pen.is_inverse() { (background, foreground) } else { (foreground, background) };
    if pen.is_faint() {
        let middle = |text: u8, behind: u8| {
            u8::try_from((2 * u16::from(text) + u16::from(behind)) / 3).unwrap_or(u8::MAX)
        };
        let faint = [0, 1, 2].map(|channel| middle(foreground[channel], background[channel]));
        return (faint, background);
    }
    (foreground, background)
}

/// One of the 256 colours: the theme's, a cube of six levels, a row of greys.
fn indexed(index: u8, theme: &Theme) -> Rgb {
    match index {
        0..=15 => theme.palette[usize::from(index)],
        16..=231 => {
            let index = index - 16;
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            [level(index / 36), level(index / 6 % 6), level(index % 6)]
        }
        232..=255 => [8 + 10 * (index - 232); 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::Cost;

    fn looks_of(output: &str) -> Vec<Look> {
        let mut emulator = Emulator::new(8, 2);
        emulator.feed(output, &mut Cost::default(), Cost::MAX);
        looks(&emulator, &Theme::default())
    }

    #[test]
    fn colours_are_those_of_the_theme_the_cube_and_the_greys() {
        let theme = Theme::default();
        let looks = looks_of(
            "\x1b[31ma\x1b[1mb\x1b[0;38;5;196mc\x1b[48;5;244md\x1b[0;38;2;1;2;3me\x1b[7mf\x1b[0;2mg",
        );
        let text: Vec<Rgb> = looks[..7].iter().map(|look| look.foreground).collect();
        let faint = theme.foreground[0] - (theme.foreground[0] - theme.background[0]).div_ceil(3);
        assert_eq!(
            text[..6],
            [theme.palette[1], theme.palette[9], [255, 0, 0], [255, 0, 0], [1, 2, 3], theme.background]
        );
        assert!(text[6][0].abs_diff(faint) <= 1);
        assert_eq!(looks[3].background, [128, 128, 128]);
        assert_eq!(looks[5].background, [1, 2, 3]);
        assert!(looks[1].bold && !looks[2].bold);
    }

    #[test]
    fn marks_go_to_the_character_before_them_and_leave_their_cell_empty() {
        let looks = looks_of("e\u{301}\u{302}\u{303}x漢\u{3099}");
        let told: Vec<_> = looks.iter().map(|look| (look.character, look.width, look.marks)).collect();
        assert_eq!(
            told[..8],
            [
                ('e', 1, ['\u{301}', '\u{302}']),
                (' ', 1, [NONE; 2]),
                (' ', 1, [NONE; 2]),
                (' ', 1, [NONE; 2]),
                ('x', 1, [NONE; 2]),
                ('漢', 2, ['\u{3099}', NONE]),
                (' ', 0, [NONE; 2]),
                (' ', 1, [NONE; 2]),
            ]
        );
        assert_eq!(looks_of("👨\u{200D}x")[2].character, ' ');
    }

    #[test]
    fn the_cursor_is_on_the_last_cell_of_a_full_row_and_on_the_head_of_a_wide_character() {
        let theme = Theme::default();
        let block = |look: &Look| look.background == theme.foreground;
        assert!(block(&looks_of("abcdefgh")[7]));
        let wide = looks_of("漢\x1b[D");
        assert!(block(&wide[0]) && !block(&wide[1]));
        assert_eq!(looks_of("\x1b[6 q")[0].line, Some(CursorLine::Before));
        assert!(looks_of("\x1b[?25l").iter().all(|look| *look == Look::empty(&theme)));
        assert!(
            block(&looks_of("\x1b[30;40m \x1b[D")[0])
                || looks_of("\x1b[30;40m \x1b[D")[0].foreground == theme.background
        );
    }

    #[test]
    fn cells_are_as_large_as_the_picture_allows() {
        let sizes = [(80, 24), (409, 115), (410, 24), (80, 116), (1_000, 24), (1_000, 1_000)].map(cell_size);
        assert_eq!(sizes.map(|size| size.width), [10, 10, 8, 8, 3, 3]);
    }
}
