//! The outline of a path as lines.

use super::path::{Segment, Step};
use super::shape::{real, whole};
use crate::matrix::Matrix;
use crate::source::guac::Arc;
use std::f64::consts::{FRAC_PI_2, TAU};

/// How far a curve may be from the lines that stand for it, in pixels.
const FLATNESS: f64 = 0.05;
/// Most lines for one curve.
const CURVE_LINES: f64 = 256.0;
/// What is further away than this is not drawn: nothing seen depends on it, and distances stay exact.
const FAR: f64 = 1e12;

/// A place in pixels of a layer.
type Point = (f64, f64);

/// One part of an outline.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Contour {
    pub(super) points: Vec<Point>,
    /// Whether the last point is joined with the first. For a fill it always is.
    pub(super) closed: bool,
}

fn axis_x(point: Point) -> f64 {
    point.0
}

fn axis_y(point: Point) -> f64 {
    point.1
}

/// Follows a path; the transform is that of the next points.
#[derive(Debug, Default)]
pub(super) struct Outline {
    transform: Matrix,
    done: Vec<Contour>,
    current: Contour,
}

impl Outline {
    pub(super) fn new(transform: Matrix) -> Self {
        Self { transform, ..Self::default() }
    }

    /// All parts.
    pub(super) fn finish(mut self) -> Vec<Contour> {
        self.end_contour();
        self.done
    }

    /// Adds a step. By a transform that cannot be undone nothing is drawn.
    pub(super) fn add(&mut self, step: &Step) {
        if step.transform.inverse().is_none() {
            return;
        }
        self.transform = step.transform;
        match step.segment {
            Segment::Rect { x, y, width, height } => {
                self.add_box(x.into(), y.into(), width.into(), height.into());
            }
            Segment::Start { x, y } => self.move_to((x.into(), y.into())),
            Segment::Line { x, y } => self.line_to((x.into(), y.into())),
            Segment::Curve { x1, y1, x2, y2, x, y } => {
                if self.current.points.is_empty() {
                    self.move_to((x1.into(), y1.into()));
                }
                self.curve_to([(x1.into(), y1.into()), (x2.into(), y2.into()), (x.into(), y.into())]);
            }
            Segment::Arc(arc) => self.add_arc(arc),
            Segment::Close => self.close(),
        }
    }

    /// Adds a box; the next line begins at its corner.
    pub(super) fn add_box(&mut self, x: f64, y: f64, width: f64, height: f64) {
        self.move_to((x, y));
        for corner in [(x + width, y), (x + width, y + height), (x, y + height)] {
            self.line_to(corner);
        }
        self.close();
    }

    pub(super) fn move_to(&mut self, to: Point) {
        self.end_contour();
        self.push(self.transform.map(to.0, to.1));
    }

    /// Adds a line. The first one begins where it ends.
    pub(super) fn line_to(&mut self, to: Point) {
        self.push(self.transform.map(to.0, to.1));
    }

    /// Adds a quadratic curve, by the cubic one that is the same.
    pub(super) fn quad_to(&mut self, [control, to]: [Point; 2]) {
        let (control, to) = (self.transform.map(control.0, control.1), self.transform.map(to.0, to.1));
        let Some(&from) = self.current.points.last() else { return self.push(to) };
        let near =
            |end: Point| (end.0 + (control.0 - end.0) * 2.0 / 3.0, end.1 + (control.1 - end.1) * 2.0 / 3.0);
        self.flatten([from, near(from), near(to), to]);
    }

    /// Adds a cubic curve.
    pub(super) fn curve_to(&mut self, points: [Point; 3]) {
        let [first, second, to] = points.map(|(x, y)| self.transform.map(x, y));
        let Some(&from) = self.current.points.last() else { return self.push(to) };
        self.flatten([from, first, second, to]);
    }

    /// Joins the last point with the first; the next line begins there.
    pub(super) fn close(&mut self) {
        let first = self.current.points.first().copied();
        self.current.closed = true;
        self.end_contour();
        if let Some(first) = first {
            self.push(first);
        }
    }

    fn push(&mut self, point: Point) {
        if point.0.abs() <= FAR && point.1.abs() <= FAR {
            self.current.points.push(point);
        }
    }

    /// A single point, where nothing was drawn from, is no part of the outline.
    fn end_contour(&mut self) {
        let contour = std::mem::take(&mut self.current);
        if contour.points.len() > 1 {
            self.done.push(contour);
        }
    }

    /// Adds a cubic curve between its ends as lines.
    fn flatten(&mut self, [from, first, second, to]: [Point; 4]) {
        let bend = |a: Point, b: Point, c: Point| (a.0 - 2.0 * b.0 + c.0).hypot(a.1 - 2.0 * b.1 + c.1);
        let bend = bend(from, first, second).max(bend(first, second, to));
        // The distance of n equal parts from their curve is at most 6 / 8 of the bend, divided by n squared.
        let lines = (bend * 0.75 / FLATNESS).sqrt().ceil().clamp(1.0, CURVE_LINES);
        for line in 1..=whole(lines) {
            let t = real(line) / lines;
            let s = 1.0 - t;
            let at = |p: fn(Point) -> f64| {
                s * s * s * p(from)
                    + 3.0 * s * s * t * p(first)
                    + 3.0 * s * t * t * p(second)
                    + t * t * t * p(to)
            };
            self.push((at(axis_x), at(axis_y)));
        }
    }

    /// An arc as cubic curves, each of a quarter or less. A negative radius is an error of the HTML canvas.
    fn add_arc(&mut self, arc: Arc) {
        let radius = f64::from(arc.radius);
        if radius < 0.0 {
            return;
        }
        let sweep = sweep(arc);
        let pieces = (sweep.abs() / FRAC_PI_2).ceil().max(1.0);
        let step = sweep / pieces;
        let (x, y) = (f64::from(arc.x), f64::from(arc.y));
        let mut angle = arc.start;
        self.line_to((x + radius * angle.cos(), y + radius * angle.sin()));
        // The distance of the control points by which a cubic curve comes closest to the arc.
        let reach = radius * 4.0 / 3.0 * (step / 4.0).tan();
        for _ in 0..whole(pieces) {
            let next = angle + step;
            let [(sin, cos), (next_sin, next_cos)] = [angle.sin_cos(), next.sin_cos()];
            let end = (x + radius * next_cos, y + radius * next_sin);
            self.curve_to([
                (x + radius * cos - reach * sin, y + radius * sin + reach * cos),
                (end.0 + reach * next_sin, end.1 - reach * next_cos),
                end,
            ]);
            angle = next;
        }
    }
}

/// The angle from the start to the end of an arc, as browsers count it: at most a full turn.
fn sweep(arc: Arc) -> f64 {
    let forward = if arc.negative { arc.start - arc.end } else { arc.end - arc.start };
    let angle = if forward >= TAU {
        TAU
    } else if forward < 0.0 {
        TAU - (-forward % TAU)
    } else {
        forward
    };
    if arc.negative { -angle } else { angle }
}
