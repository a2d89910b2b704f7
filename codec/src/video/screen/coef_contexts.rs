//! What transform blocks know of those above and to the left: AV1 specification, section 8.3.2.

use super::block::{Block, SUPERBLOCK};
use super::coefs::CoefSummary;
use super::format::Format;
use super::intra::Square;

/// Samples that share a context.
const UNIT: usize = 4;

/// `AboveLevelContext`, `AboveDcContext`, `LeftLevelContext` and `LeftDcContext`.
#[derive(Debug)]
pub(super) struct CoefContexts {
    format: Format,
    /// For each plane, by column in the picture.
    above: [Vec<CoefSummary>; 3],
    /// For each plane, by row in the row of superblocks.
    left: [[CoefSummary; SUPERBLOCK / UNIT]; 3],
}

impl CoefContexts {
    /// Contexts at the start of a tile.
    pub(super) fn new(format: Format) -> Self {
        let above = [0, 1, 2].map(|plane| {
            let columns = format.size.width.next_multiple_of(SUPERBLOCK) >> format.shift(plane);
            vec![CoefSummary::default(); columns / UNIT]
        });
        Self { format, above, left: Default::default() }
    }

    /// `clear_above_context`.
    pub(super) fn start_tile(&mut self) {
        self.above.iter_mut().for_each(|above| above.fill(CoefSummary::default()));
    }

    /// `clear_left_context`.
    pub(super) fn start_row(&mut self) {
        self.left = Default::default();
    }

    /// `reset_block_context` (section 5.11.5).
    pub(super) fn clear(&mut self, block: Block) {
        for plane in 0..3 {
            let shift = self.format.shift(plane);
            let square = Square {
                x: (8 * block.column) >> shift,
                y: (8 * block.row) >> shift,
                side: block.size.side() >> shift,
            };
            self.set(plane, square, CoefSummary::default());
        }
    }

    /// Keeps what was coded for a transform block.
    pub(super) fn set(&mut self, plane: usize, square: Square, summary: CoefSummary) {
        let units = square.side / UNIT;
        self.above[plane][square.x / UNIT..][..units].fill(summary);
        let row = self.left_row(plane, square);
        self.left[plane][row..][..units].fill(summary);
    }

    /// The context of `all_zero` for a transform block of a block whose side, in the plane, is `block_side`.
    pub(super) fn all_zero(&self, plane: usize, square: Square, block_side: usize) -> usize {
        let (above, left) = self.neighbours(plane, square);
        if plane > 0 {
            let any = |summaries: &[CoefSummary]| {
                usize::from(summaries.iter().any(|summary| *summary != CoefSummary::default()))
            };
            let inside_larger = if block_side > square.side { 3 } else { 0 };
            return 7 + any(above) + any(left) + inside_larger;
        }
        if block_side == square.side {
            return 0;
        }
        let most =
            |summaries: &[CoefSummary]| summaries.iter().map(|summary| summary.level).max().unwrap_or(0);
        let (above, left) = (most(above), most(left));
        let (low, high) = (above.min(left), above.max(left));
        match (low, high) {
            (0, 0) => 1,
            (0, 1..=3) => 2,
            (0, 4..) => 3,
            (_, ..=3) => 4,
            (..=3, _) => 5,
            _ => 6,
        }
    }

    /// The context of `dc_sign`.
    pub(super) fn dc_sign(&self, plane: usize, square: Square) -> usize {
        let (above, left) = self.neighbours(plane, square);
        let count = |dc: u8| above.iter().chain(left).filter(|summary| summary.dc == dc).count();
        match count(2).cmp(&count(1)) {
            std::cmp::Ordering::Less => 1,
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => 2,
        }
    }

    fn neighbours(&self, plane: usize, square: Square) -> (&[CoefSummary], &[CoefSummary]) {
        let units = square.side / UNIT;
        let above = &self.above[plane][square.x / UNIT..][..units];
        (above, &self.left[plane][self.left_row(plane, square)..][..units])
    }

    fn left_row(&self, plane: usize, square: Square) -> usize {
        square.y % (SUPERBLOCK >> self.format.shift(plane)) / UNIT
    }
}
