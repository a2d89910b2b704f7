//! Drawing in general: a colour or a picture, through a shape with smooth edges, cut by clips.

use super::mask::{Mask, Pixel, TRANSPARENT, fade, mix};
use super::place::{clamp, signed};
use super::shape::{Shape, float, whole};
use super::surface::Surface;
use crate::geometry::Rect;
use crate::matrix::Matrix;

/// Rows that are drawn together: bounds the memory of what shapes cover.
const BAND_ROWS: usize = 64;

/// Where drawn pixels come from.
#[derive(Clone, Copy)]
pub(super) enum Paint<'a> {
    /// One premultiplied colour.
    Color(Pixel),
    /// An area of a picture, of which `to_source` tells the place that is seen at a place of the layer.
    Picture { source: &'a Surface, area: Rect, to_source: Matrix, repeats: bool },
}

/// What is drawn, before a mask combines it with what is there.
pub(super) struct Brush<'a> {
    pub(super) shape: Shape,
    /// Nothing is drawn outside of any of these.
    pub(super) clips: &'a [Shape],
    pub(super) paint: Paint<'a>,
}

impl Brush<'_> {
    /// Draws on a surface. Answers the part that may have changed.
    pub(super) fn draw(&self, surface: &mut Surface, mask: Mask) -> Rect {
        let size = surface.size();
        let reach = if mask.is_unbounded() { Rect::of_size(size) } else { self.shape.bounds(size) };
        let area = self.clips.iter().fold(reach, |area, clip| area.intersection(&clip.bounds(size)));
        let mut below = Vec::new();
        self.rows(area, |y, row, clip| {
            let to = surface.row_mut(y, area.left, area.right);
            below.clear();
            below.extend_from_slice(to);
            mask.composite(to, row);
            for ((to, below), clip) in to.iter_mut().zip(&below).zip(clip) {
                *to = mix(*below, *to, *clip);
            }
        });
        area
    }

    /// Gives each row of `area`: its number, its pixels cut to the shape, and how much the clips leave of each;
    /// with no clips nothing, which leaves all.
    pub(super) fn rows(&self, area: Rect, mut visit: impl FnMut(usize, &mut [Pixel], &[u8])) {
        if area.is_empty() {
            return;
        }
        let mut row = vec![TRANSPARENT; area.width()];
        for top in (area.top..area.bottom).step_by(BAND_ROWS) {
            let band = Rect { top, bottom: area.bottom.min(top + BAND_ROWS), ..area };
            let shape = self.shape.coverage(band);
            let clip = self.clips.iter().map(|clip| clip.coverage(band)).reduce(|mut all, clip| {
                for (all, clip) in all.iter_mut().zip(clip) {
                    let [cut, ..] = mix(TRANSPARENT, [*all; 4], clip);
                    *all = cut;
                }
                all
            });
            let clip = clip.unwrap_or_default();
            for (line, shape) in shape.chunks(band.width()).enumerate() {
                self.paint.row(band.top + line, band.left, &mut row);
                for (pixel, coverage) in row.iter_mut().zip(shape) {
                    fade(std::slice::from_mut(pixel), *coverage);
                }
                let clip = clip.chunks(band.width()).nth(line).unwrap_or_default();
                visit(band.top + line, &mut row, clip);
            }
        }
    }
}

impl Paint<'_> {
    /// Whether there is nothing to draw with.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Color(_) => false,
            Self::Picture { source, area, .. } => {
                !Rect::of_size(source.size()).contains(area) || area.is_empty()
            }
        }
    }

    /// The pixels of row `y` from column `left` on.
    fn row(&self, y: usize, left: usize, row: &mut [Pixel]) {
        match self {
            Self::Color(color) => row.fill(*color),
            Self::Picture { source, area, to_source, repeats } => {
                let sampler = Sampler { source, area: *area, repeats: *repeats };
                for (x, pixel) in (left..).zip(row) {
                    let (x, y) = to_source.map(float(x) + 0.5, float(y) + 0.5);
                    *pixel = sampler.at(x - 0.5, y - 0.5);
                }
            }
        }
    }
}

/// The colours of an area between its pixels, which is not empty.
struct Sampler<'a> {
    source: &'a Surface,
    area: Rect,
    repeats: bool,
}

impl Sampler<'_> {
    /// The colour at a place, of which `(0, 0)` is the middle of the first pixel of the picture.
    fn at(&self, x: f64, y: f64) -> Pixel {
        let (left, top) = (whole(x.floor()), whole(y.floor()));
        let part = |value: f64| u8::try_from(whole((value - value.floor()) * 255.0 + 0.5)).unwrap_or(0);
        let (right_part, lower_part) = (part(x), part(y));
        let row = |y: i64| {
            let y = self.index(y, self.area.top, self.area.bottom);
            let pixel = |x: i64| {
                let x = self.index(x, self.area.left, self.area.right);
                self.source.row(y, x, x + 1)[0]
            };
            match right_part {
                0 => pixel(left),
                part => mix(pixel(left), pixel(left.saturating_add(1)), part),
            }
        };
        match lower_part {
            0 => row(top),
            part => mix(row(top), row(top.saturating_add(1)), part),
        }
    }

    /// The column or row to look at, between `start` and `end`.
    fn index(&self, at: i64, start: usize, end: usize) -> usize {
        if self.repeats {
            let length = signed(end - start);
            start + usize::try_from(at.saturating_sub(signed(start)).rem_euclid(length)).unwrap_or(0)
        } else {
            clamp(at, end - 1).max(start)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;

    #[test]
    fn a_picture_is_seen_between_its_pixels_and_repeats_or_ends() {
        let mut source = Surface::new(Size { width: 2, height: 1 });
        source.pixels_mut().copy_from_slice(&[[0, 0, 0, 255], [200, 100, 0, 255]]);
        let area = Rect::of_size(source.size());
        let at = |x, repeats| Sampler { source: &source, area, repeats }.at(x, 0.25);
        assert_eq!([at(0.0, false), at(0.5, false), at(1.0, false)].map(|pixel| pixel[0]), [0, 100, 200]);
        assert_eq!([at(-9.0, false), at(1.5, false), at(1e300, false)].map(|pixel| pixel[0]), [0, 200, 200]);
        assert_eq!([at(-1.0, true), at(1.5, true), at(2.0, true)].map(|pixel| pixel[0]), [200, 100, 0]);
        let last = Sampler { source: &source, area: Rect { left: 1, ..area }, repeats: false };
        assert_eq!(last.at(0.0, 0.0)[0], 200);
        let paint =
            |area| Paint::Picture { source: &source, area, to_source: Matrix::IDENTITY, repeats: true };
        assert!(!paint(area).is_empty());
        assert!(paint(Rect::default()).is_empty() && paint(Rect { right: 3, ..area }).is_empty());
    }
}
