//! Inter prediction: AV1 specification, section 7.11.3, for whole vectors of luma, one reference of equal size and
//! the bilinear filter. An odd vector lies between two samples of subsampled chroma.

use super::block::Mv;
use super::intra::Square;
use super::planes::Plane;

/// A vector in half samples of a plane.
#[derive(Debug, Clone, Copy)]
struct HalfSteps {
    x: isize,
    y: isize,
}

impl HalfSteps {
    /// `shift` is the subsampling of the plane.
    fn new(mv: Mv, shift: u32) -> Self {
        let half_steps = |eighths: i16| isize::from(eighths) >> (2 + shift);
        Self { x: half_steps(mv.column), y: half_steps(mv.row) }
    }
}

/// Predicts `square` of a plane that is subsampled by `shift`, row by row into `prediction`.
pub(super) fn predict(reference: &Plane, square: Square, mv: Mv, shift: u32, prediction: &mut [u8]) {
    let steps = HalfSteps::new(mv, shift);
    for (y, row) in (square.y..).zip(prediction.chunks_exact_mut(square.side)) {
        predict_row(reference, square.x, y, steps, row);
    }
}

/// Predicts `square` of a plane that is subsampled by `shift`, in place.
pub(super) fn predict_in(current: &mut Plane, reference: &Plane, square: Square, mv: Mv, shift: u32) {
    let steps = HalfSteps::new(mv, shift);
    for y in square.y..square.y + square.side {
        predict_row(reference, square.x, y, steps, current.row_mut(y, square.x, square.side));
    }
}

/// Predicts the samples from column `x` of row `y` on.
fn predict_row(reference: &Plane, x: usize, y: usize, steps: HalfSteps, row: &mut [u8]) {
    let left = x.cast_signed() + (steps.x >> 1);
    let y = y.cast_signed() + (steps.y >> 1);
    let (between_columns, between_rows) = (steps.x & 1, steps.y & 1);
    if between_columns + between_rows == 0 {
        return copy_row(reference, left, y, row);
    }
    // Both filters weigh two samples alike, and round once in the end.
    let y_next = y + between_rows;
    let width = row.len() + between_columns.unsigned_abs();
    let rows = (inside(reference, left, y, width), inside(reference, left, y_next, width));
    if let (Some(above), Some(below)) = rows {
        return mean_row(above, below, row);
    }
    for (x, sample) in (left..).zip(row) {
        let x_next = x + between_columns;
        let sum: u32 = [(x, y), (x_next, y), (x, y_next), (x_next, y_next)]
            .map(|(x, y)| u32::from(clamped(reference, x, y)))
            .iter()
            .sum();
        *sample = u8::try_from((sum + 2) >> 2).unwrap_or(u8::MAX);
    }
}

/// The sample nearest to a place that may lie outside.
fn clamped(reference: &Plane, x: isize, y: isize) -> u8 {
    let x = clamp(x, reference.size.width);
    let y = clamp(y, reference.size.height);
    reference.samples[y * reference.stride + x]
}

fn clamp(at: isize, length: usize) -> usize {
    usize::try_from(at).unwrap_or(0).min(length - 1)
}

/// `width` samples of a row, if all of them lie inside.
fn inside(reference: &Plane, left: isize, y: isize, width: usize) -> Option<&[u8]> {
    let left = usize::try_from(left).ok().filter(|left| left + width <= reference.size.width)?;
    let y = usize::try_from(y).ok().filter(|y| *y < reference.size.height)?;
    Some(reference.row(y, left, width))
}

/// The means of four samples: of two rows, each at a column and, where the rows are longer by one, the next.
fn mean_row(above: &[u8], below: &[u8], row: &mut [u8]) {
    let step = above.len() - row.len();
    let pairs = above.iter().zip(&above[step..]).zip(below.iter().zip(&below[step..]));
    for (sample, ((a, b), (c, d))) in row.iter_mut().zip(pairs) {
        let sum = u16::from(*a) + u16::from(*b) + u16::from(*c) + u16::from(*d);
        *sample = u8::try_from((sum + 2) >> 2).unwrap_or(u8::MAX);
    }
}

fn copy_row(reference: &Plane, left: isize, y: isize, row: &mut [u8]) {
    let y = clamp(y, reference.size.height);
    let inside = usize::try_from(left).ok().filter(|left| left + row.len() <= reference.size.width);
    if let Some(left) = inside {
        row.copy_from_slice(reference.row(y, left, row.len()));
    } else {
        for (x, sample) in (left..).zip(row) {
            *sample = reference.samples[y * reference.stride + clamp(x, reference.size.width)];
        }
    }
}
