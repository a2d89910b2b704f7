//! The images of a key state.

use super::mask::Pixel;
use crate::geometry::Size;
use png::{ColorType, Compression, Encoder};

/// How much time the images of a key state are worth. What is restored from them is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// For one that is kept: half the bytes of the quick kind. The next better one takes four times as long for one
    /// hundredth less. Palettes save as little: a screen has too many colours.
    Tight,
    /// For one that is only passed on: written and restored as soon as may be.
    Quick,
}

/// Writes pixels with straight alpha as PNG.
pub(super) fn png_of(size: Size, pixels: &[Pixel], packing: Packing) -> Vec<u8> {
    let mut bytes = Vec::new();
    let side = |side: usize| u32::try_from(side).expect("the sides of a layer are bounded");
    let mut encoder = Encoder::new(&mut bytes, side(size.width), side(size.height));
    encoder.set_compression(match packing {
        Packing::Tight => Compression::Balanced,
        Packing::Quick => Compression::Fastest,
    });
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
