//! The only tile of a frame, block by block: AV1 specification, sections 5.11.2 to 5.11.5.

use super::block::{Block, BlockSize, Mv, SUPERBLOCK_CELLS};
use super::choice::{Choice, Prediction};
use super::frame_state::FrameState;
use super::mode_map::CellInfo;
use super::palette::{Palette, PaletteKind};
use super::palette_tokens::code_indices;
use super::range_coder::SymbolEncoder;
use super::source::Source;
use crate::geometry::Rect;

/// `PARTITION_NONE` and `PARTITION_SPLIT` (section 6.10.4); no other is used.
const PARTITION_NONE: usize = 0;
const PARTITION_SPLIT: usize = 3;
/// Partitions whose probability goes to the split where the lower half of a block is outside.
const SPLIT_OR_HORZ: [usize; 6] = [2, 3, 4, 6, 7, 9];
/// Partitions whose probability goes to the split where the right half of a block is outside.
const SPLIT_OR_VERT: [usize; 6] = [1, 3, 4, 5, 6, 8];

/// Who decides what becomes of the blocks of a tile.
pub(super) trait Decide {
    /// The blocks of this superblock follow. The superblock itself is not asked about where it must be split.
    fn start_superblock(&mut self, superblock: Block);

    /// What becomes of `block` as a whole; `None` if it is to be split. Only a copy of the picture before may reach
    /// beyond the picture; the smallest block is never split.
    fn decide(&mut self, state: &FrameState, block: Block) -> Option<Choice>;
}

/// Writes the symbols of a tile.
#[derive(Debug)]
pub(super) struct Tile<'a> {
    pub(super) state: &'a mut FrameState,
    pub(super) source: Source<'a>,
    pub(super) symbols: SymbolEncoder,
}

impl<'a> Tile<'a> {
    /// Codes `source` behind the bytes of `head`; returns them all.
    pub(super) fn code(
        state: &'a mut FrameState,
        source: Source<'a>,
        head: Vec<u8>,
        decide: &mut impl Decide,
    ) -> Vec<u8> {
        let cells = state.map.size();
        let mut tile = Self { state, source, symbols: SymbolEncoder::new(head) };
        for row in (0..cells.height).step_by(SUPERBLOCK_CELLS) {
            tile.state.coef_contexts.start_row();
            for column in (0..cells.width).step_by(SUPERBLOCK_CELLS) {
                let superblock = Block { row, column, size: BlockSize::Px64 };
                decide.start_superblock(superblock);
                tile.code_partition(superblock, decide);
            }
        }
        tile.symbols.finish()
    }

    /// `decode_partition` (section 5.11.4).
    fn code_partition(&mut self, block: Block, decide: &mut impl Decide) {
        let cells = self.state.map.size();
        if block.row >= cells.height || block.column >= cells.width {
            return;
        }
        let middle = block.size.cells() / 2;
        // The smallest blocks are always inside: what the specification calls rows and columns comes in pairs.
        let has_rows = block.row + middle < cells.height;
        let has_columns = block.column + middle < cells.width;
        let choice = if has_rows && has_columns { decide.decide(self.state, block) } else { None };
        self.code_partition_symbol(block, has_rows, has_columns, choice.is_none());
        match (choice, block.quarters()) {
            (Some(choice), _) => self.code_block(block, &choice),
            (None, Some(quarters)) => {
                quarters.into_iter().for_each(|quarter| self.code_partition(quarter, decide));
            }
            (None, None) => self.code_block(block, &Choice::mean()),
        }
    }

    /// `partition`, `split_or_horz` and `split_or_vert` (section 8.3.2).
    fn code_partition_symbol(&mut self, block: Block, has_rows: bool, has_columns: bool, split: bool) {
        let smaller = |cell: Option<&CellInfo>| usize::from(cell.is_some_and(|cell| cell.size < block.size));
        let context = 2 * smaller(self.state.map.left(block)) + smaller(self.state.map.above(block));
        let modes = &mut self.state.cdfs.mode;
        let cdf: &mut [u16] = match block.size {
            BlockSize::Px8 => &mut modes.partition_w8[context].0,
            BlockSize::Px16 => &mut modes.partition_w16[context].0,
            BlockSize::Px32 => &mut modes.partition_w32[context].0,
            BlockSize::Px64 => &mut modes.partition_w64[context].0,
        };
        let divides = match (has_rows, has_columns) {
            (true, true) => {
                let symbol = if split { PARTITION_SPLIT } else { PARTITION_NONE };
                return self.symbols.symbol(cdf, symbol);
            }
            (false, true) => SPLIT_OR_HORZ,
            (true, false) => SPLIT_OR_VERT,
            (false, false) => return,
        };
        let last = cdf.len() - 1;
        let up_to = |symbol: usize| if symbol == last { 1 << 15 } else { cdf[symbol] };
        let sum: u16 = divides.iter().map(|symbol| up_to(*symbol) - up_to(symbol - 1)).sum();
        self.symbols.static_symbol(&[(1 << 15) - sum, 0], usize::from(split));
    }

    /// `decode_block` (section 5.11.5).
    fn code_block(&mut self, block: Block, choice: &Choice) {
        let stays = matches!(choice.prediction, Prediction::Inter { mv } if mv == Mv::default());
        if stays && !choice.residual {
            // The picture before is already there.
            self.state.residuals.clear();
        } else {
            self.reconstruct(block, choice);
            let (left, top, side) = (8 * block.column, 8 * block.row, block.size.side());
            self.state.touched.push(Rect { left, top, right: left + side, bottom: top + side });
        }
        let skip = self.state.residuals.are_zero();
        let info = self.code_mode_info(block, choice, skip);
        if let Prediction::Intra { palettes, .. } = &choice.prediction {
            self.code_palette_tokens(block, PaletteKind::Luma, palettes.luma.as_ref());
            self.code_palette_tokens(block, PaletteKind::Chroma, palettes.chroma.as_ref());
        }
        self.state.map.set(block, info);
        if skip {
            self.state.coef_contexts.clear(block);
        } else {
            self.code_residual(block, choice);
        }
    }

    /// `palette_tokens` (section 5.11.49).
    fn code_palette_tokens(&mut self, block: Block, kind: PaletteKind, palette: Option<&Palette>) {
        let Some(palette) = palette else { return };
        self.state.palette_contexts.set(block, kind, palette.colors);
        let side = block.size.side() >> self.state.format.shift(kind.index());
        code_indices(&mut self.symbols, &mut self.state.cdfs.palette.color[kind.index()], palette, side);
    }
}
