//! What all frames of a segment share.

use crate::geometry::Size;
use crate::video::settings::Chroma;

/// Size and sampling of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Size of luma.
    pub size: Size,
    /// How chroma is sampled.
    pub chroma: Chroma,
}

impl Format {
    /// How far a length in luma samples is shifted to the right in a plane.
    pub(super) fn shift(self, plane: usize) -> u32 {
        u32::from(plane > 0 && self.chroma == Chroma::Half)
    }

    /// Size of a plane; luma is plane 0.
    pub fn plane_size(self, plane: usize) -> Size {
        let shift = self.shift(plane);
        let round = (1 << shift) - 1;
        Size { width: (self.size.width + round) >> shift, height: (self.size.height + round) >> shift }
    }

    /// Columns and rows of 8x8 cells that cover the picture. `MiCols` and `MiRows` are twice as many.
    pub(super) fn cells(self) -> Size {
        Size { width: self.size.width.div_ceil(8), height: self.size.height.div_ceil(8) }
    }
}
