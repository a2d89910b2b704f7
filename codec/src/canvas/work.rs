//! What drawing costs, counted instead of timed: the same on every machine.

use super::error::ImageFormat;
use super::image;
use super::mask::Mask;
use crate::geometry::Size;

/// What was drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Instructions.
    pub instructions: u64,
    /// Bytes of coded images other than WebP.
    pub image_bytes: u64,
    /// Bytes of WebP, which take much longer.
    pub webp_bytes: u64,
    /// Pixels of decoded images.
    pub image_pixels: u64,
    /// Pixels of layers that were written.
    pub drawn_pixels: u64,
}

impl Work {
    /// Counts the pixels of a layer that are written.
    pub(super) fn draw(&mut self, pixels: usize) {
        self.drawn_pixels += wide(pixels);
    }

    /// Counts what a mask clears of a layer outside the drawn shape.
    pub(super) fn clear(&mut self, mask: Mask, layer: Size) {
        if mask.is_unbounded() {
            self.draw(layer.area());
        }
    }

    /// Counts the bytes of an image that is decoded.
    pub(super) fn decode(&mut self, image: &[u8]) {
        match image::format_of(image) {
            Some(ImageFormat::WebP) => self.webp_bytes += wide(image.len()),
            Some(ImageFormat::Png | ImageFormat::Jpeg) | None => self.image_bytes += wide(image.len()),
        }
    }

    /// Counts the pixels of a decoded image.
    pub(super) fn decoded(&mut self, size: Size) {
        self.image_pixels += wide(size.area());
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).expect("a count fits 64 bits")
}
