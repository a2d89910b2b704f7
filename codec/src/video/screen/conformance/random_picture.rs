//! Pictures with areas of one colour, of few, of gradients and of noise.

use super::super::format::Format;
use super::rng::Rng;

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

    /// Draws over some areas.
    pub(super) fn change(&mut self, rng: &mut Rng) {
        for _ in 0..rng.between(1, 12) {
            let size = self.format.size;
            let (left, top) = (rng.between(0, size.width - 1), rng.between(0, size.height - 1));
            let (right, bottom) = (rng.between(left + 1, size.width), rng.between(top + 1, size.height));
            let kind = rng.between(0, 3);
            for plane in 0..3 {
                let shift = self.format.shift(plane);
                let stride = self.format.plane_size(plane).width;
                let colors = [rng.sample(), rng.sample(), rng.sample()];
                for y in top >> shift..bottom >> shift {
                    for x in left >> shift..right >> shift {
                        self.planes[plane][y * stride + x] = match kind {
                            0 => colors[0],
                            1 => rng.one_of(&colors),
                            2 => u8::try_from((usize::from(colors[0]) + 3 * x + 2 * y) % 256).unwrap(),
                            _ => rng.sample(),
                        };
                    }
                }
            }
        }
    }
}
