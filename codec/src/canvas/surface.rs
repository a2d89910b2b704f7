//! The pixels of a layer, a buffer or an image.

use super::mask::{Mask, Pixel, TRANSPARENT};
use super::path;
use super::place::Placed;
use crate::geometry::{Rect, Size};

/// Premultiplied pixels, row by row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Surface {
    size: Size,
    pixels: Vec<Pixel>,
}

/// Where drawn pixels come from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// Another picture.
    Other(&'a Surface),
    /// The one that is drawn on, also where both areas overlap.
    Itself,
}

impl Surface {
    /// A transparent one.
    pub(super) fn new(size: Size) -> Self {
        Self { size, pixels: vec![TRANSPARENT; size.area()] }
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

    /// Sets all pixels to opaque colours, of which there are as many.
    pub(super) fn set_opaque(&mut self, colors: &[[u8; 3]]) {
        for (pixel, [red, green, blue]) in self.pixels.iter_mut().zip(colors) {
            *pixel = [*red, *green, *blue, 255];
        }
    }

    /// Memory of the pixels.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.pixels.as_slice())
    }

    /// The pixels of row `y` from column `left` to `right`.
    pub(super) fn row(&self, y: usize, left: usize, right: usize) -> &[Pixel] {
        &self.pixels[y * self.size.width + left..y * self.size.width + right]
    }

    /// The same, to draw on.
    pub(super) fn row_mut(&mut self, y: usize, left: usize, right: usize) -> &mut [Pixel] {
        &mut self.pixels[y * self.size.width + left..y * self.size.width + right]
    }

    /// Changes the size, in place; what is inside both sizes stays, the rest is transparent.
    pub(super) fn resize(&mut self, size: Size) {
        let old = std::mem::replace(&mut self.size, size);
        let rows = old.height.min(size.height);
        if size.width < old.width {
            for y in 0..rows {
                self.pixels.copy_within(y * old.width..y * old.width + size.width, y * size.width);
            }
            self.pixels.truncate(rows * size.width);
        }
        self.pixels.truncate(rows * old.width);
        self.pixels.reserve_exact(size.area().saturating_sub(self.pixels.len()));
        self.pixels.resize(size.area(), TRANSPARENT);
        if size.width > old.width {
            for y in (0..rows).rev() {
                self.pixels.copy_within(y * old.width..(y + 1) * old.width, y * size.width);
                self.row_mut(y, old.width, size.width).fill(TRANSPARENT);
            }
        }
    }

    /// Draws a part of `source` on `placed`. Answers the box of what changed outside of it, which only an
    /// unbounded mask does.
    pub(super) fn draw(&mut self, source: Source<'_>, placed: &Placed, mask: Mask) -> Rect {
        self.combine(source, placed, |to, from| mask.composite(to, from));
        if mask.is_unbounded() { self.clear_outside(&[placed.to]) } else { Rect::default() }
    }

    /// Replaces each pixel of `placed` by a function of the source's pixel and its own.
    pub(super) fn transfer(
        &mut self,
        source: Source<'_>,
        placed: &Placed,
        function: fn(Pixel, Pixel) -> Pixel,
    ) {
        self.combine(source, placed, |to, from| {
            for (to, from) in to.iter_mut().zip(from) {
                *to = function(*from, *to);
            }
        });
    }

    /// Lets `combine` change each row of `placed` by the source's row, as it was before.
    fn combine(
        &mut self,
        source: Source<'_>,
        placed: &Placed,
        mut combine: impl FnMut(&mut [Pixel], &[Pixel]),
    ) {
        let Rect { left, top, right, bottom } = placed.to;
        let (from_left, from_right) = (placed.from_x, placed.from_x + placed.to.width());
        match source {
            Source::Other(source) => {
                for y in top..bottom {
                    let from = source.row(placed.from_y + (y - top), from_left, from_right);
                    combine(self.row_mut(y, left, right), from);
                }
            }
            Source::Itself => {
                let mut from = Vec::with_capacity(placed.to.width());
                let downwards = top > placed.from_y;
                for row in 0..placed.to.height() {
                    // Rows that are still to be read are written last.
                    let row = if downwards { placed.to.height() - 1 - row } else { row };
                    from.clear();
                    from.extend_from_slice(self.row(placed.from_y + row, from_left, from_right));
                    combine(self.row_mut(top + row, left, right), &from);
                }
            }
        }
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

    /// Makes everything outside the union of `rects` transparent. Answers the box of what was not.
    fn clear_outside(&mut self, rects: &[Rect]) -> Rect {
        let mut changed = Rect::default();
        let width = self.size.width;
        path::bands(rects, self.size.height, |rows, spans| {
            for y in rows {
                let mut start = 0;
                for span in spans {
                    changed = changed.union(&self.clear(y, start, span.start));
                    start = span.end;
                }
                changed = changed.union(&self.clear(y, start, width));
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

#[cfg(test)]
mod tests;
