//! Which choice codes a block best: exactly where that is cheap, else by distortion and an estimate of bits.

use super::analysis::{Cell, Cells, Colors, Pictures, cells_of, chroma_color, displacement};
use super::block::{Block, BlockSize, IntraMode, Mv, SUPERBLOCK, SUPERBLOCK_CELLS, TxSize};
use super::choice::{Choice, Palettes, Prediction};
use super::cost::{Cost, cheapest_transform, sum_of_differences};
use super::damage::DamageMap;
use super::frame_state::FrameState;
use super::inter;
use super::intra::{Edges, Square};
use super::palette::{COLORS_MAX, Palette};
use super::tile::Decide;
use crate::geometry::Rect;

/// Palettes of parts are merged when the union has at most this many colours ...
const MERGED_COLORS: usize = 4;
/// ... or exceeds the largest part by at most this many.
const MERGED_COLORS_MORE: usize = 1;
/// Samples of luma of the smallest block.
const SMALLEST_AREA: usize = 8 * 8;
/// Hints that are tried for one block.
const COPIES_TRIED_MAX: usize = 4;
/// Modes that may predict an area exactly, cheapest first.
const EXACT_MODES: [IntraMode; 3] = [IntraMode::Dc, IntraMode::Vertical, IntraMode::Horizontal];

/// Decides for one frame.
#[derive(Debug)]
pub(super) struct FrameDecisions<'a> {
    pictures: Pictures<'a>,
    damage: &'a DamageMap,
    /// Of the superblock that is decided.
    cells: Cells,
    natural_cells: usize,
}

impl<'a> FrameDecisions<'a> {
    /// Decides what `pictures` show; only what `damage` marks may differ from the picture before.
    pub(super) fn new(pictures: Pictures<'a>, damage: &'a DamageMap) -> Self {
        let cells = [Cell::Same; SUPERBLOCK_CELLS * SUPERBLOCK_CELLS];
        Self { pictures, damage, cells, natural_cells: 0 }
    }

    /// Pixels that are new and belong to cells of many colours, in the superblocks that were decided.
    pub(super) fn natural_pixels(&self) -> usize {
        self.natural_cells * SMALLEST_AREA
    }

    /// The choice for a block that shows something new, if all of it is alike enough.
    fn new_block(&self, state: &FrameState, block: Block) -> Option<Choice> {
        let site = Site { pictures: &self.pictures, state, block };
        let few = self.common_colors(block);
        match few {
            Some((luma, chroma)) => Some(site.flat(&luma, chroma.as_ref())),
            None if block.size == BlockSize::Px8 => match cells_of(&self.cells, block).next() {
                Some(Cell::New { luma: Some(luma), chroma }) => Some(site.flat(luma, chroma.as_ref())),
                _ => Some(site.natural()),
            },
            None => None,
        }
    }

    /// The few colours of luma, and of chroma if they are few too, of a block whose parts have about the same.
    fn common_colors(&self, block: Block) -> Option<(Colors, Option<Colors>)> {
        let mut all = (Colors::default(), Some(Colors::default()));
        let (mut most_luma, mut most_chroma) = (0, 0);
        for cell in cells_of(&self.cells, block) {
            let Cell::New { luma: Some(luma), chroma } = cell else { return None };
            all.0 = all.0.union(luma)?;
            all.1 = all.1.zip(*chroma).and_then(|(all, chroma)| all.union(&chroma));
            most_luma = most_luma.max(luma.as_slice().len());
            most_chroma = most_chroma.max(chroma.map_or(COLORS_MAX, |chroma| chroma.as_slice().len()));
        }
        let alike =
            |all: &Colors, most: usize| all.as_slice().len() <= MERGED_COLORS.max(most + MERGED_COLORS_MORE);
        let chroma_alike = all.1.is_some_and(|chroma| alike(&chroma, most_chroma));
        let smallest = block.size == BlockSize::Px8;
        (smallest || alike(&all.0, most_luma) && chroma_alike).then_some(all)
    }
}

impl Decide for FrameDecisions<'_> {
    fn start_superblock(&mut self, superblock: Block) {
        if !self.damage.touches_superblock(superblock) {
            self.cells.fill(Cell::Same);
            return;
        }
        let cells = self.cells.chunks_exact_mut(SUPERBLOCK_CELLS).zip(superblock.row..);
        for (cells, row) in cells {
            for (cell, column) in cells.iter_mut().zip(superblock.column..) {
                *cell =
                    if self.damage.at(row, column) { self.pictures.cell(row, column) } else { Cell::Same };
            }
        }
        self.natural_cells += self.cells.iter().filter(|cell| cell.is_natural()).count();
    }

    fn decide(&mut self, state: &FrameState, block: Block) -> Option<Choice> {
        let cells = cells_of(&self.cells, block);
        let first = *cells.clone().next()?;
        if cells.clone().all(|cell| *cell == Cell::Same) {
            return Some(Choice::copy(Mv::default()));
        }
        if !state.map.holds(block) {
            return None;
        }
        match first {
            Cell::Moved { mv, .. } => {
                let moves_too = |cell: &Cell| matches!(cell, Cell::Moved { mv: other, .. } if *other == mv);
                if !cells.clone().all(moves_too) {
                    return None;
                }
                let residual =
                    cells.clone().any(|cell| matches!(cell, Cell::Moved { chroma_too: false, .. }));
                // The largest blocks have no residuals.
                let possible = !residual || block.size < BlockSize::Px64;
                possible.then_some(Choice { residual, ..Choice::copy(mv) })
            }
            Cell::Same => None,
            Cell::New { .. } => self.new_block(state, block),
        }
    }
}

/// A block whose choice is made.
#[derive(Debug, Clone, Copy)]
struct Site<'a> {
    pictures: &'a Pictures<'a>,
    state: &'a FrameState,
    block: Block,
}

impl Site<'_> {
    fn square(&self, plane: usize) -> Square {
        let shift = self.state.format.shift(plane);
        Square {
            x: (8 * self.block.column) >> shift,
            y: (8 * self.block.row) >> shift,
            side: self.block.size.side() >> shift,
        }
    }

    /// A block with few colours of luma, which it then shows exactly.
    fn flat(&self, luma: &Colors, chroma: Option<&Colors>) -> Choice {
        let mut palettes = Palettes::default();
        let luma_mode = self.exact_mode(0..1).unwrap_or_else(|| {
            palettes.luma = Some(self.palette(0, luma));
            IntraMode::Dc
        });
        let (chroma_mode, residual) = self.chroma(chroma, &mut palettes);
        let prediction = Prediction::Intra { luma: luma_mode, chroma: chroma_mode, palettes };
        Choice { prediction, residual, ..Choice::copy(Mv::default()) }
    }

    /// How an intra block shows its chroma, and whether that takes a residual.
    fn chroma(&self, colors: Option<&Colors>, palettes: &mut Palettes) -> (IntraMode, bool) {
        if let Some(mode) = self.exact_mode(1..3) {
            return (mode, false);
        }
        palettes.chroma = colors.map(|colors| self.palette(1, colors));
        (IntraMode::Dc, colors.is_none())
    }

    /// A mode that predicts the block in all of `planes` exactly.
    fn exact_mode(&self, planes: std::ops::Range<usize>) -> Option<IntraMode> {
        let first = self.square(planes.start);
        let mut modes = EXACT_MODES.to_vec();
        // In parts, as large chroma and lossless blocks are predicted, each has a mean of its own.
        if self.state.header.lossless() || planes.start > 0 && first.side > TxSize::Px32.side() {
            modes.retain(|mode| *mode != IntraMode::Dc);
        }
        for plane in planes {
            let square = self.square(plane);
            let mut samples = [0; SUPERBLOCK * SUPERBLOCK];
            let samples = &mut samples[..square.side * square.side];
            self.pictures.source.load(plane, square, samples);
            let edges = Edges::of(&self.state.current.planes[plane], square);
            modes.retain(|mode| edges.predict_exactly(*mode, samples));
            if modes.is_empty() {
                break;
            }
        }
        modes.first().copied()
    }

    /// The palette of `colors` for the planes of luma (0) or chroma (1).
    fn palette(&self, plane: usize, colors: &Colors) -> Palette {
        let square = self.square(plane);
        let area = square.side * square.side;
        let mut samples = [vec![0; area], vec![0; if plane > 0 { area } else { 0 }]];
        self.pictures.source.load(plane, square, &mut samples[0]);
        if plane > 0 {
            self.pictures.source.load(plane + 1, square, &mut samples[1]);
        }
        let color = |at: usize| {
            if plane == 0 { u16::from(samples[0][at]) } else { chroma_color(samples[0][at], samples[1][at]) }
        };
        Palette::new(colors.as_slice(), plane > 0, (0..area).map(color))
    }

    /// A block of the smallest size with many colours: the best prediction, and what is missing from it.
    fn natural(&self) -> Choice {
        let square = self.square(0);
        let mut samples = [0; SMALLEST_AREA];
        let samples = &mut samples;
        self.pictures.source.load(0, square, samples);
        let edges = Edges::of(&self.state.current.planes[0], square);
        let mut best = Best { difference: u32::MAX, prediction: None, samples: [0; SMALLEST_AREA] };
        let mut trial = [0; SMALLEST_AREA];
        let trial = &mut trial;
        let cost = Cost::new(self.state.quantizer);
        for mode in IntraMode::ALL {
            edges.predict(mode, trial);
            let bits = if mode == IntraMode::Dc { 2 } else { 4 };
            best.offer(sum_of_differences(samples, trial) + cost.difference_of(bits), trial, || {
                Prediction::Intra { luma: mode, chroma: IntraMode::Dc, palettes: Palettes::default() }
            });
        }
        for (mv, bits) in self.vectors() {
            inter::predict(&self.state.reference.planes[0], square, mv, 0, trial);
            best.offer(sum_of_differences(samples, trial) + cost.difference_of(bits), trial, || {
                Prediction::Inter { mv }
            });
        }
        let quantizer = self.state.quantizer;
        let mut priced = cheapest_transform(&cost, quantizer, samples, &best.samples);
        if let Some(palette) = Palette::nearest(samples) {
            for (sample, index) in trial.iter_mut().zip(&palette.indices) {
                *sample = palette.colors[usize::from(*index)];
            }
            let mut other = cheapest_transform(&cost, quantizer, samples, trial);
            other.price += cost.of_palette(&palette);
            if other.price < priced.price {
                priced = other;
                let palettes = Palettes { luma: Some(palette), chroma: None };
                best.prediction =
                    Some(Prediction::Intra { luma: IntraMode::Dc, chroma: IntraMode::Dc, palettes });
            }
        }
        let mut prediction = best.prediction.unwrap_or(Prediction::Inter { mv: Mv::default() });
        if let Prediction::Intra { chroma, palettes, .. } = &mut prediction {
            let colors = self.pictures.cell_chroma(self.block);
            (*chroma, _) = self.chroma(colors.as_ref(), palettes);
        }
        Choice { prediction, tx_type: priced.tx_type, residual: true }
    }

    /// Vectors that may predict the block, and about how many bits they cost.
    fn vectors(&self) -> impl Iterator<Item = (Mv, u32)> {
        let (left, top, side) = (8 * self.block.column, 8 * self.block.row, self.block.size.side());
        let area = Rect { left, top, right: left + side, bottom: top + side };
        let moved =
            self.pictures.copies_to(area).filter_map(displacement).map(|mv| (mv, 12)).take(COPIES_TRIED_MAX);
        let all = std::iter::once((Mv::default(), 2)).chain(moved);
        all.filter(|_| !self.state.header.key)
    }
}

/// The best prediction so far.
struct Best {
    difference: u32,
    prediction: Option<Prediction>,
    samples: [u8; SMALLEST_AREA],
}

impl Best {
    fn offer(
        &mut self,
        difference: u32,
        samples: &[u8; SMALLEST_AREA],
        prediction: impl FnOnce() -> Prediction,
    ) {
        if difference < self.difference {
            self.difference = difference;
            self.prediction = Some(prediction());
            self.samples = *samples;
        }
    }
}

#[cfg(test)]
mod tests;
