//! What a superblock shows, cell by cell, told from the source alone.

use super::block::{Block, Mv, SUPERBLOCK_CELLS};
use super::intra::Square;
use super::mv_coding::whole_mv;
use super::palette::COLORS_MAX;
use super::source::Source;
use crate::geometry::{CopyVector, Rect};

/// Samples along the side of a cell, in luma.
const CELL: usize = 8;

/// The colours of an area, ascending, each but once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Colors {
    colors: [u16; COLORS_MAX],
    count: usize,
}

impl Colors {
    /// The colours of some samples, `None` if they are more than a palette can hold.
    pub(super) fn of(samples: impl Iterator<Item = u16>) -> Option<Self> {
        let mut colors = Self::default();
        let mut last = None;
        for sample in samples {
            if last != Some(sample) {
                last = Some(sample);
                colors = colors.with(sample)?;
            }
        }
        Some(colors)
    }

    fn with(mut self, color: u16) -> Option<Self> {
        let Err(place) = self.as_slice().binary_search(&color) else { return Some(self) };
        if self.count == COLORS_MAX {
            return None;
        }
        self.colors[place..=self.count].rotate_right(1);
        self.colors[place] = color;
        self.count += 1;
        Some(self)
    }

    /// The colours of both, if a palette can hold them.
    pub(super) fn union(self, other: &Self) -> Option<Self> {
        other.as_slice().iter().try_fold(self, |colors, color| colors.with(*color))
    }

    pub(super) fn as_slice(&self) -> &[u16] {
        &self.colors[..self.count]
    }
}

/// Two components of chroma as one colour, in the order of palettes.
pub(super) fn chroma_color(u: u8, v: u8) -> u16 {
    u16::from_be_bytes([u, v])
}

/// What a cell shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    /// What it showed in the picture before.
    Same,
    /// What the picture before showed elsewhere: luma, and chroma too unless it lies between samples there.
    Moved { mv: Mv, chroma_too: bool },
    /// Something new; few colours of luma and of chroma, if they are few.
    New { luma: Option<Colors>, chroma: Option<Colors> },
}

impl Cell {
    /// Whether it shows something new in more colours than a palette holds.
    pub(super) fn is_natural(&self) -> bool {
        matches!(self, Self::New { luma: None, .. })
    }
}

/// Pictures and what is known of their difference.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pictures<'a> {
    pub(super) source: Source<'a>,
    /// The source before, unless this is the first.
    pub(super) before: Option<Source<'a>>,
    /// Areas that probably moved.
    pub(super) copies: &'a [CopyVector],
}

impl Pictures<'_> {
    /// What the cell at `row` and `column` shows.
    pub(super) fn cell(&self, row: usize, column: usize) -> Cell {
        let area = area_of(row, column);
        if let Some(before) = &self.before {
            if (0..3).all(|plane| self.equals(before, plane, area, 0, 0)) {
                return Cell::Same;
            }
            let moved = self.copies_to(area).find(|copy| self.equals(before, 0, area, copy.dx, copy.dy));
            if let Some((copy, mv)) = moved.and_then(|copy| Some((copy, displacement(copy)?))) {
                return Cell::Moved { mv, chroma_too: self.chroma_moved_too(before, area, *copy) };
            }
        }
        Cell::New { luma: self.luma_colors(row, column), chroma: self.chroma_colors(row, column) }
    }

    /// Whether the luma of a cell is neither what it was in `before` nor what a hint says.
    pub(super) fn is_new(&self, before: &Source<'_>, row: usize, column: usize) -> bool {
        let area = area_of(row, column);
        !self.equals(before, 0, area, 0, 0)
            && !self.copies_to(area).any(|copy| self.equals(before, 0, area, copy.dx, copy.dy))
    }

    /// The few colours of chroma of a block of one cell.
    pub(super) fn cell_chroma(&self, block: Block) -> Option<Colors> {
        self.chroma_colors(block.row, block.column)
    }

    /// The hints whose target touches `area`.
    pub(super) fn copies_to(&self, area: Rect) -> impl Iterator<Item = &CopyVector> {
        self.copies.iter().filter(move |copy| !copy.to.intersection(&area).is_empty())
    }

    /// Whether `area` (in luma samples) of a plane equals that of `before` from which it moved by `dx` and `dy` samples
    /// of the plane.
    pub(super) fn equals(&self, before: &Source<'_>, plane: usize, area: Rect, dx: i32, dy: i32) -> bool {
        let shift = self.source.format.shift(plane);
        let size = self.source.format.plane_size(plane);
        let (left, right) = (area.left >> shift, (area.right >> shift).min(size.width));
        let (top, bottom) = (area.top >> shift, (area.bottom >> shift).min(size.height));
        let from = |at: usize, length: usize, by: i32, limit: usize| {
            let start = at.checked_add_signed(isize::try_from(-i64::from(by)).ok()?)?;
            (start + length <= limit).then_some(start)
        };
        let Some(from_left) = from(left, right - left, dx, size.width) else { return false };
        let Some(from_top) = from(top, bottom - top, dy, size.height) else { return false };
        let (new, old) = (self.source.planes[plane], before.planes[plane]);
        (0..bottom - top).all(|y| {
            let to = (top + y) * size.width + left;
            let from = (from_top + y) * size.width + from_left;
            are_equal(&new[to..to + right - left], &old[from..from + right - left])
        })
    }

    /// Whether chroma equals that before on both sides of where a copy points to, so that what lies between does.
    fn chroma_moved_too(&self, before: &Source<'_>, area: Rect, copy: CopyVector) -> bool {
        let sides = |by: i32, plane: usize| {
            let shift = self.source.format.shift(plane);
            let round = (1 << shift) - 1;
            by >> shift..=by.saturating_add(round) >> shift
        };
        (1..3).all(|plane| {
            let (mut columns, rows) = (sides(copy.dx, plane), sides(copy.dy, plane));
            columns.all(|dx| rows.clone().all(|dy| self.equals(before, plane, area, dx, dy)))
        })
    }

    fn luma_colors(&self, row: usize, column: usize) -> Option<Colors> {
        let mut samples = [0; CELL * CELL];
        self.source.load(0, Square { x: CELL * column, y: CELL * row, side: CELL }, &mut samples);
        Colors::of(samples.iter().map(|sample| u16::from(*sample)))
    }

    fn chroma_colors(&self, row: usize, column: usize) -> Option<Colors> {
        let side = CELL >> self.source.format.shift(1);
        let square = Square { x: side * column, y: side * row, side };
        let mut samples = [[0; CELL * CELL]; 2];
        for (plane, samples) in (1..).zip(&mut samples) {
            self.source.load(plane, square, &mut samples[..side * side]);
        }
        Colors::of(samples[0].iter().zip(&samples[1]).take(side * side).map(|(u, v)| chroma_color(*u, *v)))
    }
}

/// Whether two rows of as many samples are equal. Those of cells are one number each, which costs less than a call.
#[inline]
fn are_equal(a: &[u8], b: &[u8]) -> bool {
    if let (Ok(a), Ok(b)) = (<[u8; CELL]>::try_from(a), <[u8; CELL]>::try_from(b)) {
        return a == b;
    }
    if let (Ok(a), Ok(b)) = (<[u8; CELL / 2]>::try_from(a), <[u8; CELL / 2]>::try_from(b)) {
        return a == b;
    }
    a == b
}

/// The samples of a cell in luma; the last ones may lie outside of the picture.
pub(super) fn area_of(row: usize, column: usize) -> Rect {
    Rect { left: CELL * column, top: CELL * row, right: CELL * (column + 1), bottom: CELL * (row + 1) }
}

/// The vector that points to where the samples of a copy were.
pub(super) fn displacement(copy: &CopyVector) -> Option<Mv> {
    whole_mv(copy.dx.checked_neg()?, copy.dy.checked_neg()?)
}

/// The cells of a superblock, row by row. Those outside of the picture are the same as before.
pub(super) type Cells = [Cell; SUPERBLOCK_CELLS * SUPERBLOCK_CELLS];

/// The cells of `block` among those of its superblock.
pub(super) fn cells_of(cells: &Cells, block: Block) -> impl Iterator<Item = &Cell> + Clone {
    let first = block.row % SUPERBLOCK_CELLS * SUPERBLOCK_CELLS + block.column % SUPERBLOCK_CELLS;
    let side = block.size.cells();
    cells[first..].chunks(SUPERBLOCK_CELLS).take(side).flat_map(move |row| &row[..side])
}
