//! A cell's coverage: how much of each pixel is ink.

use crate::geometry::{Rect, Size};

/// Ink on a cell, row by row: 255 where all of a pixel is covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Square {
    pub(super) size: Size,
    pub(super) ink: Vec<u8>,
}

impl Square {
    /// No ink.
    pub(super) fn new(size: Size) -> Self {
        Self { size, ink: vec![0; size.area()] }
    }

    /// The ink of a pixel; none outside.
    #[cfg(test)]
    pub(super) fn at(&self, x: usize, y: usize) -> u8 {
        self.ink.get(y * self.size.width + x).copied().unwrap_or(0)
    }

    /// Covers an area as far as it lies inside.
    pub(super) fn fill(&mut self, area: Rect, ink: u8) {
        let area = area.intersection(&Rect::of_size(self.size));
        for y in area.top..area.bottom {
            let row = y * self.size.width;
            if let Some(pixels) = self.ink.get_mut(row + area.left..row + area.right) {
                pixels.fill(ink);
            }
        }
    }

    /// Adds the ink that a function gives for the centre of each pixel, 0 to 1.
    pub(super) fn shade(&mut self, ink: impl Fn(f32, f32) -> f32) {
        let width = self.size.width.max(1);
        for (index, own) in self.ink.iter_mut().enumerate() {
            let ink = ink(center(index % width), center(index / width)).clamp(0.0, 1.0);
            *own = (*own).max(level(ink));
        }
    }
}

/// The centre of a pixel.
fn center(index: usize) -> f32 {
    length(index) + 0.5
}

/// A length in pixels as a number to compute with.
pub(super) fn length(pixels: usize) -> f32 {
    f32::from(u16::try_from(pixels).unwrap_or(u16::MAX))
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of 255 fits"
)]
fn level(share: f32) -> u8 {
    (share * 255.0).round() as u8
}
