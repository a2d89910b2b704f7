//! Quantization, and its undoing: AV1 specification, sections 7.12.2 and 7.12.3.

#![expect(clippy::as_conversions, reason = "levels are limited to what decoders take")]

use super::block::TxSize;
use super::coefs::scan;
use super::tables::quantizers::{AC_QLOOKUP, DC_QLOOKUP};

/// Largest dequantized coefficient of 8-bit video.
const DEQUANTIZED_MAX: i32 = (1 << 15) - 1;
/// A coefficient is rounded up from this part of a step on: zeros cost little, and most are noise.
const ROUND_UP: f32 = 0.62;

/// The steps of one quantizer index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quantizer {
    dc: i32,
    ac: i32,
}

impl Quantizer {
    /// The steps for `base_q_idx`.
    pub(super) fn new(base_q_idx: u8) -> Self {
        let index = usize::from(base_q_idx);
        Self { dc: i32::from(DC_QLOOKUP[index]), ac: i32::from(AC_QLOOKUP[index]) }
    }

    /// The step of all but the first coefficient, in eighths of a sample.
    pub(super) fn ac_step(self) -> i32 {
        self.ac
    }

    /// Quantizes `coefs`; returns how many levels, in the order of the scan, reach to the last that is not zero.
    pub(super) fn quantize(self, size: TxSize, coefs: &[f32], levels: &mut [i32]) -> usize {
        let level = |coef: f32, step: i32| {
            let most = (DEQUANTIZED_MAX / step) as f32;
            (coef.abs() / step as f32 + (1.0 - ROUND_UP)).min(most).copysign(coef) as i32
        };
        for (to, coef) in levels.iter_mut().zip(coefs) {
            *to = level(*coef, self.ac);
        }
        levels[0] = level(coefs[0], self.dc);
        end_of(size, levels)
    }

    /// What decoders make of `levels`, in the scale of the inverse transform.
    pub(super) fn dequantize(self, size: TxSize, levels: &[i32], values: &mut [i32]) {
        for (value, level) in values.iter_mut().zip(levels) {
            *value = level * self.ac;
        }
        values[0] = levels[0] * self.dc;
        if size == TxSize::Px32 {
            // `dqDenom`; the division rounds towards zero.
            values.iter_mut().for_each(|value| *value /= 2);
        }
    }
}

/// How many levels, in the order of the scan, reach to the last that is not zero.
pub(super) fn end_of(size: TxSize, levels: &[i32]) -> usize {
    scan(size).iter().rposition(|position| levels[usize::from(*position)] != 0).map_or(0, |last| last + 1)
}
