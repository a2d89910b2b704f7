//! Inverse transforms: AV1 specification, section 7.13. Decoders agree on every bit of these.
//!
//! A transform in one dimension works on many rows or columns at once: on lanes.

use super::block::{TxSize, TxType};

/// Rows or columns that are transformed together.
const LANES: usize = 8;
/// Largest side of a transform.
const SIDE_MAX: usize = 32;
/// Samples are clamped to this many bits before either pass (`BitDepth + 8`, and 16).
const CLAMP_BITS: u32 = 16;
/// Fractional bits of `cos128`.
const COS_BITS: u32 = 12;

type Lane = [i32; LANES];

/// `Cos128_Lookup` (section 7.13.2.1).
const COS128: [i32; 65] = [
    4096, 4095, 4091, 4085, 4076, 4065, 4052, 4036, 4017, 3996, 3973, 3948, 3920, 3889, 3857, 3822, 3784,
    3745, 3703, 3659, 3612, 3564, 3513, 3461, 3406, 3349, 3290, 3229, 3166, 3102, 3035, 2967, 2896, 2824,
    2751, 2675, 2598, 2520, 2440, 2359, 2276, 2191, 2106, 2019, 1931, 1842, 1751, 1660, 1567, 1474, 1380,
    1285, 1189, 1092, 995, 897, 799, 700, 601, 501, 401, 301, 201, 101, 0,
];

/// `cos128`: 4096 times the cosine of `angle` * pi / 128.
pub(super) const fn cos128(angle: usize) -> i32 {
    let angle = angle & 255;
    match angle {
        0..=64 => COS128[angle],
        65..=128 => -COS128[128 - angle],
        129..=192 => -COS128[angle - 128],
        _ => COS128[256 - angle],
    }
}

/// `sin128`.
const fn sin128(angle: usize) -> i32 {
    cos128(angle.wrapping_sub(64))
}

/// `brev`: `x` with its lowest `bits` bits in reverse order.
const fn brev(bits: u32, x: usize) -> usize {
    x.reverse_bits() >> (usize::BITS - bits)
}

fn round2(value: i32, bits: u32) -> i32 {
    (value + (1 << bits >> 1)) >> bits
}

fn clamp(value: i32) -> i32 {
    value.clamp(-(1 << (CLAMP_BITS - 1)), (1 << (CLAMP_BITS - 1)) - 1)
}

/// `B( a, b, angle, 0 )`.
#[inline(always)]
fn rotate(t: &mut [Lane], a: usize, b: usize, angle: usize) {
    let (cos, sin) = (cos128(angle), sin128(angle));
    let (ta, tb) = (t[a], t[b]);
    t[a] = std::array::from_fn(|lane| round2(ta[lane] * cos - tb[lane] * sin, COS_BITS));
    t[b] = std::array::from_fn(|lane| round2(ta[lane] * sin + tb[lane] * cos, COS_BITS));
}

/// `B( a, b, angle, 1 )`.
#[inline(always)]
fn rotate_flipped(t: &mut [Lane], a: usize, b: usize, angle: usize) {
    rotate(t, a, b, angle);
    t.swap(a, b);
}

/// `H( a, b, flip )`.
#[inline(always)]
fn hadamard(t: &mut [Lane], a: usize, b: usize, flip: bool) {
    let (a, b) = if flip { (b, a) } else { (a, b) };
    let (x, y) = (t[a], t[b]);
    t[a] = std::array::from_fn(|lane| clamp(x[lane] + y[lane]));
    t[b] = std::array::from_fn(|lane| clamp(x[lane] - y[lane]));
}

/// The inverse DCT process (section 7.13.2.3) for 2^n points; the numbers are those of its steps.
#[inline(always)]
fn inverse_dct(t: &mut [Lane], n: u32) {
    let mut permuted = [[0; LANES]; SIDE_MAX];
    for (index, lane) in permuted.iter_mut().enumerate().take(1 << n) {
        *lane = t[brev(n, index)];
    }
    t[..1 << n].copy_from_slice(&permuted[..1 << n]);
    if n >= 5 {
        (0..8).for_each(|i| rotate(t, 16 + i, 31 - i, 6 + (brev(3, 7 - i) << 3))); // 3
    }
    if n >= 4 {
        (0..4).for_each(|i| rotate(t, 8 + i, 15 - i, 12 + (brev(2, 3 - i) << 4))); // 5
    }
    if n >= 5 {
        (0..8).for_each(|i| hadamard(t, 16 + 2 * i, 17 + 2 * i, i & 1 == 1)); // 6
    }
    if n >= 3 {
        (0..2).for_each(|i| rotate(t, 4 + i, 7 - i, 56 - 32 * i)); // 8
    }
    if n >= 4 {
        (0..4).for_each(|i| hadamard(t, 8 + 2 * i, 9 + 2 * i, i & 1 == 1)); // 9
    }
    if n >= 5 {
        for i in 0..2 {
            for j in 0..2 {
                rotate_flipped(t, 30 - 4 * i - j, 17 + 4 * i + j, 24 + (j << 6) + ((1 - i) << 5)); // 10
            }
        }
    }
    rotate_flipped(t, 0, 1, 32); // 12
    rotate(t, 2, 3, 48); // 12
    if n >= 3 {
        (0..2).for_each(|i| hadamard(t, 4 + 2 * i, 5 + 2 * i, i == 1)); // 13
    }
    if n >= 4 {
        (0..2).for_each(|i| rotate_flipped(t, 14 - i, 9 + i, 48 + 64 * i)); // 14
    }
    if n >= 5 {
        for i in 0..4 {
            (0..2).for_each(|j| hadamard(t, 16 + 4 * i + j, 19 + 4 * i - j, i & 1 == 1)); // 15
        }
    }
    (0..2).for_each(|i| hadamard(t, i, 3 - i, false)); // 17
    if n >= 3 {
        rotate_flipped(t, 6, 5, 32); // 18
    }
    if n >= 4 {
        for i in 0..2 {
            (0..2).for_each(|j| hadamard(t, 8 + 4 * i + j, 11 + 4 * i - j, i == 1)); // 19
        }
    }
    if n >= 5 {
        (0..4).for_each(|i| rotate_flipped(t, 29 - i, 18 + i, 48 + (i >> 1) * 64)); // 20
    }
    if n >= 3 {
        (0..4).for_each(|i| hadamard(t, i, 7 - i, false)); // 22
    }
    if n >= 4 {
        (0..2).for_each(|i| rotate_flipped(t, 13 - i, 10 + i, 32)); // 23
    }
    if n >= 5 {
        for i in 0..2 {
            (0..4).for_each(|j| hadamard(t, 16 + i * 8 + j, 23 + i * 8 - j, i == 1)); // 24
        }
    }
    if n >= 4 {
        (0..8).for_each(|i| hadamard(t, i, 15 - i, false)); // 26
    }
    if n >= 5 {
        (0..4).for_each(|i| rotate_flipped(t, 27 - i, 20 + i, 32)); // 27
        (0..16).for_each(|i| hadamard(t, i, 31 - i, false)); // 29
    }
}

/// The inverse identity transform process (section 7.13.2.15).
#[inline(always)]
fn inverse_identity(t: &mut [Lane], n: u32) {
    let scale = |value: i32| match n {
        2 => round2(value * 5793, COS_BITS),
        3 => value * 2,
        4 => round2(value * 11586, COS_BITS),
        _ => value * 4,
    };
    t[..1 << n].iter_mut().flatten().for_each(|value| *value = scale(*value));
}

#[inline(always)]
fn inverse_1d(t: &mut [Lane], n: u32, tx_type: TxType) {
    match tx_type {
        TxType::Dct => inverse_dct(t, n),
        TxType::Identity => inverse_identity(t, n),
    }
}

/// The 2D inverse transform process (section 7.13.3): turns `values`, in raster order, from dequantized
/// coefficients into residuals.
pub(super) fn inverse_transform(size: TxSize, tx_type: TxType, values: &mut [i32]) {
    match size {
        TxSize::Px4 => inverse_2d::<2, 0>(tx_type, values),
        TxSize::Px8 => inverse_2d::<3, 1>(tx_type, values),
        TxSize::Px16 => inverse_2d::<4, 2>(tx_type, values),
        TxSize::Px32 => inverse_2d::<5, 2>(tx_type, values),
    }
}

fn inverse_2d<const N: u32, const ROW_SHIFT: u32>(tx_type: TxType, values: &mut [i32]) {
    let side = 1 << N;
    let mut t = [[0; LANES]; SIDE_MAX];
    for rows in values.chunks_mut(side * LANES) {
        if rows.iter().all(|value| *value == 0) {
            continue;
        }
        for (lane, row) in rows.chunks_exact(side).enumerate() {
            for (lanes, value) in t.iter_mut().zip(row) {
                lanes[lane] = *value;
            }
        }
        inverse_1d(&mut t, N, tx_type);
        for (lane, row) in rows.chunks_exact_mut(side).enumerate() {
            for (lanes, value) in t.iter().zip(row) {
                *value = clamp(round2(lanes[lane], ROW_SHIFT));
            }
        }
    }
    let width = LANES.min(side);
    for left in (0..side).step_by(LANES) {
        for (lanes, row) in t.iter_mut().zip(values.chunks_exact(side)) {
            lanes[..width].copy_from_slice(&row[left..left + width]);
        }
        inverse_1d(&mut t, N, tx_type);
        for (lanes, row) in t.iter().zip(values.chunks_exact_mut(side)) {
            for (value, lane) in row[left..left + width].iter_mut().zip(lanes) {
                *value = round2(*lane, 4);
            }
        }
    }
}

/// The inverse Walsh-Hadamard transform of a lossless 4x4 block (section 7.13.2.10).
pub(super) fn inverse_wht(values: &mut [i32]) {
    for row in values.chunks_exact_mut(4) {
        let scaled = [row[0] >> 2, row[1] >> 2, row[2] >> 2, row[3] >> 2];
        row.copy_from_slice(&wht_1d(scaled));
    }
    for column in 0..4 {
        let at = |row: usize| values[4 * row + column];
        let result = wht_1d([at(0), at(1), at(2), at(3)]);
        for (row, value) in result.into_iter().enumerate() {
            values[4 * row + column] = value;
        }
    }
}

fn wht_1d([a, c, d, b]: [i32; 4]) -> [i32; 4] {
    let a = a + c;
    let d = d - b;
    let e = (a - d) >> 1;
    let b = e - b;
    let c = e - c;
    [a - b, b, c, d + c]
}
