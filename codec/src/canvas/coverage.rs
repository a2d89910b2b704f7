//! How much of each pixel an outline covers.

use super::outline::Contour;
use super::shape::{float, whole};
use crate::geometry::Rect;

/// Lines of a row of pixels that are looked at. Along them edges are exact.
const LINES: usize = 16;

/// An edge that goes down through the area, in its pixels.
#[derive(Debug, Clone, Copy)]
struct Edge {
    top: f64,
    bottom: f64,
    /// Where it is at row 0, and how far it goes to the right with each row.
    x: f64,
    slope: f64,
    /// 1 where the outline goes down here, -1 where it goes up.
    winding: i32,
}

/// The part of each pixel of `area` that is inside of closed contours by the nonzero rule, 0 to 255, row by row.
pub(super) fn coverage(contours: &[Contour], area: Rect) -> Vec<u8> {
    let mut edges: Vec<_> = contours.iter().flat_map(|contour| edges_of(contour, area)).collect();
    edges.sort_unstable_by(|a, b| a.top.total_cmp(&b.top));
    let mut covered = vec![0; area.area()];
    let mut coming = edges.into_iter().peekable();
    let mut active: Vec<Edge> = Vec::new();
    let mut crossings: Vec<(f64, i32)> = Vec::new();
    let mut row = Row::new(area.width());
    for (y, pixels) in covered.chunks_mut(area.width().max(1)).enumerate() {
        for line in 0..LINES {
            let y = float(y) + (float(line) + 0.5) / float(LINES);
            active.extend(std::iter::from_fn(|| coming.next_if(|edge| edge.top <= y)));
            active.retain(|edge| edge.bottom > y);
            let right = float(area.width());
            crossings.clear();
            crossings.extend(
                active.iter().map(|edge| ((edge.x + edge.slope * y).clamp(0.0, right), edge.winding)),
            );
            crossings.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            let mut turns = 0;
            for pair in crossings.windows(2) {
                turns += pair[0].1;
                if turns != 0 {
                    row.add(pair[0].0, pair[1].0);
                }
            }
        }
        row.take(pixels);
    }
    covered
}

/// The edges of a closed contour that pass the rows of `area`.
fn edges_of(contour: &Contour, area: Rect) -> impl Iterator<Item = Edge> {
    let (left, above, height) = (float(area.left), float(area.top), float(area.height()));
    let ends = contour.points.iter().cycle().skip(1);
    contour.points.iter().zip(ends).filter_map(move |(from, to)| {
        let winding = if from.1 < to.1 { 1 } else { -1 };
        let (upper, lower) = if from.1 < to.1 { (from, to) } else { (to, from) };
        let (top, bottom) = (upper.1 - above, lower.1 - above);
        let slope = (lower.0 - upper.0) / (bottom - top);
        let edge = Edge { top, bottom, x: upper.0 - left - slope * top, slope, winding };
        (bottom > top && bottom > 0.0 && top < height).then_some(edge)
    })
}

/// A row of pixels that spans are added to.
struct Row {
    /// What a span covers of the pixels at its ends.
    ends: Vec<f64>,
    /// By how much more is covered from a pixel on.
    steps: Vec<f64>,
}

impl Row {
    fn new(width: usize) -> Self {
        Self { ends: vec![0.0; width + 1], steps: vec![0.0; width + 1] }
    }

    /// Covers one line from `start` to `end`, both inside the row.
    fn add(&mut self, start: f64, end: f64) {
        let (first, last) = (whole(start), whole(end));
        let pixel = |at: i64| usize::try_from(at).unwrap_or(0).min(self.ends.len() - 1);
        let (first_pixel, last_pixel) = (pixel(first), pixel(last));
        if first_pixel == last_pixel {
            self.ends[first_pixel] += end - start;
            return;
        }
        self.ends[first_pixel] += float(first_pixel) + 1.0 - start;
        self.steps[first_pixel + 1] += 1.0;
        self.steps[last_pixel] -= 1.0;
        self.ends[last_pixel] += end - float(last_pixel);
    }

    /// Gives the covered part of each pixel, and begins anew.
    fn take(&mut self, pixels: &mut [u8]) {
        let mut steps = 0.0;
        for ((pixel, end), step) in pixels.iter_mut().zip(&mut self.ends).zip(&mut self.steps) {
            steps += std::mem::take(step);
            let part = (steps + std::mem::take(end)) / float(LINES);
            *pixel = u8::try_from(whole(part * 255.0 + 0.5)).unwrap_or(u8::MAX);
        }
        // What is right of the last pixel.
        self.ends.fill(0.0);
        self.steps.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn contour(points: &[(f64, f64)]) -> Contour {
        Contour { points: points.to_vec(), closed: true }
    }

    #[test]
    fn parts_of_pixels_are_covered_in_part() {
        let area = Rect { left: 1, top: 1, right: 5, bottom: 3 };
        let outside = contour(&[(-9.0, -9.0), (1.25, -9.0), (1.25, 99.0), (-9.0, 99.0)]);
        let inside = contour(&[(2.5, 1.0), (4.0, 1.0), (4.0, 1.5), (2.5, 1.5)]);
        assert_eq!(coverage(&[outside, inside], area), [64, 64, 128, 0, 64, 0, 0, 0]);
        let triangle = contour(&[(1.0, 3.0), (5.0, 3.0), (1.0, 1.0)]);
        assert_eq!(coverage(&[triangle], area), [191, 64, 0, 0, 255, 255, 191, 64]);
    }

    #[test]
    fn what_turns_the_other_way_is_a_hole() {
        let area = Rect { left: 0, top: 0, right: 3, bottom: 1 };
        let ring = |reverse| {
            let mut hole = vec![(1.0, 0.0), (2.0, 0.0), (2.0, 1.0), (1.0, 1.0)];
            if reverse {
                hole.reverse();
            }
            let all = contour(&[(0.0, -1.0), (3.0, -1.0), (3.0, 2.0), (0.0, 2.0)]);
            coverage(&[all, contour(&hole)], area)
        };
        assert_eq!((ring(false), ring(true)), (vec![255, 255, 255], vec![255, 0, 255]));
        assert_eq!(coverage(&[contour(&[(1.0, 1.0)]), contour(&[])], area), [0, 0, 0]);
    }

    proptest! {
        #[test]
        fn bands_are_parts_of_the_whole(
            points in prop::collection::vec((-20.0..30.0_f64, -20.0..30.0_f64), 0..12),
            cut in 1..15_usize,
        ) {
            let contours = [contour(&points)];
            let area = |left, top, bottom| Rect { left, top, right: 16, bottom };
            let whole = coverage(&contours, area(0, 0, 16));
            let parts = [coverage(&contours, area(0, 0, cut)), coverage(&contours, area(0, cut, 16))].concat();
            prop_assert!(whole.iter().zip(&parts).all(|(whole, part)| whole.abs_diff(*part) <= 1));
            let right = coverage(&contours, area(cut, 0, 16));
            let columns = whole.chunks(16).flat_map(|row| &row[cut..]);
            prop_assert!(columns.zip(&right).all(|(whole, part)| whole.abs_diff(*part) <= 1));
        }
    }
}
