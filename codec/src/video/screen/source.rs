//! The picture that is to be coded.

use super::format::Format;
use super::intra::Square;
use crate::geometry::Rect;
use crate::video::yuv::Yuv;

/// A picture that is to be coded: luma and both planes of chroma, row by row without padding.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Size and sampling.
    pub format: Format,
    /// The samples of each plane, as many as [`Format::plane_size`] says.
    pub planes: [&'a [u8]; 3],
}

impl<'a> Source<'a> {
    /// A whole picture.
    pub fn of_yuv(picture: &'a Yuv) -> Self {
        let format = Format { size: picture.size, chroma: picture.chroma };
        Self { format, planes: [&picture.y, &picture.cb, &picture.cr] }
    }

    /// Copies a square of a plane into `samples`, row by row. Behind the edges of the picture, its last samples are
    /// repeated.
    pub(super) fn load(&self, plane: usize, square: Square, samples: &mut [u8]) {
        let size = self.format.plane_size(plane);
        let width = square.side.min(size.width.saturating_sub(square.x));
        for (y, row) in (square.y..).zip(samples.chunks_exact_mut(square.side)) {
            let start = y.min(size.height - 1) * size.width;
            if width == 0 {
                row.fill(self.planes[plane][start + size.width - 1]);
                continue;
            }
            let from = &self.planes[plane][start + square.x..][..width];
            row[..width].copy_from_slice(from);
            row[width..].fill(from[width - 1]);
        }
    }
}

/// A picture that is kept.
#[derive(Debug)]
pub(super) struct KeptPicture {
    format: Format,
    planes: [Vec<u8>; 3],
}

impl KeptPicture {
    /// A picture of zeros.
    pub(super) fn new(format: Format) -> Self {
        Self { format, planes: [0, 1, 2].map(|plane| vec![0; format.plane_size(plane).area()]) }
    }

    pub(super) fn as_source(&self) -> Source<'_> {
        Source { format: self.format, planes: [0, 1, 2].map(|plane| self.planes[plane].as_slice()) }
    }

    /// Takes over `area` (in luma samples), widened to whole chroma samples.
    pub(super) fn copy_area(&mut self, from: &Source<'_>, area: Rect) {
        for (plane, samples) in self.planes.iter_mut().enumerate() {
            let size = self.format.plane_size(plane);
            let shift = self.format.shift(plane);
            let round = (1 << shift) - 1;
            let (left, right) = (area.left >> shift, ((area.right + round) >> shift).min(size.width));
            for y in area.top >> shift..((area.bottom + round) >> shift).min(size.height) {
                let row = y * size.width + left..y * size.width + right.max(left);
                samples[row.clone()].copy_from_slice(&from.planes[plane][row]);
            }
        }
    }
}
