//! What one image may take: checked from its header, before it is decoded.

use super::error::{ImageError, ImageFormat};
use super::surface::Surface;
use crate::cost::Cost;
use crate::geometry::Size;

/// Memory of a decoder and its result for each pixel, in bytes: of a PNG, or of a JPEG of up to three components with its
/// coefficients.
pub(super) const BYTES_PER_PIXEL: usize = 11;
/// The same of what takes most: a JPEG of four components, and a WebP with its pictures between.
pub(super) const BYTES_PER_PIXEL_MAX: usize = 14;

/// What the header of an image says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) format: ImageFormat,
    /// Width and height.
    pub(super) sides: (u32, u32),
    pub(super) bytes_per_pixel: usize,
    /// How often a decoder goes over all pixels.
    pub(super) passes: usize,
}

/// Pixels, memory and time that are left for an image.
#[derive(Debug)]
pub(super) struct Allowance<'a> {
    /// Most pixels of an image.
    pub(super) limit_pixels: usize,
    /// Memory that is free.
    pub(super) free_bytes: usize,
    /// What was spent; an image that is admitted adds to it.
    pub(super) cost: &'a mut Cost,
    /// The most that may be spent.
    pub(super) cost_max: Cost,
    /// The image, if it was decoded before.
    pub(super) decoded: Option<Surface>,
}

impl Allowance<'_> {
    /// Admits an image to be decoded from `coded_bytes`. What it costs is counted in any case: a recording whose image is
    /// refused for its time is over.
    pub(super) fn admit(&mut self, header: Header, coded_bytes: usize) -> Result<Size, ImageError> {
        let Header { format, sides, bytes_per_pixel, passes } = header;
        let size = self.check_size(format, sides)?;
        let Size { width, height } = size;
        let bytes = size.area().saturating_mul(bytes_per_pixel);
        if bytes > self.free_bytes {
            return Err(ImageError::Memory { format, width, height, bytes, free_bytes: self.free_bytes });
        }
        self.cost.image(format, coded_bytes, size.area(), passes);
        if *self.cost > self.cost_max {
            return Err(ImageError::Time { format, width, height });
        }
        Ok(size)
    }

    /// The size of an image with at least one pixel and no more than the limit.
    pub(super) fn check_size(
        &self,
        format: ImageFormat,
        (width, height): (u32, u32),
    ) -> Result<Size, ImageError> {
        let side = |length| usize::try_from(length).unwrap_or(usize::MAX);
        let (width, height, limit_pixels) = (side(width), side(height), self.limit_pixels);
        match width.checked_mul(height) {
            Some(0) => Err(ImageError::Empty { format }),
            Some(pixels) if pixels <= limit_pixels => Ok(Size { width, height }),
            Some(_) | None => Err(ImageError::Pixels { format, width, height, limit_pixels }),
        }
    }
}
