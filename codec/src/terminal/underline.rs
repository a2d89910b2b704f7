//! The styles of underlines, and how they are drawn.

use crate::geometry::Size;
use std::ops::Range;

/// How the line below a character looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Underline {
    Single,
    Double,
    Curly,
    Dotted,
    Dashed,
}

impl Underline {
    /// The style of a number in SGR (`CSI 4:3 m`), `None` for no line; what nobody has given a style is one line.
    pub(super) fn of(number: u8) -> Option<Self> {
        match number {
            0 => None,
            2 => Some(Self::Double),
            3 => Some(Self::Curly),
            4 => Some(Self::Dotted),
            5 => Some(Self::Dashed),
            _ => Some(Self::Single),
        }
    }

    /// Its number.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Single => 1,
            Self::Double => 2,
            Self::Curly => 3,
            Self::Dotted => 4,
            Self::Dashed => 5,
        }
    }

    /// The rows of ink in a column of a cell. What a column shows depends on its place in its cell alone, so lines of
    /// neighbours join.
    pub(super) fn rows(self, column: usize, cell: Size) -> [Range<usize>; 2] {
        let thin = thickness(cell);
        let line = |top: usize| top..top + thin;
        let bottom = cell.height.saturating_sub(thin);
        let single = bottom.saturating_sub((cell.height / 10).max(1));
        // Parts of a cell's width, from the left.
        let part = |parts: usize| column * parts / cell.width.max(1);
        let is_ink = match self {
            Self::Dotted => part(4).is_multiple_of(2),
            Self::Dashed => matches!(part(6), 0 | 1 | 4 | 5),
            Self::Single | Self::Double | Self::Curly => true,
        };
        match self {
            _ if !is_ink => [0..0, 0..0],
            Self::Single | Self::Dotted | Self::Dashed => [line(single), 0..0],
            Self::Double => {
                let second = bottom.min(single + 2 * thin);
                [line(second.saturating_sub(2 * thin)), line(second)]
            }
            Self::Curly => [line(bottom.saturating_sub(wave(column, cell))), 0..0],
        }
    }
}

/// How thick lines are in cells of a size.
pub(super) fn thickness(cell: Size) -> usize {
    (cell.height / 16).max(1)
}

/// How far a wave that is as long as a cell is wide is above its lowest point.
fn wave(column: usize, cell: Size) -> usize {
    let quarter = (cell.height / 10).max(1);
    let step = (4 * quarter * column / cell.width.max(1) + quarter) % (4 * quarter);
    step.min(4 * quarter - step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: Size = Size { width: 10, height: 20 };

    /// The last rows of two cells side by side, as they are drawn.
    fn drawn(style: Underline, cell: Size) -> Vec<String> {
        let ink = |row: usize, column: usize| {
            let rows = style.rows(column % cell.width, cell);
            if rows.iter().any(|rows| rows.contains(&row)) { '#' } else { '.' }
        };
        let last = cell.height.saturating_sub(6)..cell.height;
        last.map(|row| (0..2 * cell.width).map(|column| ink(row, column)).collect()).collect()
    }

    #[test]
    fn each_style_has_a_shape_of_its_own_and_goes_on_in_the_next_cell() {
        let rows = |pattern: [&str; 6]| pattern.map(|row| row.repeat(2));
        let (none, full) = ("..........", "##########");
        assert_eq!(drawn(Underline::Single, CELL), rows([none, none, none, full, none, none]));
        assert_eq!(drawn(Underline::Double, CELL), rows([none, none, none, full, none, full]));
        assert_eq!(drawn(Underline::Dotted, CELL), rows([none, none, none, "###..###..", none, none]));
        assert_eq!(drawn(Underline::Dashed, CELL), rows([none, none, none, "####...###", none, none]));
        let wave = [none, "...#......", "..#.#.....", "##...##...", ".......#.#", "........#."];
        assert_eq!(drawn(Underline::Curly, CELL), rows(wave));
    }

    #[test]
    fn all_of_them_are_within_cells_of_any_size() {
        for (width, height) in [(10, 20), (8, 16), (6, 12), (3, 6)] {
            let cell = Size { width, height };
            let styles = [
                Underline::Single,
                Underline::Double,
                Underline::Curly,
                Underline::Dotted,
                Underline::Dashed,
            ];
            let drawn = styles.map(|style| drawn(style, cell));
            for column in 0..width {
                for style in styles {
                    assert!(style.rows(column, cell).iter().all(|rows| rows.end <= height), "{style:?}");
                }
            }
            assert!((1..5).all(|other| drawn[other] != drawn[0]), "{cell:?}");
        }
    }
}
