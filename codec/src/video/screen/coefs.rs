//! Coefficients of a transform block: AV1 specification, section 5.11.39, with the contexts of section 8.3.2.
//!
//! All transforms that this writer uses are of the class `TX_CLASS_2D`.

#![expect(clippy::as_conversions, reason = "levels are cut to small ranges before they are narrowed")]

use super::block::TxSize;
use super::cdfs::CoefCdfs;
use super::range_coder::SymbolEncoder;
use super::tables::scans::{DEFAULT_SCAN_4X4, DEFAULT_SCAN_8X8, DEFAULT_SCAN_16X16, DEFAULT_SCAN_32X32};

/// `NUM_BASE_LEVELS`.
const BASE_LEVELS: u32 = 2;
/// `COEFF_BASE_RANGE`.
const BASE_RANGE: u32 = 12;
/// `BR_CDF_SIZE - 1`: most that one `coeff_br` adds.
const BR_STEP: u32 = 3;
/// Levels are kept with zeros behind the right and lower edge, as far as contexts look.
const PADDING: usize = 2;
/// Most samples of a transform block, with the padding.
const PADDED_MAX: usize = (32 + PADDING) * (32 + PADDING);
/// Largest level that contexts tell apart from larger ones.
const CONTEXT_LEVEL_MAX: u32 = BASE_LEVELS + BASE_RANGE + 1;

/// The default scan of a size (`get_scan`, section 5.11.41).
pub(super) fn scan(size: TxSize) -> &'static [u16] {
    match size {
        TxSize::Px4 => &DEFAULT_SCAN_4X4,
        TxSize::Px8 => &DEFAULT_SCAN_8X8,
        TxSize::Px16 => &DEFAULT_SCAN_16X16,
        TxSize::Px32 => &DEFAULT_SCAN_32X32,
    }
}

/// What neighbours need to know of a transform block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CoefSummary {
    /// `culLevel`.
    pub(super) level: u8,
    /// `dcCategory`.
    pub(super) dc: u8,
}

/// The quantized coefficients of a block that has some.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels<'a> {
    pub(super) size: TxSize,
    /// 0 for luma, 1 for chroma (`ptype`).
    pub(super) plane_type: usize,
    /// In raster order.
    pub(super) levels: &'a [i32],
    /// How many of them, in the order of the scan, reach to the last that is not zero; at least one.
    pub(super) eob: usize,
    /// The context of `dc_sign`.
    pub(super) dc_sign_context: usize,
}

/// Absolute levels with padding, for contexts.
struct ContextLevels {
    stride: usize,
    levels: [u8; PADDED_MAX],
}

impl ContextLevels {
    /// The context of `coeff_base` at a place.
    fn base_context(&self, row: usize, column: usize) -> usize {
        let band = match row + column {
            0 => return 0,
            1 => 1,
            2..4 => 6,
            4.. => 21,
        };
        let at = row * self.stride + column;
        let level = |offset: usize| usize::from(self.levels[at + offset].min(3));
        let sum = level(1) + level(self.stride) + level(self.stride + 1) + level(2) + level(2 * self.stride);
        band + sum.div_ceil(2).min(4)
    }

    /// The context of `coeff_br` at a place.
    fn range_context(&self, row: usize, column: usize) -> usize {
        let at = row * self.stride + column;
        let level = |offset: usize| usize::from(self.levels[at + offset]);
        let magnitude = (level(1) + level(self.stride) + level(self.stride + 1)).div_ceil(2).min(6);
        match (row, column) {
            (0, 0) => magnitude,
            (0..2, 0..2) => magnitude + 7,
            _ => magnitude + 14,
        }
    }
}

impl Levels<'_> {
    /// Codes all that follows `all_zero` and the transform type.
    pub(super) fn code(&self, symbols: &mut SymbolEncoder, cdfs: &mut CoefCdfs) -> CoefSummary {
        self.code_end(symbols, cdfs);
        self.code_magnitudes(symbols, cdfs);
        self.code_signs(symbols, cdfs)
    }

    /// `eob_pt`, `eob_extra` and `eob_extra_bit`.
    fn code_end(&self, symbols: &mut SymbolEncoder, cdfs: &mut CoefCdfs) {
        let class = if self.eob < 2 { 0 } else { (self.eob - 1).ilog2() as usize + 1 };
        let context = 0;
        match self.size {
            TxSize::Px4 => symbols.symbol(&mut *cdfs.eob_pt_16[self.plane_type][context], class),
            TxSize::Px8 => symbols.symbol(&mut *cdfs.eob_pt_64[self.plane_type][context], class),
            TxSize::Px16 => symbols.symbol(&mut *cdfs.eob_pt_256[self.plane_type][context], class),
            TxSize::Px32 => symbols.symbol(&mut *cdfs.eob_pt_1024[self.plane_type], class),
        }
        if class < 2 {
            return;
        }
        let bits = class as u32 - 1;
        let extra = (self.eob - 1 - (1 << bits)) as u32;
        let cdf = &mut cdfs.eob_extra[self.size.number()][self.plane_type][class - 2];
        symbols.flag(cdf, extra >> (bits - 1) & 1 == 1);
        symbols.literal(extra & ((1 << (bits - 1)) - 1), bits - 1);
    }

    /// `coeff_base_eob`, `coeff_base` and `coeff_br`, from the last coefficient to the first.
    fn code_magnitudes(&self, symbols: &mut SymbolEncoder, cdfs: &mut CoefCdfs) {
        let (number, side) = (self.size.number(), self.size.side());
        let mut context = ContextLevels { stride: side + PADDING, levels: [0; PADDED_MAX] };
        let end_cdfs = &mut cdfs.coeff_base_eob[number][self.plane_type];
        let base_cdfs = &mut cdfs.coeff_base[number][self.plane_type];
        let range_cdfs = &mut cdfs.coeff_br[number][self.plane_type];
        for (index, position) in scan(self.size)[..self.eob].iter().enumerate().rev() {
            let position = usize::from(*position);
            let (row, column) = (position / side, position % side);
            let level = self.levels[position].unsigned_abs();
            let base = level.min(BASE_LEVELS + 1);
            if index == self.eob - 1 {
                symbols.symbol(&mut *end_cdfs[self.end_context(index)], base as usize - 1);
            } else {
                symbols.symbol(&mut *base_cdfs[context.base_context(row, column)], base as usize);
            }
            if level > BASE_LEVELS {
                let cdf = &mut *range_cdfs[context.range_context(row, column)];
                let mut rest = (level - base).min(BASE_RANGE);
                for _ in 0..BASE_RANGE / BR_STEP {
                    let step = rest.min(BR_STEP);
                    symbols.symbol(cdf, step as usize);
                    rest -= step;
                    if step < BR_STEP {
                        break;
                    }
                }
            }
            context.levels[row * context.stride + column] = level.min(CONTEXT_LEVEL_MAX) as u8;
        }
    }

    /// The context of `coeff_base_eob`.
    fn end_context(&self, index: usize) -> usize {
        let area = self.size.area();
        match index {
            0 => 0,
            _ if index <= area / 8 => 1,
            _ if index <= area / 4 => 2,
            _ => 3,
        }
    }

    /// `dc_sign`, `sign_bit` and what exceeds the ranges, from the first coefficient to the last.
    fn code_signs(&self, symbols: &mut SymbolEncoder, cdfs: &mut CoefCdfs) -> CoefSummary {
        let mut sum = 0_u32;
        for (index, position) in scan(self.size)[..self.eob].iter().enumerate() {
            let value = self.levels[usize::from(*position)];
            if value == 0 {
                continue;
            }
            let level = value.unsigned_abs();
            if index == 0 {
                symbols.flag(&mut cdfs.dc_sign[self.plane_type][self.dc_sign_context], value < 0);
            } else {
                symbols.literal(u32::from(value < 0), 1);
            }
            if level > BASE_LEVELS + BASE_RANGE {
                let golomb = level - BASE_LEVELS - BASE_RANGE;
                let length = golomb.ilog2() + 1;
                symbols.literal(0, length - 1);
                symbols.literal(golomb, length);
            }
            sum = sum.saturating_add(level);
        }
        let dc = match self.levels[0] {
            ..0 => 1,
            0 => 0,
            1.. => 2,
        };
        CoefSummary { level: sum.min(63) as u8, dc }
    }
}
