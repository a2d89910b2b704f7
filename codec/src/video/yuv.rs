//! Pictures as the encoder takes them: planar Y'CbCr, BT.709, limited range, chroma at half or full size.

#![expect(clippy::as_conversions, reason = "fixed-point colour arithmetic on values that are known to fit")]

use super::settings::Chroma;
use crate::geometry::{Rect, Size};
use crate::picture::Picture;

/// Fixed-point weights of BT.709 with 16 fractional bits, scaled to the limited range
/// (219 steps of luma, 224 of chroma). Source: ITU-R BT.709-6, section 3.
const LUMA: [i32; 3] = [11_966, 40_254, 4_064];
const CB: [i32; 3] = [-6_596, -22_189, 28_784];
const CR: [i32; 3] = [28_784, -26_145, -2_639];
const HALF: i32 = 1 << 15;

/// A planar picture. With [`Chroma::Half`] its chroma planes have `ceil(width / 2)` x `ceil(height / 2)` samples, each
/// the mean of the pixels that it covers; with [`Chroma::Full`] as many as its luma plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yuv {
    /// Size of the luma plane.
    pub size: Size,
    /// Size of the chroma planes.
    pub chroma: Chroma,
    /// Luma, 16 to 235.
    pub y: Vec<u8>,
    /// Blue difference, 16 to 240.
    pub cb: Vec<u8>,
    /// Red difference, 16 to 240.
    pub cr: Vec<u8>,
}

impl Yuv {
    /// A black picture.
    pub fn black(size: Size, chroma: Chroma) -> Self {
        let samples = chroma.size_of(size).area();
        Self { size, chroma, y: vec![16; size.area()], cb: vec![128; samples], cr: vec![128; samples] }
    }

    /// Size of either chroma plane.
    pub fn chroma_size(&self) -> Size {
        self.chroma.size_of(self.size)
    }

    /// Converts the pixels of `area`, widened to whole chroma samples. `picture` has this picture's size.
    pub fn convert(&mut self, picture: &Picture, area: Rect) {
        match self.chroma {
            Chroma::Half => self.convert_pairs(picture, area),
            Chroma::Full => self.convert_rows(picture, area),
        }
    }

    fn convert_rows(&mut self, picture: &Picture, area: Rect) {
        let area = area.intersection(&Rect::of_size(self.size));
        for y in area.top..area.bottom {
            let pixels = picture.row(y, area.left, area.right);
            self.convert_luma(pixels, y, area.left);
            let start = y * self.size.width + area.left;
            let chroma = start..start + pixels.len();
            let planes = self.cb[chroma.clone()].iter_mut().zip(&mut self.cr[chroma]);
            for ((cb, cr), pixel) in planes.zip(pixels) {
                let sums = [0, 1, 2].map(|c: usize| 4 * i32::from(pixel[c]));
                *cb = chroma_of(sums, CB);
                *cr = chroma_of(sums, CR);
            }
        }
    }

    fn convert_pairs(&mut self, picture: &Picture, area: Rect) {
        let area = Rect {
            left: area.left & !1,
            top: area.top & !1,
            right: (area.right + 1) & !1,
            bottom: (area.bottom + 1) & !1,
        }
        .intersection(&Rect::of_size(self.size));
        if area.is_empty() {
            return;
        }
        for top in (area.top..area.bottom).step_by(2) {
            let upper = picture.row(top, area.left, area.right);
            let lower_top = (top + 1).min(area.bottom - 1);
            let lower = picture.row(lower_top, area.left, area.right);
            self.convert_luma(upper, top, area.left);
            if lower_top > top {
                self.convert_luma(lower, lower_top, area.left);
            }
            self.convert_chroma(upper, lower, top / 2, area.left / 2);
        }
    }

    fn convert_luma(&mut self, pixels: &[[u8; 4]], y: usize, left: usize) {
        let start = y * self.size.width + left;
        for (luma, pixel) in self.y[start..start + pixels.len()].iter_mut().zip(pixels) {
            *luma = luma_of(pixel);
        }
    }

    fn convert_chroma(&mut self, upper: &[[u8; 4]], lower: &[[u8; 4]], y: usize, left: usize) {
        let start = y * self.chroma_size().width + left;
        let end = start + upper.len().div_ceil(2);
        let planes = self.cb[start..end].iter_mut().zip(&mut self.cr[start..end]);
        for ((cb, cr), (a, b)) in planes.zip(upper.chunks(2).zip(lower.chunks(2))) {
            let [a0, b0] = [a[0], b[0]];
            let [a1, b1] = [*a.last().unwrap_or(&a0), *b.last().unwrap_or(&b0)];
            let sum = |c: usize| i32::from(a0[c]) + i32::from(a1[c]) + i32::from(b0[c]) + i32::from(b1[c]);
            let sums = [sum(0), sum(1), sum(2)];
            *cb = chroma_of(sums, CB);
            *cr = chroma_of(sums, CR);
        }
    }
}

/// The luma of one pixel.
pub(super) fn luma_of(pixel: &[u8; 4]) -> u8 {
    let sum = LUMA[0] * i32::from(pixel[0]) + LUMA[1] * i32::from(pixel[1]) + LUMA[2] * i32::from(pixel[2]);
    (16 + ((sum + HALF) >> 16)) as u8
}

/// One chroma sample from the sums of four pixels.
fn chroma_of(sums: [i32; 3], weights: [i32; 3]) -> u8 {
    let sum = weights[0] * sums[0] + weights[1] * sums[1] + weights[2] * sums[2];
    (128 + ((sum + 4 * HALF) >> 18)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solid(size: Size, pixel: [u8; 4]) -> Picture {
        Picture { size, pixels: vec![pixel; size.area()] }
    }

    #[test]
    fn primaries_match_bt_709_limited_range() {
        let size = Size { width: 3, height: 3 };
        let area = Rect::of_size(size);
        for (rgb, expected) in [
            ([0, 0, 0], [16, 128, 128]),
            ([255, 255, 255], [235, 128, 128]),
            ([255, 0, 0], [63, 102, 240]),
            ([0, 255, 0], [173, 42, 26]),
            ([0, 0, 255], [32, 240, 118]),
        ] {
            let [y, cb, cr]: [u8; 3] = expected;
            for (chroma, samples) in [(Chroma::Half, 4), (Chroma::Full, 9)] {
                let mut yuv = Yuv::black(size, chroma);
                yuv.convert(&solid(size, [rgb[0], rgb[1], rgb[2], 255]), area);
                let planes =
                    Yuv { size, chroma, y: vec![y; 9], cb: vec![cb; samples], cr: vec![cr; samples] };
                assert_eq!(yuv, planes, "{rgb:?}");
            }
        }
    }

    #[test]
    fn converting_the_damage_equals_converting_the_whole() {
        let size = Size { width: 13, height: 9 };
        let mut picture = Picture::black(size);
        for (index, pixel) in picture.pixels.iter_mut().enumerate() {
            let value = u8::try_from(index * 7 % 256).unwrap();
            *pixel = [value, 255 - value, value / 2, 255];
        }
        for chroma in [Chroma::Half, Chroma::Full] {
            let mut whole = Yuv::black(size, chroma);
            whole.convert(&picture, Rect::of_size(size));
            let mut parts = Yuv::black(size, chroma);
            for area in [
                Rect { left: 0, top: 0, right: 5, bottom: 9 },
                Rect { left: 5, top: 0, right: 13, bottom: 3 },
                Rect { left: 5, top: 3, right: 13, bottom: 9 },
            ] {
                parts.convert(&picture, area);
            }
            assert_eq!(parts, whole);
        }
    }

    #[test]
    fn full_chroma_keeps_the_colour_of_every_pixel() {
        let size = Size { width: 2, height: 1 };
        let picture = Picture { size, pixels: vec![[255, 0, 0, 255], [0, 0, 255, 255]] };
        let mut yuv = Yuv::black(size, Chroma::Full);
        yuv.convert(&picture, Rect::of_size(size));
        assert_eq!((yuv.cb, yuv.cr), (vec![102, 240], vec![240, 118]));
    }
}
