//! Where an area of pixels lands on another picture, cut to it.

use crate::geometry::{Rect, Size};

/// A position that may lie anywhere; sums of `i32` coordinates never overflow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Position {
    pub(super) x: i64,
    pub(super) y: i64,
}

impl Position {
    pub(super) fn new(x: i32, y: i32) -> Self {
        Self { x: i64::from(x), y: i64::from(y) }
    }

    /// Both displacements after one another.
    pub(super) fn plus(self, x: i64, y: i64) -> Self {
        Self { x: self.x.saturating_add(x), y: self.y.saturating_add(y) }
    }
}

/// A source area that was put at a position and cut to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    /// The area of the target that is drawn on.
    pub(super) to: Rect,
    /// The column of the source that lands on `to.left`.
    pub(super) from_x: usize,
    /// The row of the source that lands on `to.top`.
    pub(super) from_y: usize,
}

impl Placed {
    /// Puts the top left of `from` at `at`, inside a target of `size`.
    pub(super) fn new(from: Rect, at: Position, size: Size) -> Self {
        let (left, right, from_x) = cut(from.left, from.width(), at.x, size.width);
        let (top, bottom, from_y) = cut(from.top, from.height(), at.y, size.height);
        Self { to: Rect { left, top, right, bottom }, from_x, from_y }
    }
}

/// Start and end in the target, and the start in the source, along one axis.
fn cut(from: usize, length: usize, at: i64, limit: usize) -> (usize, usize, usize) {
    let start = clamp(at, limit);
    let end = clamp(at.saturating_add(signed(length)), limit).max(start);
    // What lies left of the target is skipped in the source.
    (start, end, from + clamp(at.saturating_neg(), length))
}

/// A coordinate cut to `0..=limit`.
pub(super) fn clamp(at: i64, limit: usize) -> usize {
    usize::try_from(at.max(0)).unwrap_or(usize::MAX).min(limit)
}

/// A length as a coordinate.
pub(super) fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_cut_on_every_side() {
        let size = Size { width: 10, height: 10 };
        let from = Rect { left: 2, top: 3, right: 22, bottom: 23 };
        let placed = Placed::new(from, Position { x: -4, y: 5 }, size);
        assert_eq!(placed.to, Rect { left: 0, top: 5, right: 10, bottom: 10 });
        assert_eq!((placed.from_x, placed.from_y), (6, 3));
        for at in [i64::MIN, -20, 10, i64::MAX] {
            assert!(Placed::new(from, Position { x: at, y: 0 }, size).to.is_empty());
        }
    }
}
