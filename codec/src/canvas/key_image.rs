//! The images of a key state.

use super::mask::Pixel;
use crate::geometry::Size;
use png::{ColorType, Compression, Encoder};

/// Writes pixels with straight alpha as PNG.
///
/// Compression: half the bytes of the fastest kind; the next better one takes four times as long for one hundredth
/// less. Palettes save as little: a screen has too many colours.
pub(super) fn png_of(size: Size, pixels: &[Pixel]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let side = |side: usize| u32::try_from(side).expect("the sides of a layer are bounded");
    let mut encoder = Encoder::new(&mut bytes, side(size.width), side(size.height));
    encoder.set_compression(Compression::Balanced);
    let is_opaque = pixels.iter().all(|pixel| pixel[3] == 255);
    let data = if is_opaque {
        encoder.set_color(ColorType::Rgb);
        &pixels.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect::<Vec<_>>()
    } else {
        encoder.set_color(ColorType::Rgba);
        pixels.as_flattened()
    };
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(data)?;
        writer.finish()
    });
    written.expect("a vector takes an image of any size");
    bytes
}
