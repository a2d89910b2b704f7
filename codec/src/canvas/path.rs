//! The path of a layer: what its next fill, stroke or clip covers.

use crate::geometry::{Rect, Size};
use crate::matrix::Matrix;
use crate::source::guac::Arc;
use std::ops::Range;

/// Sub-paths in the order in which they came; what several cover is filled once.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Path {
    steps: Vec<Step>,
    /// A path that was drawn can be drawn again; the next segment begins another.
    ended: bool,
}

/// A segment, and how the layer was transformed when it came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    pub(super) segment: Segment,
    pub(super) transform: Matrix,
}

/// A part of a path, as the instruction of the same name gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Segment {
    Rect { x: i32, y: i32, width: i32, height: i32 },
    Start { x: i32, y: i32 },
    Line { x: i32, y: i32 },
    Curve { x1: i32, y1: i32, x2: i32, y2: i32, x: i32, y: i32 },
    Arc(Arc),
    Close,
}

impl Segment {
    /// The corner that a buffer grows to hold.
    pub(super) fn corner(&self) -> Option<(i64, i64)> {
        let end = |start: i32, length: i32| i64::from(start) + i64::from(length.max(0));
        match *self {
            Self::Rect { x, y, width, height } => Some((end(x, width), end(y, height))),
            Self::Start { x, y } | Self::Line { x, y } | Self::Curve { x, y, .. } => {
                Some((x.into(), y.into()))
            }
            Self::Arc(Arc { x, y, .. }) => Some((x.into(), y.into())),
            Self::Close => None,
        }
    }
}

impl Path {
    /// Adds a step.
    pub(super) fn add(&mut self, step: Step) {
        if step.segment == Segment::Close {
            // Also what was drawn already can be closed, to be stroked.
            self.ended = true;
        } else if self.ended {
            self.steps.clear();
            self.ended = false;
        }
        self.steps.push(step);
    }

    /// Ends the path.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Whether the next segment begins another path.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The parts of its boxes inside a layer of `size`, if it is nothing but upright boxes.
    pub(super) fn rects(&self, size: Size) -> Option<Vec<Rect>> {
        let mut rects = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            match step.segment {
                // A box of negative length runs the other way round, and cuts a hole into others.
                Segment::Rect { x, y, width: width @ 0.., height: height @ 0.. }
                    if step.transform == Matrix::IDENTITY =>
                {
                    let rect = Rect::clipped(x, y, width, height, size);
                    rects.extend(Some(rect).filter(|rect| !rect.is_empty()));
                }
                Segment::Close => {}
                Segment::Rect { .. }
                | Segment::Start { .. }
                | Segment::Line { .. }
                | Segment::Curve { .. }
                | Segment::Arc(_) => return None,
            }
        }
        Some(rects)
    }
}

/// Cuts a picture of `height` rows into bands in which the union of `rects` is the same on every row, and
/// calls `visit` with each band's rows and covered columns: in order, disjoint, possibly none.
pub(super) fn bands(rects: &[Rect], height: usize, mut visit: impl FnMut(Range<usize>, &[Range<usize>])) {
    let mut edges: Vec<usize> = rects.iter().flat_map(|rect| [rect.top, rect.bottom]).collect();
    edges.extend([0, height]);
    edges.sort_unstable();
    edges.dedup();
    let mut spans: Vec<Range<usize>> = Vec::new();
    for edge in edges.windows(2) {
        let (top, bottom) = (edge[0], edge[1]);
        let mut covering: Vec<Range<usize>> = rects
            .iter()
            .filter(|rect| rect.top <= top && bottom <= rect.bottom)
            .map(|rect| rect.left..rect.right)
            .collect();
        covering.sort_unstable_by_key(|span| span.start);
        spans.clear();
        for span in covering {
            match spans.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => spans.push(span),
            }
        }
        visit(top..bottom, &spans);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 8, height: 6 };

    fn boxes(boxes: &[[i32; 4]]) -> Path {
        let mut path = Path::default();
        for &[x, y, width, height] in boxes {
            let segment = Segment::Rect { x, y, width, height };
            path.add(Step { segment, transform: Matrix::IDENTITY });
        }
        path
    }

    #[test]
    fn overlapping_boxes_are_covered_once() {
        let path = boxes(&[[-2, 1, 6, 3], [2, 2, 3, 9], [7, 0, i32::MAX, 1], [9, 9, 1, 1], [0, 0, 0, 4]]);
        let mut rows = vec![String::new(); SIZE.height];
        bands(&path.rects(SIZE).unwrap(), SIZE.height, |band, spans| {
            for row in &mut rows[band] {
                *row = (0..SIZE.width)
                    .map(|x| if spans.iter().any(|s| s.contains(&x)) { '#' } else { '.' })
                    .collect();
            }
        });
        assert_eq!(rows, [".......#", "####....", "#####...", "#####...", "..###...", "..###..."]);
    }

    #[test]
    fn a_segment_behind_the_end_begins_another_path() {
        let step = |segment| Step { segment, transform: Matrix::IDENTITY };
        let mut path = boxes(&[[0, 0, 1, 1]]);
        path.end();
        path.add(step(Segment::Close));
        assert_eq!((path.steps().len(), path.rects(SIZE).map(|rects| rects.len())), (2, Some(1)));
        path.add(step(Segment::Line { x: 1, y: 1 }));
        assert_eq!((path.steps().len(), path.rects(SIZE)), (1, None));
        assert_eq!(boxes(&[[0, 0, -1, 1]]).rects(SIZE), None);
    }
}
