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
    let left = square.x.cast_signed() + (steps.x >> 1);
    let top = square.y.cast_signed() + (steps.y >> 1);
    let (between_columns, between_rows) = (steps.x & 1 == 1, steps.y & 1 == 1);
    for (y, row) in (top..).zip(prediction.chunks_exact_mut(square.side)) {
        if !between_columns && !between_rows {
            copy_row(reference, left, y, row);
            continue;
        }
        // Both filters weigh two samples alike, and round once in the end.
        let y_next = y + isize::from(between_rows);
        for (x, sample) in (left..).zip(row) {
            let x_next = x + isize::from(between_columns);
            let sum: u32 = [(x, y), (x_next, y), (x, y_next), (x_next, y_next)]
                .map(|(x, y)| u32::from(clamped(reference, x, y)))
                .iter()
                .sum();
            *sample = u8::try_from((sum + 2) >> 2).unwrap_or(u8::MAX);
        }
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
