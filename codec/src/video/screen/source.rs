//! The picture that is to be coded.

use super::format::{Chroma, Format};
use super::intra::Square;
use crate::video::yuv::Yuv;

/// Planes of a picture, without padding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) format: Format,
    pub(super) planes: [&'a [u8]; 3],
}

impl<'a> Source<'a> {
    /// A picture with subsampled chroma.
    pub(super) fn of_yuv(picture: &'a Yuv) -> Self {
        let format = Format { size: picture.size, chroma: Chroma::Yuv420 };
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
