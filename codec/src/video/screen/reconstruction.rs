//! What decoders make of a block, and the residuals that lead there: AV1 specification, sections 5.11.33 to 5.11.38
//! and 7.12.3.

use super::block::{Block, BlockSize, IntraMode, SUPERBLOCK, TxSize, TxType};
use super::choice::{Choice, Palettes, Prediction};
use super::coefs::{CoefSummary, Levels};
use super::forward_transform::{forward_transform, forward_wht};
use super::frame_state::FrameState;
use super::inter;
use super::intra::{Edges, Square};
use super::inverse_transform::{inverse_transform, inverse_wht};
use super::planes::Plane;
use super::quantizer::{Quantizer, end_of};
use super::source::Source;
use super::tile::Tile;

/// Samples of the largest transform block.
const TX_AREA_MAX: usize = 32 * 32;
/// Samples of the transform block that is used most.
const TX_AREA_SMALL: usize = 8 * 8;

/// The only step of quantizer index 0.
const LOSSLESS_STEP: i32 = 4;

/// A transform block and where its levels are.
#[derive(Debug, Clone, Copy)]
struct TxBlock {
    plane: usize,
    square: Square,
    size: TxSize,
    eob: usize,
    /// Its first level in [`Residuals::levels`].
    start: usize,
}

/// The quantized residuals of one block.
#[derive(Debug, Default)]
pub(super) struct Residuals {
    blocks: Vec<TxBlock>,
    levels: Vec<i32>,
}

impl Residuals {
    /// Forgets those of the block before.
    pub(super) fn clear(&mut self) {
        self.blocks.clear();
        self.levels.clear();
    }

    /// Whether there is nothing to code.
    pub(super) fn are_zero(&self) -> bool {
        self.blocks.iter().all(|block| block.eob == 0)
    }
}

/// How residuals of a plane become levels.
#[derive(Debug, Clone, Copy)]
enum Coding {
    Lossless,
    Lossy(TxType),
    /// All levels are zero.
    Zero,
}

impl Tile<'_> {
    /// Predicts `block`, adds what its residuals become, and keeps their levels.
    pub(super) fn reconstruct(&mut self, block: Block, choice: &Choice) {
        let state = &mut *self.state;
        state.residuals.clear();
        for plane in 0..3 {
            let shift = state.format.shift(plane);
            let whole = Square {
                x: (8 * block.column) >> shift,
                y: (8 * block.row) >> shift,
                side: block.size.side() >> shift,
            };
            let coding = state.coding(plane, block, choice);
            match &choice.prediction {
                Prediction::Inter { mv } => {
                    let current = &mut state.current.planes[plane];
                    inter::predict_in(current, &state.reference.planes[plane], whole, *mv, shift);
                    if let Some(coding) = coding {
                        let unit = state.tx_side(whole.side);
                        for square in squares(whole, unit) {
                            state.add_residual(&self.source, plane, square, coding);
                        }
                    }
                }
                Prediction::Intra { luma, chroma, palettes } => {
                    let mode = if plane == 0 { *luma } else { *chroma };
                    // Luma of the largest blocks is predicted whole, chroma in parts that can be transformed.
                    let unit = match (plane, state.header.lossless()) {
                        (0, false) => whole.side,
                        _ => state.tx_side(whole.side),
                    };
                    for square in squares(whole, unit) {
                        state.predict_intra(plane, whole, square, mode, palettes);
                        if let Some(coding) = coding {
                            state.add_residual(&self.source, plane, square, coding);
                        }
                    }
                }
            }
        }
    }

    /// `residual` (section 5.11.34).
    pub(super) fn code_residual(&mut self, block: Block, choice: &Choice) {
        let residuals = std::mem::take(&mut self.state.residuals);
        for tx in &residuals.blocks {
            let block_side = block.size.side() >> self.state.format.shift(tx.plane);
            let contexts = &mut self.state.coef_contexts;
            let all_zero = contexts.all_zero(tx.plane, tx.square, block_side);
            let cdfs = &mut self.state.cdfs.coef;
            self.symbols.flag(&mut cdfs.txb_skip[tx.size.number()][all_zero], tx.eob == 0);
            if tx.eob == 0 {
                contexts.set(tx.plane, tx.square, CoefSummary::default());
                continue;
            }
            let dc_sign_context = contexts.dc_sign(tx.plane, tx.square);
            if tx.plane == 0 && !self.state.header.lossless() {
                self.code_tx_type(tx.size, choice);
            }
            let levels = Levels {
                size: tx.size,
                plane_type: tx.plane.min(1),
                levels: &residuals.levels[tx.start..tx.start + tx.size.area()],
                eob: tx.eob,
                dc_sign_context,
            };
            let summary = levels.code(&mut self.symbols, &mut self.state.cdfs.coef);
            self.state.coef_contexts.set(tx.plane, tx.square, summary);
        }
        self.state.residuals = residuals;
    }

    /// `transform_type` with `reduced_tx_set` (sections 5.11.47 and 5.11.48).
    fn code_tx_type(&mut self, size: TxSize, choice: &Choice) {
        let symbol = match choice.tx_type {
            TxType::Identity => 0,
            TxType::Dct => 1,
        };
        let modes = &mut self.state.cdfs.mode;
        match &choice.prediction {
            Prediction::Inter { .. } => {
                self.symbols.symbol(&mut *modes.inter_tx_type_set3[size.number()], symbol);
            }
            Prediction::Intra { luma, .. } if size < TxSize::Px32 => {
                self.symbols.symbol(&mut *modes.intra_tx_type_set2[size.number()][luma.number()], symbol);
            }
            Prediction::Intra { .. } => {}
        }
    }
}

impl FrameState {
    /// Side of the transforms of a block with `side` samples in a plane.
    fn tx_side(&self, side: usize) -> usize {
        if self.header.lossless() { TxSize::Px4.side() } else { TxSize::largest(side).side() }
    }

    /// How residuals of a plane are coded, if they are. The transform type of chroma follows from other choices
    /// (`compute_tx_type`, section 5.11.40).
    fn coding(&self, plane: usize, block: Block, choice: &Choice) -> Option<Coding> {
        if !choice.residual {
            return None;
        }
        if self.header.lossless() {
            return Some(Coding::Lossless);
        }
        match &choice.prediction {
            // Transforms of 64 samples are not used.
            _ if block.size == BlockSize::Px64 => None,
            Prediction::Inter { .. } if plane == 0 => Some(Coding::Lossy(choice.tx_type)),
            // Chroma follows luma, which without coefficients counts as `DCT_DCT`.
            Prediction::Inter { .. } => {
                let luma_has_some = self.residuals.blocks.iter().any(|tx| tx.plane == 0 && tx.eob > 0);
                Some(Coding::Lossy(if luma_has_some { choice.tx_type } else { TxType::Dct }))
            }
            Prediction::Intra { .. } if plane == 0 => {
                let only_dct = block.size == BlockSize::Px32;
                Some(Coding::Lossy(if only_dct { TxType::Dct } else { choice.tx_type }))
            }
            Prediction::Intra { chroma: IntraMode::Dc, .. } => Some(Coding::Lossy(TxType::Dct)),
            // Other modes imply transforms that this writer does not have.
            Prediction::Intra { .. } => Some(Coding::Zero),
        }
    }

    /// Predicts a transform block of the intra block `whole`.
    fn predict_intra(
        &mut self,
        plane: usize,
        whole: Square,
        square: Square,
        mode: IntraMode,
        palettes: &Palettes,
    ) {
        let current = &mut self.current.planes[plane];
        let mut prediction = [0; SUPERBLOCK * SUPERBLOCK];
        let prediction = &mut prediction[..square.side * square.side];
        let palette = if plane == 0 { &palettes.luma } else { &palettes.chroma };
        match palette {
            Some(palette) => {
                let colors = if plane == 2 { &palette.colors_v } else { &palette.colors };
                let first = (square.y - whole.y) * whole.side + square.x - whole.x;
                let rows = palette.indices[first..].chunks(whole.side);
                for (row, indices) in prediction.chunks_exact_mut(square.side).zip(rows) {
                    for (sample, index) in row.iter_mut().zip(indices) {
                        *sample = colors[usize::from(*index)];
                    }
                }
            }
            None => Edges::of(current, square).predict(mode, prediction),
        }
        store(current, square, prediction);
    }

    /// Quantizes what is missing from the prediction in `current`, adds what decoders will, and keeps the levels.
    fn add_residual(&mut self, source: &Source<'_>, plane: usize, square: Square, coding: Coding) {
        let size = TxSize::largest(square.side);
        let start = self.residuals.levels.len();
        self.residuals.levels.resize(start + size.area(), 0);
        let mut tx = TxBlock { plane, square, size, eob: 0, start };
        tx.eob = match (coding, size) {
            (Coding::Zero, _) => 0,
            (_, TxSize::Px4 | TxSize::Px8) => self.code_levels::<TX_AREA_SMALL>(source, tx, coding),
            (_, TxSize::Px16 | TxSize::Px32) => self.code_levels::<TX_AREA_MAX>(source, tx, coding),
        };
        self.residuals.blocks.push(tx);
    }

    /// The end of the levels of a transform block of at most `AREA` samples.
    fn code_levels<const AREA: usize>(&mut self, source: &Source<'_>, tx: TxBlock, coding: Coding) -> usize {
        let (square, area) = (tx.square, tx.size.area());
        let mut samples = [0; AREA];
        source.load(tx.plane, square, &mut samples[..area]);
        let current = &mut self.current.planes[tx.plane];
        let mut residual = [0; AREA];
        let rows = residual.chunks_exact_mut(square.side).zip(samples.chunks_exact(square.side));
        for (y, (row, samples)) in (square.y..square.y + square.side).zip(rows) {
            let predicted = current.row(y, square.x, square.side);
            for ((value, sample), predicted) in row.iter_mut().zip(samples).zip(predicted) {
                *value = i16::from(*sample) - i16::from(*predicted);
            }
        }
        let levels = &mut self.residuals.levels[tx.start..];
        let mut values = [0; AREA];
        let (residual, values) = (&residual[..area], &mut values[..area]);
        let eob = match coding {
            Coding::Lossy(tx_type) => quantize(self.quantizer, tx.size, tx_type, residual, levels, values),
            Coding::Lossless | Coding::Zero => quantize_lossless(residual, levels, values),
        };
        if eob > 0 {
            add(current, square, values);
        }
        eob
    }
}

/// Turns `residual` into `levels`, and those into the `values` that decoders add. Returns the end of the levels.
pub(super) fn quantize(
    quantizer: Quantizer,
    size: TxSize,
    tx_type: TxType,
    residual: &[i16],
    levels: &mut [i32],
    values: &mut [i32],
) -> usize {
    // Clearing room for the largest transform would cost more than a small one.
    let (mut small, mut large);
    let coefs = if size <= TxSize::Px8 {
        small = [0.0; TX_AREA_SMALL];
        &mut small[..size.area()]
    } else {
        large = [0.0; TX_AREA_MAX];
        &mut large[..size.area()]
    };
    forward_transform(size, tx_type, residual, coefs);
    let eob = quantizer.quantize(size, coefs, levels);
    if eob > 0 {
        quantizer.dequantize(size, levels, values);
        inverse_transform(size, tx_type, values);
    }
    eob
}

fn quantize_lossless(residual: &[i16], levels: &mut [i32], values: &mut [i32]) -> usize {
    let mut coefs = [0; 16];
    for (coef, value) in coefs.iter_mut().zip(residual) {
        *coef = i32::from(*value);
    }
    forward_wht(&mut coefs);
    levels.copy_from_slice(&coefs);
    for (value, level) in values.iter_mut().zip(&coefs) {
        *value = level * LOSSLESS_STEP;
    }
    inverse_wht(values);
    end_of(TxSize::Px4, levels)
}

/// The squares of `side` samples that `whole` consists of, in raster order.
fn squares(whole: Square, side: usize) -> impl Iterator<Item = Square> {
    let starts = move |start: usize| (start..start + whole.side).step_by(side);
    starts(whole.y).flat_map(move |y| starts(whole.x).map(move |x| Square { x, y, side }))
}

fn store(plane: &mut Plane, square: Square, samples: &[u8]) {
    for (y, row) in (square.y..).zip(samples.chunks_exact(square.side)) {
        plane.row_mut(y, square.x, square.side).copy_from_slice(row);
    }
}

fn add(plane: &mut Plane, square: Square, residual: &[i32]) {
    for (y, row) in (square.y..).zip(residual.chunks_exact(square.side)) {
        for (sample, value) in plane.row_mut(y, square.x, square.side).iter_mut().zip(row) {
            *sample = u8::try_from((i32::from(*sample) + value).clamp(0, 255)).unwrap_or(0);
        }
    }
}
