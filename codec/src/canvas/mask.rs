//! Channel masks: how drawn pixels combine with those below them.
//!
//! Source: guacamole-server `protocol-types.h` (values), guacamole-common-js `Layer.js` (meaning), W3C
//! Compositing and Blending Level 1 (formulas, on premultiplied colours).

/// Premultiplied red, green, blue and alpha.
pub(super) type Pixel = [u8; 4];

/// Nothing there.
pub(super) const TRANSPARENT: Pixel = [0; 4];

/// Pixels that are looked at together for being all opaque or all transparent.
const BLOCK_PIXELS: usize = 64;

/// A channel mask of the protocol. The names are the protocol's; R means reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mask {
    Rout,
    Ratop,
    Rin,
    In,
    Out,
    Atop,
    Xor,
    Rover,
    Src,
    Over,
    Plus,
}

impl Mask {
    /// The mask with this value in the protocol, if it is one.
    pub(super) fn from_protocol(value: u8) -> Option<Self> {
        Some(match value {
            0x1 => Self::Rin,
            0x2 => Self::Rout,
            0x4 => Self::In,
            0x6 => Self::Atop,
            0x8 => Self::Out,
            0x9 => Self::Ratop,
            0xA => Self::Xor,
            0xB => Self::Rover,
            0xC => Self::Src,
            0xE => Self::Over,
            0xF => Self::Plus,
            _ => return None,
        })
    }

    /// Its value in the protocol.
    pub(super) fn value(self) -> u8 {
        match self {
            Self::Rin => 0x1,
            Self::Rout => 0x2,
            Self::In => 0x4,
            Self::Atop => 0x6,
            Self::Out => 0x8,
            Self::Ratop => 0x9,
            Self::Xor => 0xA,
            Self::Rover => 0xB,
            Self::Src => 0xC,
            Self::Over => 0xE,
            Self::Plus => 0xF,
        }
    }

    /// Whether all of the layer outside the drawn shape becomes transparent.
    pub(super) fn is_unbounded(self) -> bool {
        match self {
            Self::Src | Self::Rin | Self::In | Self::Out | Self::Ratop => true,
            Self::Over | Self::Rout | Self::Atop | Self::Xor | Self::Rover | Self::Plus => false,
        }
    }

    /// Whether an opaque source hides what is below it.
    pub(super) fn replaces(self) -> bool {
        matches!(self, Self::Src | Self::Over)
    }

    /// Combines a row with the row above it; both have the same length.
    pub(super) fn composite(self, to: &mut [Pixel], from: &[Pixel]) {
        match self {
            Self::Src => to.copy_from_slice(from),
            Self::Over => over(to, from),
            Self::Plus => {
                for (to, from) in to.iter_mut().zip(from) {
                    *to = [0, 1, 2, 3].map(|i| to[i].saturating_add(from[i]));
                }
            }
            Self::Rout => weigh(to, from, |source, _| (0, 255 - source)),
            Self::Ratop => weigh(to, from, |source, below| (255 - below, source)),
            Self::Rin => weigh(to, from, |source, _| (0, source)),
            Self::In => weigh(to, from, |_, below| (below, 0)),
            Self::Out => weigh(to, from, |_, below| (255 - below, 0)),
            Self::Atop => weigh(to, from, |source, below| (below, 255 - source)),
            Self::Xor => weigh(to, from, |source, below| (255 - below, 255 - source)),
            Self::Rover => weigh(to, from, |_, below| (255 - below, 255)),
        }
    }

    /// Combines a row with one colour above it; `row` is that colour repeated, at least as long.
    pub(super) fn fill(self, to: &mut [Pixel], color: Pixel, row: &[Pixel]) {
        if self == Self::Src || (self == Self::Over && color[3] == 255) {
            to.fill(color);
        } else {
            self.composite(to, &row[..to.len()]);
        }
    }
}

/// Source over destination. Most rows of a recording are all opaque or all transparent.
fn over(to: &mut [Pixel], from: &[Pixel]) {
    for (to, from) in to.chunks_mut(BLOCK_PIXELS).zip(from.chunks(BLOCK_PIXELS)) {
        // Whole pixels at a time: the alphas are the highest bytes.
        let (all, any) = from.iter().fold((u32::MAX, 0), |(all, any), &pixel| {
            let pixel = u32::from_le_bytes(pixel);
            (all & pixel, any | pixel)
        });
        if all >> 24 == 255 {
            to.copy_from_slice(from);
        } else if any != 0 {
            for (to, from) in to.iter_mut().zip(from) {
                // As browsers round it: the part below is cut, not rounded, and opaque stays opaque.
                let below = 256 - u32::from(from[3]);
                *to = [0, 1, 2, 3].map(|i| from[i].saturating_add(high_byte(u32::from(to[i]) * below)));
            }
        }
    }
}

/// Sums source and destination, weighted by two factors of 0 to 255 that `factors` takes from their alphas.
fn weigh(to: &mut [Pixel], from: &[Pixel], factors: impl Fn(u32, u32) -> (u32, u32)) {
    for (to, from) in to.iter_mut().zip(from) {
        let (source, below) = factors(u32::from(from[3]), u32::from(to[3]));
        *to = [0, 1, 2, 3].map(|i| divide(u32::from(from[i]) * source + u32::from(to[i]) * below));
    }
}

/// `value / 256`, rounded down. `value` is `255 * 256` or less.
fn high_byte(value: u32) -> u8 {
    let [_, quotient, _, _] = value.to_le_bytes();
    quotient
}

/// `value / 255`, rounded to the nearest. Premultiplied colours keep `value` at `255 * 255` or less.
fn divide(value: u32) -> u8 {
    let [_, _, quotient, _] = ((value + 128) * 257).to_le_bytes();
    quotient
}

/// Multiplies a row by an opacity of 0 to 255.
pub(super) fn fade(row: &mut [Pixel], opacity: u8) {
    for pixel in row {
        *pixel = pixel.map(|channel| divide(u32::from(channel) * u32::from(opacity)));
    }
}

/// A pixel between two, by a part of 0 (the first) to 255 (the second).
pub(super) fn mix(first: Pixel, second: Pixel, part: u8) -> Pixel {
    let part = u32::from(part);
    [0, 1, 2, 3].map(|i| divide(u32::from(first[i]) * (255 - part) + u32::from(second[i]) * part))
}

/// Straight to premultiplied alpha.
pub(super) fn premultiply([red, green, blue, alpha]: Pixel) -> Pixel {
    let scale = |channel: u8| divide(u32::from(channel) * u32::from(alpha));
    [scale(red), scale(green), scale(blue), alpha]
}

/// Premultiplied to straight alpha, rounded to the nearest.
pub(super) fn unpremultiply([red, green, blue, alpha]: Pixel) -> Pixel {
    let divisor = u16::from(alpha);
    let scale = |channel: u8| {
        let straight = (u16::from(channel) * 255 + divisor / 2).checked_div(divisor).unwrap_or(0);
        u8::try_from(straight).unwrap_or(255)
    };
    [scale(red), scale(green), scale(blue), alpha]
}

#[cfg(test)]
mod tests;
