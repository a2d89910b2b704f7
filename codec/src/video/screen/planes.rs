//! Reconstructed pictures, as decoders keep them.

use super::format::Format;
use crate::geometry::{Rect, Size};

/// Samples of one component. Behind the picture's edges they reach to the end of the last 8x8 luma samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plane {
    /// Size of the picture.
    pub(super) size: Size,
    pub(super) stride: usize,
    pub(super) samples: Vec<u8>,
}

impl Plane {
    fn new(format: Format, plane: usize) -> Self {
        let cells = format.cells();
        let side = 8 >> format.shift(plane);
        let stride = cells.width * side;
        Self { size: format.plane_size(plane), stride, samples: vec![0; stride * cells.height * side] }
    }

    /// The samples from `left` on in row `y`.
    pub(super) fn row(&self, y: usize, left: usize, width: usize) -> &[u8] {
        let start = y * self.stride + left;
        &self.samples[start..start + width]
    }

    /// The samples from `left` on in row `y`.
    pub(super) fn row_mut(&mut self, y: usize, left: usize, width: usize) -> &mut [u8] {
        let start = y * self.stride + left;
        &mut self.samples[start..start + width]
    }

    /// Rows, with those below the picture.
    fn rows(&self) -> usize {
        self.samples.len() / self.stride
    }

    /// Repeats the last column and row of the picture behind its edges, where `area` touches them: there, decoders
    /// read the nearest sample inside (section 7.11.3.4).
    fn extend(&mut self, area: Rect) {
        if area.right >= self.size.width && self.stride > self.size.width {
            for y in area.top..area.bottom.min(self.size.height) {
                let last = self.samples[y * self.stride + self.size.width - 1];
                self.row_mut(y, self.size.width, self.stride - self.size.width).fill(last);
            }
        }
        if area.bottom >= self.size.height {
            let last = (self.size.height - 1) * self.stride;
            for y in self.size.height..self.rows() {
                let columns = area.left..area.right.min(self.stride);
                self.samples
                    .copy_within(last + columns.start..last + columns.end, y * self.stride + area.left);
            }
        }
    }
}

/// A reconstructed picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planes {
    pub(super) format: Format,
    pub(super) planes: [Plane; 3],
}

impl Planes {
    /// A picture of zeros.
    pub(super) fn new(format: Format) -> Self {
        Self { format, planes: [0, 1, 2].map(|plane| Plane::new(format, plane)) }
    }

    /// Makes `area` (in luma samples, whole cells) ready to be referred to: what is behind the edges is repeated in
    /// both pictures, and `reference` gets what is in `self`.
    pub(super) fn publish(&mut self, reference: &mut Self, area: Rect) {
        for (plane, (from, to)) in self.planes.iter_mut().zip(&mut reference.planes).enumerate() {
            let shift = self.format.shift(plane);
            let area = Rect {
                left: area.left >> shift,
                top: area.top >> shift,
                right: area.right >> shift,
                bottom: area.bottom >> shift,
            };
            from.extend(area);
            let width = area.right.min(from.stride) - area.left;
            for y in area.top..area.bottom.min(from.rows()) {
                to.row_mut(y, area.left, width).copy_from_slice(from.row(y, area.left, width));
            }
        }
    }
}
