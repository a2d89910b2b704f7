//! The pixels of a layer, a buffer or an image.

use super::mask::{Mask, Pixel, TRANSPARENT};
use super::path;
use super::place::{Placed, Position};
use crate::geometry::{Rect, Size};

/// Premultiplied pixels, row by row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Surface {
    size: Size,
    pixels: Vec<Pixel>,
}

impl Surface {
    /// A transparent one.
    pub(super) fn new(size: Size) -> Self {
        Self { size, pixels: vec![TRANSPARENT; size.area()] }
    }

    /// The part `area`, on its own.
    pub(super) fn cut(&self, area: Rect) -> Self {
        let mut part = Self::new(Size { width: area.width(), height: area.height() });
        part.draw(self, &Placed::new(area, Position::default(), part.size), Mask::Src);
        part
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    pub(super) fn pixels(&self) -> &[Pixel] {
        &self.pixels
    }

    pub(super) fn pixels_mut(&mut self) -> &mut [Pixel] {
        &mut self.pixels
    }

    /// The pixels of row `y` from column `left` to `right`.
    pub(super) fn row(&self, y: usize, left: usize, right: usize) -> &[Pixel] {
        &self.pixels[y * self.size.width + left..y * self.size.width + right]
    }

    fn row_mut(&mut self, y: usize, left: usize, right: usize) -> &mut [Pixel] {
        &mut self.pixels[y * self.size.width + left..y * self.size.width + right]
    }

    /// Changes the size; what is inside both sizes stays, the rest is transparent.
    pub(super) fn resize(&mut self, size: Size) {
        if size.width == self.size.width {
            self.pixels.resize(size.area(), TRANSPARENT);
            self.size = size;
        } else if size != self.size {
            let mut resized = Self::new(size);
            let kept = Rect::of_size(self.size).intersection(&Rect::of_size(size));
            for y in 0..kept.bottom {
                resized.row_mut(y, 0, kept.right).copy_from_slice(self.row(y, 0, kept.right));
            }
            *self = resized;
        }
    }

    /// Draws a part of `source` on `placed`. Answers the box of what changed outside of it, which only an
    /// unbounded mask does.
    pub(super) fn draw(&mut self, source: &Self, placed: &Placed, mask: Mask) -> Rect {
        let Rect { left, top, right, bottom } = placed.to;
        for y in top..bottom {
            let from_y = placed.from_y + (y - top);
            let from = source.row(from_y, placed.from_x, placed.from_x + (right - left));
            mask.composite(self.row_mut(y, left, right), from);
        }
        if mask.is_unbounded() { self.clear_outside(&[placed.to]) } else { Rect::default() }
    }

    /// Fills the union of `rects`, which lie inside, with a premultiplied colour. Answers as [`Self::draw`].
    pub(super) fn fill(&mut self, rects: &[Rect], color: Pixel, mask: Mask) -> Rect {
        let longest = rects.iter().map(Rect::width).sum::<usize>().min(self.size.width);
        let row = vec![color; longest];
        path::bands(rects, self.size.height, |rows, spans| {
            for y in rows {
                for span in spans {
                    mask.fill(self.row_mut(y, span.start, span.end), color, &row);
                }
            }
        });
        if mask.is_unbounded() { self.clear_outside(rects) } else { Rect::default() }
    }

    /// Replaces each pixel of `placed` by a function of the source's pixel and its own.
    pub(super) fn transfer(&mut self, source: &Self, placed: &Placed, function: fn(Pixel, Pixel) -> Pixel) {
        let Rect { left, top, right, bottom } = placed.to;
        for y in top..bottom {
            let from_y = placed.from_y + (y - top);
            let from = source.row(from_y, placed.from_x, placed.from_x + (right - left));
            for (to, from) in self.row_mut(y, left, right).iter_mut().zip(from) {
                *to = function(*from, *to);
            }
        }
    }

    /// Makes everything outside the union of `rects` transparent. Answers the box of what was not.
    fn clear_outside(&mut self, rects: &[Rect]) -> Rect {
        let mut changed = Rect::default();
        let width = self.size.width;
        path::bands(rects, self.size.height, |rows, spans| {
            for y in rows {
                let mut start = 0;
                for end in spans.iter().map(|span| span.start).chain([width]) {
                    changed = changed.union(&self.clear(y, start, end));
                    start = spans.iter().find(|span| span.start == end).map_or(width, |span| span.end);
                }
            }
        });
        changed
    }

    /// Makes a part of a row transparent. Answers the box of what was not.
    fn clear(&mut self, y: usize, left: usize, right: usize) -> Rect {
        let row = self.row_mut(y, left, right);
        let Some(first) = row.iter().position(|&pixel| pixel != TRANSPARENT) else { return Rect::default() };
        let last = row.iter().rposition(|&pixel| pixel != TRANSPARENT).unwrap_or(first);
        row[first..=last].fill(TRANSPARENT);
        Rect { left: left + first, top: y, right: left + last + 1, bottom: y + 1 }
    }
}
