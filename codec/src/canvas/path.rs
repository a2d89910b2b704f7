//! The path of a layer: the rectangles that the next fill covers.

use crate::geometry::{Rect, Size};
use std::ops::Range;

/// Rectangles that are filled together; what several cover is filled once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Path {
    boxes: Vec<[i32; 4]>,
    /// A filled path can be filled again; the next rectangle begins another.
    closed: bool,
}

impl Path {
    /// Adds a box at `(x, y)`, or refuses it when the path has `limit` boxes.
    pub(super) fn add(&mut self, [x, y, width, height]: [i32; 4], limit: usize) -> Result<(), PathFull> {
        if self.closed {
            self.boxes.clear();
            self.closed = false;
        }
        if self.boxes.len() >= limit {
            return Err(PathFull);
        }
        self.boxes.push([x, y, width, height]);
        Ok(())
    }

    /// Ends the path.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// The boxes, and whether the path is closed: all that there is.
    pub(super) fn state(&self) -> (&[[i32; 4]], bool) {
        let Self { boxes, closed } = self;
        (boxes, *closed)
    }

    /// The parts of the boxes inside a layer of `size`.
    pub(super) fn rects(&self, size: Size) -> Vec<Rect> {
        let cut = |&[x, y, width, height]: &[i32; 4]| Rect::clipped(x, y, width, height, size);
        self.boxes.iter().map(cut).filter(|rect| !rect.is_empty()).collect()
    }
}

/// A path has as many boxes as it may.
#[derive(Debug)]
pub(super) struct PathFull;

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

    #[test]
    fn overlapping_boxes_are_covered_once() {
        let size = Size { width: 8, height: 6 };
        let mut path = Path::default();
        for rect in [[-2, 1, 6, 3], [2, 2, 3, 9], [7, 0, i32::MAX, 1], [9, 9, 1, 1], [0, 0, -4, 4]] {
            path.add(rect, 5).unwrap();
        }
        assert!(path.add([0, 0, 1, 1], 5).is_err());
        let mut rows = vec![String::new(); size.height];
        bands(&path.rects(size), size.height, |band, spans| {
            for row in &mut rows[band] {
                *row = (0..size.width)
                    .map(|x| if spans.iter().any(|s| s.contains(&x)) { '#' } else { '.' })
                    .collect();
            }
        });
        assert_eq!(rows, [".......#", "####....", "#####...", "#####...", "..###...", "..###..."]);
        path.close();
        path.add([0, 0, 1, 1], 5).unwrap();
        assert_eq!(path.rects(size).len(), 1);
    }
}
