//! Pictures with areas of one colour, of few, of gradients and of noise.

use super::super::format::Format;
use super::rng::Rng;
use crate::geometry::{CopyVector, Rect};
use crate::video::yuv::Yuv;

pub(super) struct RandomPicture {
    format: Format,
    planes: [Vec<u8>; 3],
}

impl RandomPicture {
    pub(super) fn new(format: Format) -> Self {
        Self { format, planes: [0, 1, 2].map(|plane| vec![0; format.plane_size(plane).area()]) }
    }

    pub(super) fn planes(&self) -> [&[u8]; 3] {
        [0, 1, 2].map(|plane| self.planes[plane].as_slice())
    }

    pub(super) fn as_yuv(&self) -> Yuv {
        let [y, cb, cr] = self.planes.clone();
        Yuv { size: self.format.size, chroma: self.format.chroma, y, cb, cr }
    }

    /// Draws over some areas; returns them.
    pub(super) fn change(&mut self, rng: &mut Rng) -> Vec<Rect> {
        (0..rng.between(1, 12)).map(|_| self.draw(rng)).collect()
    }

    fn draw(&mut self, rng: &mut Rng) -> Rect {
        let area = self.area(rng);
        let kind = rng.between(0, 4);
        let slope = (rng.between(0, 4), rng.between(0, 4));
        for plane in 0..3 {
            let shift = self.format.shift(plane);
            let stride = self.format.plane_size(plane).width;
            let colors = [rng.sample(), rng.sample(), rng.sample()];
            for y in area.top >> shift..area.bottom >> shift {
                for x in area.left >> shift..area.right >> shift {
                    self.planes[plane][y * stride + x] = match kind {
                        0 => colors[0],
                        1 => rng.one_of(&colors),
                        2 => u8::try_from((usize::from(colors[0]) + 3 * x + 2 * y) % 256).unwrap(),
                        3 => u8::try_from((usize::from(colors[0]) + (slope.0 * x + slope.1 * y) / 32) % 256)
                            .unwrap(),
                        _ => rng.sample(),
                    };
                }
            }
        }
        area
    }

    /// Moves an area, odd distances too; returns how.
    pub(super) fn shift(&mut self, rng: &mut Rng) -> CopyVector {
        let to = self.area(rng);
        let by = |rng: &mut Rng, start: usize, end: usize, length: usize| {
            let to = i32::try_from(rng.between(0, start + length - end)).unwrap();
            i32::try_from(start).unwrap() - to
        };
        let dx = by(rng, to.left, to.right, self.format.size.width);
        let dy = by(rng, to.top, to.bottom, self.format.size.height);
        for plane in 0..3 {
            let shift = self.format.shift(plane);
            let size = self.format.plane_size(plane);
            let before = self.planes[plane].clone();
            let from = |at: usize, by: i32, length: usize| {
                at.saturating_add_signed(isize::try_from(-(by >> shift)).unwrap()).min(length - 1)
            };
            for y in to.top >> shift..to.bottom >> shift {
                for x in to.left >> shift..to.right >> shift {
                    let from = from(y, dy, size.height) * size.width + from(x, dx, size.width);
                    self.planes[plane][y * size.width + x] = before[from];
                }
            }
        }
        CopyVector { to, dx, dy }
    }

    fn area(&self, rng: &mut Rng) -> Rect {
        let size = self.format.size;
        let (left, top) = (rng.between(0, size.width - 1), rng.between(0, size.height - 1));
        let (right, bottom) = (rng.between(left + 1, size.width), rng.between(top + 1, size.height));
        Rect { left, top, right, bottom }
    }
}
