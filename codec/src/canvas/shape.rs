//! What a path covers: its inside, or a stroke along it.

use super::coverage::coverage;
use super::outline::{Contour, Outline};
use super::path::Path;
use super::place::{clamp, signed};
use crate::geometry::{Rect, Size};
use crate::matrix::Matrix;
use crate::source::guac::{LineCap, LineJoin, Pen};
use tiny_skia_path::{PathBuilder, PathSegment, Stroke};

/// An area with smooth edges in pixels of a layer: what its outline goes round, by the nonzero rule.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape(Vec<Contour>);

impl Shape {
    /// What is inside a path.
    pub(super) fn of(path: &Path) -> Self {
        let mut outline = Outline::default();
        for step in path.steps() {
            outline.add(step);
        }
        Self(outline.finish())
    }

    /// The box from the origin to `size`, transformed.
    pub(super) fn of_box(size: Size, transform: &Matrix) -> Self {
        let mut outline = Outline::new(*transform);
        outline.add_box(0.0, 0.0, float(size.width), float(size.height));
        Self(outline.finish())
    }

    /// The stroke along the outline of this one; `transform` is that of the pen.
    pub(super) fn stroked(&self, pen: Pen, miter_limit: f64, transform: &Matrix) -> Self {
        let stroke = Stroke {
            width: single(f64::from(pen.thickness.max(1))),
            miter_limit: single(miter_limit),
            line_cap: match pen.cap {
                LineCap::Butt => tiny_skia_path::LineCap::Butt,
                LineCap::Round => tiny_skia_path::LineCap::Round,
                LineCap::Square => tiny_skia_path::LineCap::Square,
            },
            line_join: match pen.join {
                LineJoin::Bevel => tiny_skia_path::LineJoin::Bevel,
                LineJoin::Miter => tiny_skia_path::LineJoin::Miter,
                LineJoin::Round => tiny_skia_path::LineJoin::Round,
            },
            dash: None,
        };
        let mut outline = Outline::new(*transform);
        let path = transform.inverse().and_then(|back| path_of(&self.0, &back));
        let Some(stroked) = path.and_then(|path| path.stroke(&stroke, 1.0)) else { return Self::default() };
        let at = |point: tiny_skia_path::Point| (f64::from(point.x), f64::from(point.y));
        for segment in stroked.segments() {
            match segment {
                PathSegment::MoveTo(to) => outline.move_to(at(to)),
                PathSegment::LineTo(to) => outline.line_to(at(to)),
                PathSegment::QuadTo(control, to) => outline.quad_to([at(control), at(to)]),
                PathSegment::CubicTo(first, second, to) => outline.curve_to([at(first), at(second), at(to)]),
                PathSegment::Close => outline.close(),
            }
        }
        Self(outline.finish())
    }

    /// Whether nothing is covered.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The part of a layer of `size` that may be covered.
    pub(super) fn bounds(&self, size: Size) -> Rect {
        let points = || self.0.iter().flat_map(|contour| &contour.points);
        let span = |at: fn(&(f64, f64)) -> f64, limit: usize| {
            let first = points().map(at).fold(f64::INFINITY, f64::min);
            let last = points().map(at).fold(f64::NEG_INFINITY, f64::max);
            (clamp(whole(first.floor()), limit), clamp(whole(last.ceil()), limit))
        };
        let (left, right) = span(|point| point.0, size.width);
        let (top, bottom) = span(|point| point.1, size.height);
        Rect { left, top, right, bottom }
    }

    /// The work of finding what is covered on a layer of some height: rows that edges pass, and points.
    pub(super) fn work(&self, height: usize) -> usize {
        let row = |y: f64| clamp(whole(y), height);
        let passed = |(from, to): (&(f64, f64), &(f64, f64))| row(from.1).abs_diff(row(to.1)) + 1;
        let of_contour = |contour: &Contour| -> usize {
            let ends = contour.points.iter().cycle().skip(1);
            contour.points.iter().zip(ends).map(passed).sum()
        };
        self.0.iter().map(of_contour).sum()
    }

    /// How much of each pixel of `area` is covered, 0 to 255, row by row.
    pub(super) fn coverage(&self, area: Rect) -> Vec<u8> {
        coverage(&self.0, area)
    }
}

/// What can be stroked along the transformed contours.
fn path_of(contours: &[Contour], transform: &Matrix) -> Option<tiny_skia_path::Path> {
    let mut builder = PathBuilder::new();
    for Contour { points, closed } in contours {
        for (index, (x, y)) in points.iter().enumerate() {
            let (x, y) = transform.map(*x, *y);
            match index {
                0 => builder.move_to(single(x), single(y)),
                _ => builder.line_to(single(x), single(y)),
            }
        }
        if *closed {
            builder.close();
        }
    }
    builder.finish()
}

/// The pixels of a picture of `size` in which an area may be seen, or of which its pixels may be mixed.
pub(super) fn landing(area: Rect, transform: &Matrix, size: Size) -> Rect {
    if area.is_empty() {
        return Rect::default();
    }
    let (xs, ys) = ([area.left, area.right].map(float), [area.top, area.bottom].map(float));
    let corners = xs.map(|x| ys.map(|y| transform.map(x, y)));
    let span = |at: fn((f64, f64)) -> f64, limit: usize| {
        let all = corners.as_flattened().iter().map(|corner| at(*corner));
        let (first, last) =
            (all.clone().fold(f64::INFINITY, f64::min), all.fold(f64::NEG_INFINITY, f64::max));
        // A pixel is mixed with its neighbours.
        (clamp(whole(first.floor() - 1.0), limit), clamp(whole(last.ceil() + 1.0), limit))
    };
    let ((left, right), (top, bottom)) =
        (span(|corner| corner.0, size.width), span(|corner| corner.1, size.height));
    Rect { left, top, right, bottom }
}

/// In the precision of the stroker.
#[expect(clippy::as_conversions, reason = "rounds; what is too large becomes infinite, and is not stroked")]
fn single(value: f64) -> f32 {
    value as f32
}

/// A whole number; what is too large becomes the largest.
#[expect(clippy::as_conversions, reason = "a cast from a float saturates")]
pub(super) fn whole(value: f64) -> i64 {
    value as i64
}

/// A coordinate as a float.
#[expect(clippy::as_conversions, reason = "exact up to 53 bits")]
pub(super) fn real(at: i64) -> f64 {
    at as f64
}

/// A length as a float, exact for every picture.
pub(super) fn float(length: usize) -> f64 {
    real(signed(length))
}

#[cfg(test)]
mod tests;
