//! Intra prediction: AV1 specification, section 7.11.2.

use super::block::{IntraMode, SUPERBLOCK};
use super::planes::Plane;
use super::tables::smooth_weights::{
    SM_WEIGHTS_4, SM_WEIGHTS_8, SM_WEIGHTS_16, SM_WEIGHTS_32, SM_WEIGHTS_64,
};

/// What a missing sample above, to the left, or in the corner counts as.
const NO_ABOVE: u8 = 127;
const NO_LEFT: u8 = 129;
const NO_CORNER: u8 = 128;

/// A square of samples that is predicted as one: a transform block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Square {
    /// First column.
    pub(super) x: usize,
    /// First row.
    pub(super) y: usize,
    /// Samples along the side, a power of two.
    pub(super) side: usize,
}

/// Reconstructed samples along the upper and left edges of a square.
#[derive(Debug)]
pub(super) struct Edges {
    side: usize,
    above: [u8; SUPERBLOCK],
    left: [u8; SUPERBLOCK],
    corner: u8,
    has_above: bool,
    has_left: bool,
}

impl Edges {
    /// The edges of `square` (`AboveRow` and `LeftCol`).
    pub(super) fn of(plane: &Plane, square: Square) -> Self {
        let Square { x, y, side } = square;
        let (has_above, has_left) = (y > 0, x > 0);
        let at = |x: usize, y: usize| plane.samples[y * plane.stride + x];
        let mut edges =
            Self { side, above: [0; SUPERBLOCK], left: [0; SUPERBLOCK], corner: 0, has_above, has_left };
        if has_above {
            edges.above[..side].copy_from_slice(plane.row(y - 1, x, side));
        } else {
            edges.above[..side].fill(if has_left { at(x - 1, y) } else { NO_ABOVE });
        }
        if has_left {
            for (index, left) in edges.left[..side].iter_mut().enumerate() {
                *left = at(x - 1, y + index);
            }
        } else {
            edges.left[..side].fill(if has_above { at(x, y - 1) } else { NO_LEFT });
        }
        edges.corner = match (has_above, has_left) {
            (true, true) => at(x - 1, y - 1),
            (true, false) => at(x, y - 1),
            (false, true) => at(x - 1, y),
            (false, false) => NO_CORNER,
        };
        edges
    }

    /// Predicts the square, row by row into `prediction`.
    pub(super) fn predict(&self, mode: IntraMode, prediction: &mut [u8]) {
        let above = &self.above[..self.side];
        let left = &self.left[..self.side];
        let rows = prediction.chunks_exact_mut(self.side).zip(left);
        match mode {
            IntraMode::Dc => prediction.fill(self.mean()),
            IntraMode::Vertical => rows.for_each(|(row, _)| row.copy_from_slice(above)),
            IntraMode::Horizontal => rows.for_each(|(row, left)| row.fill(*left)),
            IntraMode::Paeth => rows.for_each(|(row, left)| {
                for (sample, above) in row.iter_mut().zip(above) {
                    *sample = paeth(*above, *left, self.corner);
                }
            }),
            IntraMode::Smooth | IntraMode::SmoothVertical | IntraMode::SmoothHorizontal => {
                self.predict_smooth(mode, prediction);
            }
        }
    }

    /// Whether a mode predicts all of `samples` as they are.
    pub(super) fn predict_exactly(&self, mode: IntraMode, samples: &[u8]) -> bool {
        let mut rows = samples.chunks_exact(self.side);
        match mode {
            IntraMode::Dc => {
                let mean = self.mean();
                samples.iter().all(|sample| *sample == mean)
            }
            IntraMode::Vertical => rows.all(|row| row == &self.above[..self.side]),
            IntraMode::Horizontal => {
                rows.zip(&self.left).all(|(row, left)| row.iter().all(|sample| sample == left))
            }
            IntraMode::Paeth
            | IntraMode::Smooth
            | IntraMode::SmoothVertical
            | IntraMode::SmoothHorizontal => {
                let mut prediction = vec![0; samples.len()];
                self.predict(mode, &mut prediction);
                prediction == samples
            }
        }
    }

    /// Section 7.11.2.5.
    fn mean(&self) -> u8 {
        let sum =
            |samples: &[u8]| samples[..self.side].iter().map(|sample| usize::from(*sample)).sum::<usize>();
        let (sum, count) = match (self.has_above, self.has_left) {
            (true, true) => (sum(&self.above) + sum(&self.left), 2 * self.side),
            (true, false) => (sum(&self.above), self.side),
            (false, true) => (sum(&self.left), self.side),
            (false, false) => return NO_CORNER,
        };
        u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX)
    }

    /// Section 7.11.2.6.
    fn predict_smooth(&self, mode: IntraMode, prediction: &mut [u8]) {
        let weights = smooth_weights(self.side);
        let below = u32::from(self.left[self.side - 1]);
        let right = u32::from(self.above[self.side - 1]);
        let blend = |weight: u8, near: u8, far: u32| {
            u32::from(weight) * u32::from(near) + (256 - u32::from(weight)) * far
        };
        let rows = prediction.chunks_exact_mut(self.side).zip(weights).zip(&self.left);
        for ((row, weight_y), left) in rows {
            for ((sample, weight_x), above) in row.iter_mut().zip(weights).zip(&self.above) {
                let vertical = blend(*weight_y, *above, below);
                let horizontal = blend(*weight_x, *left, right);
                let value = match mode {
                    IntraMode::SmoothVertical => (vertical + 128) >> 8,
                    IntraMode::SmoothHorizontal => (horizontal + 128) >> 8,
                    IntraMode::Smooth
                    | IntraMode::Dc
                    | IntraMode::Vertical
                    | IntraMode::Horizontal
                    | IntraMode::Paeth => (vertical + horizontal + 256) >> 9,
                };
                *sample = u8::try_from(value).unwrap_or(u8::MAX);
            }
        }
    }
}

/// Section 7.11.2.2.
fn paeth(above: u8, left: u8, corner: u8) -> u8 {
    let [a, l, c] = [above, left, corner].map(i32::from);
    let base = a + l - c;
    let (to_left, to_above, to_corner) = ((base - l).abs(), (base - a).abs(), (base - c).abs());
    if to_left <= to_above && to_left <= to_corner {
        left
    } else if to_above <= to_corner {
        above
    } else {
        corner
    }
}

fn smooth_weights(side: usize) -> &'static [u8] {
    match side {
        ..8 => &SM_WEIGHTS_4,
        8..16 => &SM_WEIGHTS_8,
        16..32 => &SM_WEIGHTS_16,
        32..64 => &SM_WEIGHTS_32,
        64.. => &SM_WEIGHTS_64,
    }
}
