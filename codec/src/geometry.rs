//! Rectangles and displacements, in whole pixels, inside one picture.

/// A half-open rectangle: `left <= x < right`, `top <= y < bottom`. Empty when either side is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rect {
    /// First column inside.
    pub left: usize,
    /// First row inside.
    pub top: usize,
    /// First column to the right of it.
    pub right: usize,
    /// First row below it.
    pub bottom: usize,
}

impl Rect {
    /// The rectangle of a whole picture.
    pub const fn of_size(size: Size) -> Self {
        Self { left: 0, top: 0, right: size.width, bottom: size.height }
    }

    /// Columns inside.
    pub const fn width(&self) -> usize {
        self.right.saturating_sub(self.left)
    }

    /// Rows inside.
    pub const fn height(&self) -> usize {
        self.bottom.saturating_sub(self.top)
    }

    /// Pixels inside.
    pub const fn area(&self) -> usize {
        self.width() * self.height()
    }

    /// Whether no pixel is inside.
    pub const fn is_empty(&self) -> bool {
        self.area() == 0
    }

    /// The pixels that both hold.
    pub fn intersection(&self, other: &Self) -> Self {
        let left = self.left.max(other.left);
        let top = self.top.max(other.top);
        Self {
            left,
            top,
            right: self.right.min(other.right).max(left),
            bottom: self.bottom.min(other.bottom).max(top),
        }
    }

    /// The smallest rectangle that holds both; an empty one adds nothing.
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return *other;
        }
        if other.is_empty() {
            return *self;
        }
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// Whether every pixel of `other` is inside.
    pub fn contains(&self, other: &Self) -> bool {
        other.is_empty() || self.intersection(other) == *other
    }

    /// The part of the box at `(x, y)` with `width` x `height` that lies inside a picture of `size`.
    ///
    /// Recordings place boxes anywhere, also at `i32::MAX`; this is the one place where they are cut.
    pub fn clipped(x: i32, y: i32, width: i32, height: i32, size: Size) -> Self {
        let span = |start: i32, length: i32, limit: usize| {
            let end = i64::from(start) + i64::from(length.max(0));
            let inside = |at: i64| usize::try_from(at).unwrap_or(0).min(limit);
            (inside(i64::from(start)), inside(end))
        };
        let (left, right) = span(x, width, size.width);
        let (top, bottom) = span(y, height, size.height);
        Self { left, top, right, bottom }
    }
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Size {
    /// Columns times rows.
    pub const fn area(&self) -> usize {
        self.width * self.height
    }
}

/// An area of the picture that probably equals the last picture displaced by a vector: `to` now shows what
/// `to` moved by `(-dx, -dy)` showed before. A hint that the encoder verifies, never a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyVector {
    /// Where the pixels are now.
    pub to: Rect,
    /// How far they moved to the right.
    pub dx: i32,
    /// How far they moved down.
    pub dy: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 100, height: 50 };

    #[test]
    fn a_box_is_cut_to_the_picture() {
        let whole = Rect::of_size(SIZE);
        assert_eq!(Rect::clipped(-5, -5, 200, 200, SIZE), whole);
        assert_eq!(Rect::clipped(90, 40, 20, 20, SIZE), Rect { left: 90, top: 40, right: 100, bottom: 50 });
        for (x, y, width, height) in
            [(i32::MAX, 0, i32::MAX, 9), (i32::MIN, 0, i32::MAX, 9), (5, 5, -1, 9), (0, 50, 9, 9)]
        {
            assert!(Rect::clipped(x, y, width, height, SIZE).is_empty());
        }
    }

    #[test]
    fn an_empty_rectangle_adds_nothing_to_a_union() {
        let some = Rect { left: 3, top: 4, right: 5, bottom: 6 };
        assert_eq!(some.union(&Rect::default()), some);
        assert_eq!(Rect::default().union(&some), some);
        assert!(some.intersection(&Rect { left: 5, top: 4, right: 9, bottom: 6 }).is_empty());
    }
}
