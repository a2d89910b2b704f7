//! What a residual costs: distortion, and an estimate of its bits.

#![expect(clippy::as_conversions, reason = "estimates of small sums")]

use super::block::{TxSize, TxType};
use super::coefs::scan;
use super::palette::Palette;
use super::quantizer::Quantizer;
use super::reconstruction::quantize;

/// Squared error that one bit may cost, as a part of the squared quantizer step: the usual factor of encoders that
/// minimise distortion + lambda * bits at high rates.
const LAMBDA: f32 = 0.13;
/// Estimated bits of a level of one, of each doubling, and of a zero before the last level.
const BITS_OF_ONE: f32 = 3.0;
const BITS_OF_DOUBLING: f32 = 1.7;
const BITS_OF_ZERO: f32 = 0.6;
/// Estimated bits of a palette: of each colour, of all else, and of a sample that differs from the one before it.
const BITS_OF_COLOR: f32 = 6.0;
const BITS_OF_PALETTE: f32 = 8.0;
const BITS_OF_CHANGE: f32 = 2.6;
/// Samples of a block whose transform is chosen.
const AREA: usize = 8 * 8;

/// How distortion and bits compare at a quantizer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    lambda: f32,
}

impl Cost {
    pub(super) fn new(quantizer: Quantizer) -> Self {
        let step = quantizer.ac_step() as f32 / 8.0;
        Self { lambda: LAMBDA * step * step }
    }

    /// The sum of absolute differences that is as bad as `bits`.
    pub(super) fn difference_of(&self, bits: u32) -> u32 {
        (self.lambda.sqrt() * bits as f32) as u32
    }

    /// The distortion that is as bad as `bits`.
    pub(super) fn of_bits(&self, bits: f32) -> f32 {
        self.lambda * bits
    }

    /// The distortion that is as bad as the bits of a palette.
    pub(super) fn of_palette(&self, palette: &Palette) -> f32 {
        let changes = palette.indices.windows(2).filter(|pair| pair[0] != pair[1]).count();
        self.of_bits(palette.size as f32 * BITS_OF_COLOR + BITS_OF_PALETTE + changes as f32 * BITS_OF_CHANGE)
    }

    fn bits(size: TxSize, levels: &[i32], eob: usize) -> f32 {
        scan(size)[..eob]
            .iter()
            .map(|position| match levels[usize::from(*position)].unsigned_abs() {
                0 => BITS_OF_ZERO,
                level => BITS_OF_ONE + BITS_OF_DOUBLING * level.ilog2() as f32,
            })
            .sum()
    }
}

/// The sum of absolute differences of two areas.
pub(super) fn sum_of_differences(a: &[u8], b: &[u8]) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum()
}

/// A way to transform what a prediction lacks, and its price: distortion, and bits in its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Priced {
    pub(super) tx_type: TxType,
    pub(super) price: f32,
}

/// How the difference between the smallest block's luma and its prediction is transformed best.
pub(super) fn cheapest_transform(
    cost: &Cost,
    quantizer: Quantizer,
    samples: &[u8],
    prediction: &[u8],
) -> Priced {
    let mut residual = [0; AREA];
    for ((value, sample), predicted) in residual.iter_mut().zip(samples).zip(prediction) {
        *value = i16::from(*sample) - i16::from(*predicted);
    }
    let price = |tx_type| {
        let (mut levels, mut values) = ([0; AREA], [0; AREA]);
        let eob = quantize(quantizer, TxSize::Px8, tx_type, &residual, &mut levels, &mut values);
        let distortion: i32 =
            residual.iter().zip(values.iter()).map(|(a, b)| (i32::from(*a) - b) * (i32::from(*a) - b)).sum();
        Priced { tx_type, price: distortion as f32 + cost.of_bits(Cost::bits(TxSize::Px8, &levels, eob)) }
    };
    let (identity, dct) = (price(TxType::Identity), price(TxType::Dct));
    if identity.price < dct.price { identity } else { dct }
}
