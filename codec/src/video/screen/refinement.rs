//! What stays is looked at longest: where the coded picture is rough and nothing changes for a while, it is coded again
//! with a finer quantizer, as long as that stays a part of the bytes of the segment.

use super::block::{Block, BlockSize, Mv, SUPERBLOCK_CELLS};
use super::choice::{Choice, Prediction};
use super::cost::{Cost, cheapest_transform};
use super::damage::DamageMap;
use super::frame_state::FrameState;
use super::inter;
use super::intra::Square;
use super::planes::Planes;
use super::source::Source;
use super::tile::Decide;
use crate::geometry::{Rect, Size};

/// A superblock in which nothing was coded for this long stays.
const STILL_MS: i64 = 1_000;
/// A cell is rough when the sum of its squared errors, over all planes, is larger.
const ROUGH_ERROR: u32 = 24;
/// Refinements stop while they have more than one part in so many of the bytes of all other frames.
const BYTES_PART: usize = 2;
/// Samples along the side of a cell, in luma.
const CELL: usize = 8;

/// Where the coded picture is rough, and since when.
#[derive(Debug)]
pub(super) struct Refinement {
    /// Cells of the picture.
    size: Size,
    rough: Vec<bool>,
    /// When something was coded in each superblock last, if it has rough cells.
    coded_ms: Vec<Option<i64>>,
    /// When a frame was coded last.
    frame_ms: i64,
    /// When rough cells were refined last.
    refined_ms: Option<i64>,
    /// Bytes of refinements, and of other frames.
    refined_bytes: usize,
    other_bytes: usize,
}

/// A frame that was coded and is no refinement.
#[derive(Debug, Clone, Copy)]
pub(super) struct CodedFrame<'a> {
    pub(super) at_ms: i64,
    pub(super) bytes: usize,
    /// Areas that were coded, in luma samples, whole cells.
    pub(super) touched: &'a [Rect],
    pub(super) source: Source<'a>,
    pub(super) shown: &'a Planes,
}

impl Refinement {
    /// Nothing is rough in a picture of `size` cells.
    pub(super) fn new(size: Size) -> Self {
        let count = |length: usize| length.div_ceil(SUPERBLOCK_CELLS);
        Self {
            size,
            rough: vec![false; size.area()],
            coded_ms: vec![None; count(size.width) * count(size.height)],
            frame_ms: 0,
            refined_ms: None,
            refined_bytes: 0,
            other_bytes: 0,
        }
    }

    /// Looks at what was coded.
    pub(super) fn follow(&mut self, frame: &CodedFrame<'_>) {
        let at_ms = frame.at_ms;
        self.frame_ms = at_ms;
        self.other_bytes += frame.bytes;
        for area in frame.touched {
            let columns = area.left / CELL..(area.right / CELL).min(self.size.width);
            for row in area.top / CELL..(area.bottom / CELL).min(self.size.height) {
                for column in columns.clone() {
                    self.rough[row * self.size.width + column] = frame.is_rough(row, column);
                    let superblock = self.superblock(row, column);
                    self.coded_ms[superblock] = Some(at_ms);
                }
            }
        }
        for superblock in 0..self.coded_ms.len() {
            if self.coded_ms[superblock] == Some(at_ms) && self.rough_cells(superblock).next().is_none() {
                self.coded_ms[superblock] = None;
            }
        }
    }

    /// When rough cells will have stayed long enough: behind the last frame.
    pub(super) fn due_ms(&self) -> Option<i64> {
        if self.refined_bytes > self.other_bytes / BYTES_PART {
            return None;
        }
        let still_ms = self.coded_ms.iter().flatten().min()?.saturating_add(STILL_MS);
        let refined_ms = self.refined_ms.map_or(still_ms, |at_ms| at_ms.saturating_add(STILL_MS));
        Some(still_ms.max(refined_ms).max(self.frame_ms.saturating_add(1)))
    }

    /// The rough cells that have stayed long enough at `at_ms`; they count as refined.
    pub(super) fn take(&mut self, at_ms: i64) -> DamageMap {
        let mut map = DamageMap::new(self.size);
        for superblock in 0..self.coded_ms.len() {
            if self.coded_ms[superblock].is_some_and(|coded_ms| coded_ms.saturating_add(STILL_MS) <= at_ms) {
                let cells: Vec<_> = self.rough_cells(superblock).collect();
                for (row, column) in cells {
                    self.rough[row * self.size.width + column] = false;
                    map.add_cell(row, column);
                }
                self.coded_ms[superblock] = None;
            }
        }
        (self.frame_ms, self.refined_ms) = (at_ms, Some(at_ms));
        map
    }

    /// Counts the bytes of a refinement.
    pub(super) fn count(&mut self, bytes: usize) {
        self.refined_bytes += bytes;
    }

    fn superblocks_wide(&self) -> usize {
        self.size.width.div_ceil(SUPERBLOCK_CELLS)
    }

    fn superblock(&self, row: usize, column: usize) -> usize {
        row / SUPERBLOCK_CELLS * self.superblocks_wide() + column / SUPERBLOCK_CELLS
    }

    fn rough_cells(&self, superblock: usize) -> impl Iterator<Item = (usize, usize)> {
        let top = superblock / self.superblocks_wide() * SUPERBLOCK_CELLS;
        let left = superblock % self.superblocks_wide() * SUPERBLOCK_CELLS;
        let rows = top..(top + SUPERBLOCK_CELLS).min(self.size.height);
        let columns = left..(left + SUPERBLOCK_CELLS).min(self.size.width);
        rows.flat_map(move |row| columns.clone().map(move |column| (row, column)))
            .filter(|(row, column)| self.rough[row * self.size.width + column])
    }
}

impl CodedFrame<'_> {
    /// Whether a cell is shown far from its source.
    fn is_rough(&self, row: usize, column: usize) -> bool {
        let mut error = 0;
        for (plane, shown) in self.shown.planes.iter().enumerate() {
            let side = CELL >> self.source.format.shift(plane);
            let (left, top) = (side * column, side * row);
            let width = side.min(shown.size.width - left);
            for y in top..(top + side).min(shown.size.height) {
                let source = &self.source.planes[plane][y * shown.size.width + left..][..width];
                let shown = shown.row(y, left, width);
                error += squared_error(source, shown);
            }
        }
        error > ROUGH_ERROR
    }
}

/// The sum of squared differences of two rows of as many samples; those of whole cells take a few instructions.
fn squared_error(a: &[u8], b: &[u8]) -> u32 {
    let sum = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum();
    match (<&[u8; CELL]>::try_from(a), <&[u8; CELL]>::try_from(b)) {
        (Ok(a), Ok(b)) => sum(a, b),
        _ => sum(a, b),
    }
}

/// Codes what is missing from some cells, and nothing else.
#[derive(Debug)]
pub(super) struct Refine<'a> {
    pub(super) source: Source<'a>,
    pub(super) cells: &'a DamageMap,
}

impl Decide for Refine<'_> {
    fn start_superblock(&mut self, _: Block) {}

    fn decide(&mut self, state: &FrameState, block: Block) -> Option<Choice> {
        let side = block.size.cells();
        let rows = block.row..block.row + side;
        let is_rough =
            |row: usize| (block.column..block.column + side).any(|column| self.cells.at(row, column));
        if !self.cells.touches_superblock(block) || !rows.clone().any(is_rough) {
            return Some(Choice::copy(Mv::default()));
        }
        if block.size > BlockSize::Px8 {
            return None;
        }
        let square = Square { x: CELL * block.column, y: CELL * block.row, side: CELL };
        let (mut samples, mut prediction) = ([0; CELL * CELL], [0; CELL * CELL]);
        self.source.load(0, square, &mut samples);
        inter::predict(&state.reference.planes[0], square, Mv::default(), 0, &mut prediction);
        let cost = Cost::new(state.quantizer);
        let priced = cheapest_transform(&cost, state.quantizer, &samples, &prediction);
        let prediction = Prediction::Inter { mv: Mv::default() };
        Some(Choice { prediction, tx_type: priced.tx_type, residual: true })
    }
}

#[cfg(test)]
mod tests;
