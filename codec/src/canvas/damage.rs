//! What changed on the screen.

use crate::geometry::{CopyVector, Rect};

/// Most rectangles of one damage.
const RECTS: usize = 32;

/// Most copy vectors of one damage.
const COPIES: usize = 16;

/// What changed since the last time, in coordinates of the screen (layer 0), without the mouse pointer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Damage {
    /// Where pixels may have changed: disjoint, none empty, at most 32.
    pub rects: Vec<Rect>,
    /// Displacements that explain some of the changes, at most 16, the latest last.
    pub copies: Vec<CopyVector>,
}

impl Damage {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.rects.is_empty()
    }

    /// Adds a rectangle.
    ///
    /// Rectangles that overlap, or that lie side by side without waste, become one. Beyond the limit those two
    /// become one whose union adds the fewest pixels.
    pub(super) fn add(&mut self, rect: Rect) {
        if rect.is_empty() || self.rects.iter().any(|known| known.contains(&rect)) {
            return;
        }
        self.absorb(rect);
        while self.rects.len() > RECTS {
            let (first, second) = self.nearest_pair();
            let union = self.rects[first].union(&self.rects[second]);
            // The second index is the larger one.
            self.rects.swap_remove(second);
            self.rects.swap_remove(first);
            self.absorb(union);
        }
    }

    /// Adds a rectangle and joins with it all that it touches.
    fn absorb(&mut self, mut rect: Rect) {
        while let Some(index) = self.rects.iter().position(|known| joins(known, &rect)) {
            rect = rect.union(&self.rects.swap_remove(index));
        }
        self.rects.push(rect);
    }

    fn nearest_pair(&self) -> (usize, usize) {
        let added = |&(first, second): &(usize, usize)| {
            let (first, second) = (&self.rects[first], &self.rects[second]);
            first.union(second).area() - first.area() - second.area()
        };
        let pairs = (0..self.rects.len()).flat_map(|first| (0..first).map(move |second| (second, first)));
        pairs.min_by_key(added).unwrap_or((0, 1))
    }

    /// Adds a copy of `to` by `(dx, dy)`. Where its source is itself the result of an earlier copy, the sum of
    /// both is added too: from the last picture's point of view that is the displacement.
    pub(super) fn add_copy(&mut self, copy: CopyVector) {
        if copy.to.is_empty() || (copy.dx, copy.dy) == (0, 0) {
            return;
        }
        let earlier = self
            .copies
            .iter()
            .rev()
            .find(|earlier| source(&copy).is_some_and(|source| earlier.to.contains(&source)));
        let sum = earlier.and_then(|earlier| {
            Some(CopyVector {
                to: copy.to,
                dx: copy.dx.checked_add(earlier.dx)?,
                dy: copy.dy.checked_add(earlier.dy)?,
            })
        });
        for copy in [Some(copy), sum].into_iter().flatten() {
            if (copy.dx, copy.dy) != (0, 0) && !self.copies.contains(&copy) {
                if self.copies.len() == COPIES {
                    self.copies.remove(0);
                }
                self.copies.push(copy);
            }
        }
    }
}

/// Whether two rectangles overlap, or their union is nothing but both.
fn joins(first: &Rect, second: &Rect) -> bool {
    !first.intersection(second).is_empty() || first.union(second).area() == first.area() + second.area()
}

/// Where the pixels of a copy came from, if that is on the screen.
fn source(copy: &CopyVector) -> Option<Rect> {
    let shift = |at: usize, by: i32| usize::try_from(i64::try_from(at).ok()? - i64::from(by)).ok();
    Some(Rect {
        left: shift(copy.to.left, copy.dx)?,
        top: shift(copy.to.top, copy.dy)?,
        right: shift(copy.to.right, copy.dx)?,
        bottom: shift(copy.to.bottom, copy.dy)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn square(left: usize, top: usize, side: usize) -> Rect {
        Rect { left, top, right: left + side, bottom: top + side }
    }

    #[test]
    fn touching_rectangles_join_and_distant_ones_do_not() {
        let mut damage = Damage::default();
        damage.add(square(0, 0, 10));
        damage.add(square(10, 0, 10));
        damage.add(square(50, 50, 10));
        damage.add(square(10, 0, 5));
        assert_eq!(damage.rects, [Rect { left: 0, top: 0, right: 20, bottom: 10 }, square(50, 50, 10)]);
        damage.add(Rect { left: 15, top: 5, right: 55, bottom: 55 });
        assert_eq!(damage.rects, [Rect { left: 0, top: 0, right: 60, bottom: 60 }]);
    }

    #[test]
    fn two_scrolls_are_also_one() {
        let mut damage = Damage::default();
        let to = Rect { left: 0, top: 0, right: 80, bottom: 80 };
        let scroll = |to, dy| CopyVector { to, dx: 0, dy };
        damage.add_copy(scroll(to, -16));
        damage.add_copy(scroll(Rect { bottom: 64, ..to }, -16));
        damage.add_copy(scroll(to, 0));
        assert_eq!(
            damage.copies,
            [scroll(to, -16), scroll(Rect { bottom: 64, ..to }, -16), scroll(Rect { bottom: 64, ..to }, -32)]
        );
    }

    proptest! {
        #[test]
        fn rectangles_stay_bounded_disjoint_and_complete(
            rects in prop::collection::vec((0..500_usize, 0..500_usize, 0..40_usize), 0..200),
        ) {
            let mut damage = Damage::default();
            for &(left, top, side) in &rects {
                damage.add(square(left, top, side));
            }
            prop_assert!(damage.rects.len() <= RECTS);
            for (left, top, side) in rects {
                let rect = square(left, top, side);
                let covered: usize = damage.rects.iter().map(|known| known.intersection(&rect).area()).sum();
                prop_assert_eq!(covered, rect.area());
            }
        }
    }
}
