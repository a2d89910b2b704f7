//! Forward transforms, which are ours alone to choose: decoders only see the coefficients.
//!
//! They are the transposes of those of section 7.13 of the AV1 specification, with its scale: coefficients are eight
//! times those of an orthonormal transform. Floating point with a fixed order of operations gives the same result
//! everywhere, and four lanes at once on every processor.

#![expect(clippy::as_conversions, reason = "sums of residuals are far below what 24 bits hold exactly")]

use super::block::{TxSize, TxType};
use super::inverse_transform::cos128;

/// Largest side of a transform.
const SIDE_MAX: usize = 32;
/// What coefficients are multiplied by.
const SCALE: f32 = 8.0;

/// Row k: cosines of half of the samples; those of the other half are equal for even k, negated for odd ones.
type Basis<const N: usize, const HALF: usize> = [[f32; HALF]; N];

const fn basis<const N: usize, const HALF: usize>() -> Basis<N, HALF> {
    let mut rows = [[0.0; HALF]; N];
    let mut k = 0;
    while k < N {
        let mut n = 0;
        while n < HALF {
            rows[k][n] = cos128(64 / N * (2 * n + 1) * k) as f32 / 4096.0;
            n += 1;
        }
        k += 1;
    }
    rows
}

const BASIS_4: Basis<4, 2> = basis();
const BASIS_8: Basis<8, 4> = basis();
const BASIS_16: Basis<16, 8> = basis();
const BASIS_32: Basis<32, 16> = basis();

/// Transforms `residual` (raster order) into `coefs`.
pub(super) fn forward_transform(size: TxSize, tx_type: TxType, residual: &[i16], coefs: &mut [f32]) {
    match (tx_type, size) {
        (TxType::Identity, _) => {
            for (coef, value) in coefs.iter_mut().zip(residual) {
                *coef = f32::from(*value) * SCALE;
            }
        }
        (TxType::Dct, TxSize::Px4) => forward_dct(&BASIS_4, residual, coefs),
        (TxType::Dct, TxSize::Px8) => forward_dct(&BASIS_8, residual, coefs),
        (TxType::Dct, TxSize::Px16) => forward_dct(&BASIS_16, residual, coefs),
        (TxType::Dct, TxSize::Px32) => forward_dct(&BASIS_32, residual, coefs),
    }
}

fn forward_dct<const N: usize, const HALF: usize>(
    basis: &Basis<N, HALF>,
    residual: &[i16],
    coefs: &mut [f32],
) {
    let mut samples = [[0.0; N]; N];
    for (lanes, row) in samples.iter_mut().zip(residual.chunks_exact(N)) {
        for (lane, value) in lanes.iter_mut().zip(row) {
            *lane = f32::from(*value);
        }
    }
    let columns = forward_1d(basis, &samples);
    let mut transposed = [[0.0; N]; N];
    for (row, lanes) in columns.iter().enumerate() {
        for (column, value) in lanes.iter().enumerate() {
            transposed[column][row] = *value;
        }
    }
    let both = forward_1d(basis, &transposed);
    // An orthonormal basis is sqrt(2 / N) times ours, and its first row once more sqrt(1 / 2).
    let scale = SCALE * 2.0 / N as f32;
    for (row, coefs) in coefs.chunks_exact_mut(N).enumerate() {
        for (column, coef) in coefs.iter_mut().enumerate() {
            let first = |index: usize| if index == 0 { std::f32::consts::FRAC_1_SQRT_2 } else { 1.0 };
            *coef = both[column][row] * (scale * first(row) * first(column));
        }
    }
}

/// Transforms each lane; samples and coefficients run along the first index.
#[inline]
fn forward_1d<const N: usize, const HALF: usize>(
    basis: &Basis<N, HALF>,
    samples: &[[f32; N]; N],
) -> [[f32; N]; N] {
    let mut halves = [[[0.0_f32; N]; SIDE_MAX / 2]; 2];
    for n in 0..HALF {
        for lane in 0..N {
            halves[0][n][lane] = samples[n][lane] + samples[N - 1 - n][lane];
            halves[1][n][lane] = samples[n][lane] - samples[N - 1 - n][lane];
        }
    }
    let mut result = [[0.0_f32; N]; N];
    for (k, lanes) in result.iter_mut().enumerate() {
        for (weight, half) in basis[k].iter().zip(&halves[k % 2]) {
            for (sum, value) in lanes.iter_mut().zip(half) {
                *sum += weight * value;
            }
        }
    }
    result
}

/// Transforms a lossless 4x4 block in place: undoes section 7.13.2.10 exactly.
pub(super) fn forward_wht(values: &mut [i32; 16]) {
    for column in 0..4 {
        let at = |row: usize| values[4 * row + column];
        let result = wht_1d([at(0), at(1), at(2), at(3)]);
        for (row, value) in result.into_iter().enumerate() {
            values[4 * row + column] = value;
        }
    }
    for row in values.chunks_exact_mut(4) {
        row.copy_from_slice(&wht_1d([row[0], row[1], row[2], row[3]]));
    }
}

fn wht_1d([a, b, c, d]: [i32; 4]) -> [i32; 4] {
    let d = d - c;
    let a = a + b;
    let e = (a - d) >> 1;
    let c = e - c;
    let b = e - b;
    [a - c, c, d + b, b]
}

#[cfg(test)]
mod tests {
    use super::super::inverse_transform::{inverse_transform, inverse_wht};
    use super::*;

    /// Residuals that use the whole range, the same in every run.
    fn residual(area: usize) -> Vec<i16> {
        let mut state = 1_u32;
        (0..area)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                i16::try_from(state >> 23).unwrap() - 255
            })
            .collect()
    }

    #[test]
    fn an_inverse_undoes_each_transform() {
        for size in [TxSize::Px4, TxSize::Px8, TxSize::Px16, TxSize::Px32] {
            for tx_type in [TxType::Dct, TxType::Identity] {
                let residual = residual(size.area());
                let mut coefs = vec![0.0; size.area()];
                forward_transform(size, tx_type, &residual, &mut coefs);
                // Transforms of 32 samples take coefficients of half the scale (`dqDenom`).
                let scale = if size == TxSize::Px32 { 0.5 } else { 1.0 };
                let mut values: Vec<i32> = coefs.iter().map(|coef| (coef * scale).round() as i32).collect();
                inverse_transform(size, tx_type, &mut values);
                let worst = values.iter().zip(&residual).map(|(a, b)| (a - i32::from(*b)).abs()).max();
                assert!(worst <= Some(2), "{size:?} {tx_type:?}: {worst:?}");
            }
        }
    }

    #[test]
    fn the_lossless_transform_is_undone_exactly() {
        for chunk in residual(4096).chunks_exact(16) {
            let mut values: [i32; 16] = std::array::from_fn(|index| i32::from(chunk[index]));
            let before = values;
            forward_wht(&mut values);
            // A step of four is what the smallest quantizer index stands for.
            values.iter_mut().for_each(|value| *value *= 4);
            inverse_wht(&mut values);
            assert_eq!(values, before);
        }
    }
}
