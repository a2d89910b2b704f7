//! Decodes images. Dimensions are read from the header and checked before memory is spent.

use super::error::{ImageError, ImageFormat};
use super::mask::{Pixel, premultiply};
use super::surface::Surface;
use crate::geometry::Size;
use image_webp::WebPDecoder;
use std::io::Cursor;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// What the PNG decoder may allocate besides the picture: rows and ancillary chunks.
const PNG_MEMORY_BYTES: usize = 64 << 20;

/// What the WebP decoder may allocate at once for a chunk or an animation's canvas.
const WEBP_MEMORY_BYTES: usize = 64 << 20;

/// Most passes of a progressive JPEG; common encoders make ten.
const JPEG_SCANS: usize = 64;

/// Decodes an image of at most `limit_pixels`. Its content tells the format: mimetypes may lie.
pub(super) fn decode(bytes: &[u8], limit_pixels: usize) -> Result<Surface, ImageError> {
    match format_of(bytes) {
        Some(ImageFormat::Png) => decode_png(bytes, limit_pixels),
        Some(ImageFormat::Jpeg) => decode_jpeg(bytes, limit_pixels),
        Some(ImageFormat::WebP) => decode_webp(bytes, limit_pixels),
        None => Err(ImageError::Format),
    }
}

/// The format that an image's first bytes tell.
pub(super) fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(ImageFormat::Png)
    } else if bytes.starts_with(b"\xFF\xD8\xFF") {
        Some(ImageFormat::Jpeg)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(ImageFormat::WebP)
    } else {
        None
    }
}

fn decode_png(bytes: &[u8], limit_pixels: usize) -> Result<Surface, ImageError> {
    let refuse = |error: png::DecodingError| malformed(ImageFormat::Png, &error);
    let limits = png::Limits { bytes: PNG_MEMORY_BYTES };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(
        png::Transformations::EXPAND | png::Transformations::STRIP_16 | png::Transformations::ALPHA,
    );
    let header = decoder.read_header_info().map_err(refuse)?;
    let size = checked_size(ImageFormat::Png, header.width, header.height, limit_pixels)?;
    let mut reader = decoder.read_info().map_err(refuse)?;
    let mut surface = Surface::new(size);
    if reader.output_color_type().0 == png::ColorType::Rgba {
        reader.next_frame(surface.pixels_mut().as_flattened_mut()).map_err(refuse)?;
    } else {
        // With the transformations above the only other one is grey with alpha.
        let mut raw = vec![[0; 2]; size.area()];
        reader.next_frame(raw.as_flattened_mut()).map_err(refuse)?;
        for (pixel, [grey, alpha]) in surface.pixels_mut().iter_mut().zip(raw) {
            *pixel = [grey, grey, grey, alpha];
        }
    }
    premultiply_all(surface.pixels_mut());
    Ok(surface)
}

fn decode_jpeg(bytes: &[u8], limit_pixels: usize) -> Result<Surface, ImageError> {
    let refuse = |error| malformed(ImageFormat::Jpeg, &error);
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(JPEG_SCANS)
        .jpeg_set_out_colorspace(ColorSpace::RGBA);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(refuse)?;
    let (width, height) = decoder.info().map_or((0, 0), |info| (info.width, info.height));
    let size = checked_size(ImageFormat::Jpeg, width.into(), height.into(), limit_pixels)?;
    let mut surface = Surface::new(size);
    decoder.decode_into(surface.pixels_mut().as_flattened_mut()).map_err(refuse)?;
    Ok(surface)
}

fn decode_webp(bytes: &[u8], limit_pixels: usize) -> Result<Surface, ImageError> {
    let refuse = |error: image_webp::DecodingError| malformed(ImageFormat::WebP, &error);
    for (width, height) in webp_bitstream_sizes(bytes) {
        checked_size(ImageFormat::WebP, width, height, limit_pixels)?;
    }
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(refuse)?;
    decoder.set_memory_limit(WEBP_MEMORY_BYTES);
    let (width, height) = decoder.dimensions();
    let size = checked_size(ImageFormat::WebP, width, height, limit_pixels)?;
    let mut surface = Surface::new(size);
    if decoder.has_alpha() {
        decoder.read_image(surface.pixels_mut().as_flattened_mut()).map_err(refuse)?;
        premultiply_all(surface.pixels_mut());
    } else {
        let mut raw = vec![[0; 3]; size.area()];
        decoder.read_image(raw.as_flattened_mut()).map_err(refuse)?;
        for (pixel, [red, green, blue]) in surface.pixels_mut().iter_mut().zip(raw) {
            *pixel = [red, green, blue, 255];
        }
    }
    Ok(surface)
}

/// The sizes that the bitstreams inside a WebP claim. The decoder allocates by them before it compares them
/// with the size of the container, so each one is checked wherever it stands.
fn webp_bitstream_sizes(bytes: &[u8]) -> impl Iterator<Item = (u32, u32)> {
    bytes.windows(18).filter_map(|window| match *window {
        [b'V', b'P', b'8', b' ', _, _, _, _, _, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1] => {
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
            Some((side(w0, w1), side(h0, h1)))
        }
        [b'V', b'P', b'8', b'L', _, _, _, _, 0x2F, b0, b1, b2, b3, ..] => {
            let header = u32::from_le_bytes([b0, b1, b2, b3]);
            Some(((header & 0x3FFF) + 1, (header >> 14 & 0x3FFF) + 1))
        }
        _ => None,
    })
}

/// The size of an image with at least one and at most `limit_pixels` pixels.
fn checked_size(
    format: ImageFormat,
    width: u32,
    height: u32,
    limit_pixels: usize,
) -> Result<Size, ImageError> {
    let side = |length| usize::try_from(length).unwrap_or(usize::MAX);
    let (width, height) = (side(width), side(height));
    match width.checked_mul(height) {
        Some(1..) if width * height <= limit_pixels => Ok(Size { width, height }),
        _ => Err(ImageError::Pixels { format, width, height, limit_pixels }),
    }
}

fn premultiply_all(pixels: &mut [Pixel]) {
    if pixels.iter().fold(255, |all, pixel| all & pixel[3]) != 255 {
        for pixel in pixels {
            *pixel = premultiply(*pixel);
        }
    }
}

fn malformed(format: ImageFormat, error: &dyn std::error::Error) -> ImageError {
    ImageError::Malformed { format, reason: error.to_string() }
}

#[cfg(test)]
pub(super) mod tests;
