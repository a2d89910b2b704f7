//! Decodes images. Dimensions are read from the header and checked before memory or time is spent.

use super::allowance::{Allowance, BYTES_PER_PIXEL, BYTES_PER_PIXEL_MAX, Header};
use super::error::{ImageError, ImageFormat};
use super::mask::{Pixel, premultiply};
use super::surface::Surface;
use crate::cost::Cost;
use crate::geometry::Size;
use image_webp::WebPDecoder;
use std::io::Cursor;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// What the PNG decoder may allocate besides the picture: rows and ancillary chunks.
const PNG_MEMORY_BYTES: usize = 64 << 20;

/// What the WebP decoder may allocate at once for a chunk or an animation's canvas.
const WEBP_MEMORY_BYTES: usize = 64 << 20;

/// Most passes of a progressive JPEG; common encoders make ten.
const JPEG_SCANS: usize = 64;

/// Decodes an image within an allowance. Its content tells the format: mimetypes may lie.
pub(super) fn decode(bytes: &[u8], allowance: &mut Allowance<'_>) -> Result<Surface, ImageError> {
    match format_of(bytes) {
        Some(ImageFormat::Png) => decode_png(bytes, allowance),
        Some(ImageFormat::Jpeg) => decode_jpeg(bytes, allowance),
        Some(ImageFormat::WebP) => decode_webp(bytes, allowance),
        None => Err(ImageError::Format),
    }
}

/// The size of an image that is decoded within limits of pixels and memory, to be thrown away.
pub(crate) fn decodes_within(
    bytes: &[u8],
    limit_pixels: usize,
    free_bytes: usize,
) -> Result<Size, ImageError> {
    let mut cost = Cost::default();
    let mut allowance =
        Allowance { limit_pixels, free_bytes, cost: &mut cost, cost_max: Cost::MAX, decoded: None };
    decode(bytes, &mut allowance).map(|image| image.size())
}

fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
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

fn decode_png(bytes: &[u8], allowance: &mut Allowance<'_>) -> Result<Surface, ImageError> {
    let refuse = |error: png::DecodingError| refuse_png(&error);
    let limits = png::Limits { bytes: PNG_MEMORY_BYTES };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(
        png::Transformations::EXPAND | png::Transformations::STRIP_16 | png::Transformations::ALPHA,
    );
    let header = decoder.read_header_info().map_err(refuse)?;
    let sides = (header.width, header.height);
    let header = Header { format: ImageFormat::Png, sides, bytes_per_pixel: BYTES_PER_PIXEL, passes: 1 };
    let size = allowance.admit(header, bytes.len())?;
    if let Some(decoded) = allowance.decoded.take() {
        return Ok(decoded);
    }
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

fn decode_jpeg(bytes: &[u8], allowance: &mut Allowance<'_>) -> Result<Surface, ImageError> {
    let refuse = |error: DecodeErrors| refuse_jpeg(&error);
    check_jpeg_kind(bytes)?;
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(JPEG_SCANS)
        .jpeg_set_out_colorspace(ColorSpace::RGBA);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(refuse)?;
    let (width, height) = decoder.info().map_or((0, 0), |info| (info.width, info.height));
    let is_four_inks = matches!(decoder.input_colorspace(), Some(ColorSpace::CMYK | ColorSpace::YCCK));
    let header = Header {
        format: ImageFormat::Jpeg,
        sides: (width.into(), height.into()),
        bytes_per_pixel: if is_four_inks { BYTES_PER_PIXEL_MAX } else { BYTES_PER_PIXEL },
        passes: jpeg_scans(bytes).max(1),
    };
    let size = allowance.admit(header, bytes.len())?;
    if let Some(decoded) = allowance.decoded.take() {
        return Ok(decoded);
    }
    let mut surface = Surface::new(size);
    if is_four_inks {
        // The decoder mixes up the pixels when it adds an alpha to four inks.
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::RGB));
        let mut raw = vec![[0; 3]; size.area()];
        decoder.decode_into(raw.as_flattened_mut()).map_err(refuse)?;
        surface.set_opaque(&raw);
    } else {
        decoder.decode_into(surface.pixels_mut().as_flattened_mut()).map_err(refuse)?;
    }
    Ok(surface)
}

/// The scans of a JPEG: their marker cannot stand inside coded data.
fn jpeg_scans(bytes: &[u8]) -> usize {
    bytes.windows(2).filter(|pair| *pair == [0xFF, 0xDA]).count()
}

/// Refuses the kinds of JPEG that no browser shows either: lossless, differential, arithmetic, 12 bits (ITU-T T.81,
/// table B.1), and more scans than the limit.
fn check_jpeg_kind(bytes: &[u8]) -> Result<(), ImageError> {
    let format = ImageFormat::Jpeg;
    if jpeg_scans(bytes) > JPEG_SCANS {
        return Err(ImageError::Limit { format, reason: format!("more than {JPEG_SCANS} scans") });
    }
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xFF, marker, high, low, segment @ ..] = rest {
        let depth = segment.first().copied();
        match marker {
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                let reason = format!("frames of kind 0x{marker:x}");
                return Err(ImageError::Unsupported { format, reason });
            }
            0xC0..=0xC2 if depth == Some(12) => {
                return Err(ImageError::Unsupported { format, reason: "12 bits".to_owned() });
            }
            // What follows the first frame or scan changes its kind no more.
            0xC0..=0xC2 | 0xDA => return Ok(()),
            _ => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest = rest.get(2 + length.max(2)..).unwrap_or_default();
            }
        }
    }
    Ok(())
}

fn decode_webp(bytes: &[u8], allowance: &mut Allowance<'_>) -> Result<Surface, ImageError> {
    let refuse = |error: image_webp::DecodingError| refuse_webp(&error);
    for (width, height) in webp_bitstream_sizes(bytes) {
        allowance.check_size(ImageFormat::WebP, (width, height))?;
    }
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(refuse)?;
    decoder.set_memory_limit(WEBP_MEMORY_BYTES);
    let (width, height) = decoder.dimensions();
    let sides = (width, height);
    let header = Header { format: ImageFormat::WebP, sides, bytes_per_pixel: BYTES_PER_PIXEL_MAX, passes: 1 };
    let size = allowance.admit(header, bytes.len())?;
    if let Some(decoded) = allowance.decoded.take() {
        return Ok(decoded);
    }
    let mut surface = Surface::new(size);
    if decoder.has_alpha() {
        decoder.read_image(surface.pixels_mut().as_flattened_mut()).map_err(refuse)?;
        premultiply_all(surface.pixels_mut());
    } else {
        let mut raw = vec![[0; 3]; size.area()];
        decoder.read_image(raw.as_flattened_mut()).map_err(refuse)?;
        surface.set_opaque(&raw);
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

fn premultiply_all(pixels: &mut [Pixel]) {
    if pixels.iter().fold(255, |all, pixel| all & pixel[3]) != 255 {
        for pixel in pixels {
            *pixel = premultiply(*pixel);
        }
    }
}

fn refuse_png(error: &png::DecodingError) -> ImageError {
    let (format, reason) = (ImageFormat::Png, error.to_string());
    match error {
        png::DecodingError::IoError(_) => ImageError::Truncated { format },
        png::DecodingError::LimitsExceeded => ImageError::Limit { format, reason },
        png::DecodingError::Format(_) | png::DecodingError::Parameter(_) => {
            ImageError::Malformed { format, reason }
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of the decoder's many refusals a few have a code of their own"
)]
fn refuse_jpeg(error: &DecodeErrors) -> ImageError {
    let (format, reason) = (ImageFormat::Jpeg, error.to_string());
    match error {
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => ImageError::Truncated { format },
        DecodeErrors::Unsupported(_) => ImageError::Unsupported { format, reason },
        DecodeErrors::LargeDimensions(_) => ImageError::Limit { format, reason },
        DecodeErrors::ZeroError => ImageError::Empty { format },
        _ => ImageError::Malformed { format, reason },
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of the decoder's many refusals a few have a code of their own"
)]
fn refuse_webp(error: &image_webp::DecodingError) -> ImageError {
    use image_webp::DecodingError;
    let (format, reason) = (ImageFormat::WebP, error.to_string());
    match error {
        DecodingError::IoError(_) => ImageError::Truncated { format },
        DecodingError::UnsupportedFeature(_) => ImageError::Unsupported { format, reason },
        DecodingError::ImageTooLarge | DecodingError::MemoryLimitExceeded => {
            ImageError::Limit { format, reason }
        }
        _ => ImageError::Malformed { format, reason },
    }
}

#[cfg(test)]
pub(super) mod tests;
