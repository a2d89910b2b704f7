//! Pictures as the encoder takes them: planar Y'CbCr, BT.709, limited range, chroma at half size.

#![expect(clippy::as_conversions, reason = "fixed-point colour arithmetic on values that are known to fit")]

use crate::geometry::{Rect, Size};
use crate::picture::Picture;

/// Fixed-point weights of BT.709 with 16 fractional bits, scaled to the limited range
/// (219 steps of luma, 224 of chroma). Source: ITU-R BT.709-6, section 3.
const LUMA: [i32; 3] = [11_966, 40_254, 4_064];
const CB: [i32; 3] = [-6_596, -22_189, 28_784];
const CR: [i32; 3] = [28_784, -26_145, -2_639];
const HALF: i32 = 1 << 15;

/// A planar 4:2:0 picture. Chroma planes have `ceil(width / 2)` x `ceil(height / 2)` samples, each the mean of
/// the pixels that it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yuv {
    /// Size of the luma plane.
    pub size: Size,
    /// Luma, 16 to 235.
    pub y: Vec<u8>,
    /// Blue difference, 16 to 240.
    pub cb: Vec<u8>,
    /// Red difference, 16 to 240.
    pub cr: Vec<u8>,
}

impl Yuv {
    /// A black picture.
    pub fn black(size: Size) -> Self {
        let chroma = Self::chroma_size_of(size).area();
        Self { size, y: vec![16; size.area()], cb: vec![128; chroma], cr: vec![128; chroma] }
    }

    /// Size of either chroma plane.
    pub fn chroma_size(&self) -> Size {
        Self::chroma_size_of(self.size)
    }

    fn chroma_size_of(size: Size) -> Size {
        Size { width: size.width.div_ceil(2), height: size.height.div_ceil(2) }
    }

    /// Converts the pixels of `area`, widened to whole chroma samples. `picture` has this picture's size.
    pub fn convert(&mut self, picture: &Picture, area: Rect) {
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
        for (rgb, expected) in [
            ([0, 0, 0], [16, 128, 128]),
            ([255, 255, 255], [235, 128, 128]),
            ([255, 0, 0], [63, 102, 240]),
            ([0, 255, 0], [173, 42, 26]),
            ([0, 0, 255], [32, 240, 118]),
        ] {
            let mut yuv = Yuv::black(size);
            yuv.convert(&solid(size, [rgb[0], rgb[1], rgb[2], 255]), Rect::of_size(size));
            assert_eq!(
                (yuv.y.as_slice(), yuv.cb.as_slice(), yuv.cr.as_slice()),
                (&[expected[0]; 9][..], &[expected[1]; 4][..], &[expected[2]; 4][..]),
                "{rgb:?}"
            );
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
        let mut whole = Yuv::black(size);
        whole.convert(&picture, Rect::of_size(size));
        let mut parts = Yuv::black(size);
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
