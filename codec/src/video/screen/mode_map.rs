//! What was chosen for the blocks of a frame, as later blocks look it up: AV1 specification, section 5.11.5.

use super::block::{Block, BlockSize, IntraMode, Mv, SUPERBLOCK_CELLS};
use crate::geometry::Size;

/// What is kept of the block that covers a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CellInfo {
    /// `MiSizes`.
    pub(super) size: BlockSize,
    /// `IsInters`.
    pub(super) is_inter: bool,
    /// `Skips`.
    pub(super) skip: bool,
    /// Whether the vector was coded as `NEWMV`.
    pub(super) new_mv: bool,
    /// `YModes` of an intra block.
    pub(super) y_mode: IntraMode,
    /// `PaletteSizes` of luma and chroma.
    pub(super) palette_sizes: [u8; 2],
    /// `Mvs`.
    pub(super) mv: Mv,
}

/// The cells of a frame.
#[derive(Debug)]
pub(super) struct ModeMap {
    /// Cells that the picture reaches into.
    size: Size,
    /// Cells are kept up to the end of the last superblocks, so that blocks may reach beyond the picture.
    stride: usize,
    cells: Vec<CellInfo>,
}

impl ModeMap {
    /// A map of `size` cells.
    pub(super) fn new(size: Size) -> Self {
        let stride = size.width.next_multiple_of(SUPERBLOCK_CELLS);
        let rows = size.height.next_multiple_of(SUPERBLOCK_CELLS);
        Self { size, stride, cells: vec![CellInfo::default(); stride * rows] }
    }

    /// Cells that the picture reaches into.
    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// The cell at `row` and `column`.
    pub(super) fn at(&self, row: usize, column: usize) -> &CellInfo {
        &self.cells[row * self.stride + column]
    }

    /// The cell above the top left one of `block`.
    pub(super) fn above(&self, block: Block) -> Option<&CellInfo> {
        Some(self.at(block.row.checked_sub(1)?, block.column))
    }

    /// The cell to the left of the top left one of `block`.
    pub(super) fn left(&self, block: Block) -> Option<&CellInfo> {
        Some(self.at(block.row, block.column.checked_sub(1)?))
    }

    /// Whether no cell of `block` lies outside of the picture.
    pub(super) fn holds(&self, block: Block) -> bool {
        let side = block.size.cells();
        block.row + side <= self.size.height && block.column + side <= self.size.width
    }

    /// Keeps what was chosen for `block`.
    pub(super) fn set(&mut self, block: Block, info: CellInfo) {
        let side = block.size.cells();
        for row in self.cells[block.row * self.stride..].chunks_mut(self.stride).take(side) {
            row[block.column..block.column + side].fill(info);
        }
    }
}
