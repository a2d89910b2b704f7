//! A finished picture: what the person at the screen saw.

use crate::geometry::Size;

/// Opaque pixels, row by row from the top left, each `[red, green, blue, 255]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// Width and height; `pixels` holds `width * height` of them.
    pub size: Size,
    /// The pixels.
    pub pixels: Vec<[u8; 4]>,
}

impl Picture {
    /// A black picture.
    pub fn black(size: Size) -> Self {
        Self { size, pixels: vec![[0, 0, 0, 255]; size.area()] }
    }

    /// The pixels of row `y` from column `left` to `right`.
    pub fn row(&self, y: usize, left: usize, right: usize) -> &[[u8; 4]] {
        &self.pixels[y * self.size.width + left..y * self.size.width + right]
    }

    /// The pixels of row `y` from column `left` to `right`, to draw on.
    pub fn row_mut(&mut self, y: usize, left: usize, right: usize) -> &mut [[u8; 4]] {
        &mut self.pixels[y * self.size.width + left..y * self.size.width + right]
    }
}
