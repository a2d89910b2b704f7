//! Which cells of a picture may differ from the one before.

use super::block::{Block, SUPERBLOCK_CELLS};
use crate::geometry::{Rect, Size};

/// Samples along the side of a cell.
const CELL: usize = 8;

/// Cells that may have changed, and superblocks that hold some.
#[derive(Debug)]
pub(super) struct DamageMap {
    /// Cells of the picture.
    size: Size,
    cells: Vec<bool>,
    superblocks: Vec<bool>,
}

impl DamageMap {
    /// A map of `size` cells without damage.
    pub(super) fn new(size: Size) -> Self {
        let count = |length: usize| length.div_ceil(SUPERBLOCK_CELLS);
        let superblocks = vec![false; count(size.width) * count(size.height)];
        Self { size, cells: vec![false; size.area()], superblocks }
    }

    /// Marks the cells that `area` (in luma samples) touches.
    pub(super) fn add(&mut self, area: Rect) {
        let cells = |start: usize, end: usize, limit: usize| start / CELL..end.div_ceil(CELL).min(limit);
        if area.is_empty() {
            return;
        }
        let columns = cells(area.left, area.right, self.size.width);
        for row in cells(area.top, area.bottom, self.size.height) {
            self.cells[row * self.size.width..][columns.clone()].fill(true);
            for column in columns.clone() {
                let index = self.superblock(row, column);
                self.superblocks[index] = true;
            }
        }
    }

    /// Marks a cell.
    pub(super) fn add_cell(&mut self, row: usize, column: usize) {
        let (left, top) = (CELL * column, CELL * row);
        self.add(Rect { left, top, right: left + CELL, bottom: top + CELL });
    }

    /// Whether a cell may have changed.
    pub(super) fn at(&self, row: usize, column: usize) -> bool {
        row < self.size.height && column < self.size.width && self.cells[row * self.size.width + column]
    }

    /// How many cells may have changed.
    pub(super) fn count(&self) -> usize {
        self.cells.iter().filter(|cell| **cell).count()
    }

    /// Row and column of the cells that may have changed.
    pub(super) fn cells(&self) -> impl Iterator<Item = (usize, usize)> {
        let width = self.size.width;
        let damaged = self.cells.iter().enumerate().filter(|(_, cell)| **cell);
        damaged.map(move |(index, _)| (index / width, index % width))
    }

    /// Whether a cell of the superblock that holds `block` may have changed.
    pub(super) fn touches_superblock(&self, block: Block) -> bool {
        self.superblocks[self.superblock(block.row, block.column)]
    }

    fn superblock(&self, row: usize, column: usize) -> usize {
        row / SUPERBLOCK_CELLS * self.size.width.div_ceil(SUPERBLOCK_CELLS) + column / SUPERBLOCK_CELLS
    }
}
