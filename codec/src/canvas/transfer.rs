//! Transfer functions: binary raster operations on colour components.
//!
//! Source: guacamole-server `protocol-types.h`, guacamole-common-js `Client.js` (`DefaultTransferFunction`).
//! They work on straight colours; alpha stays, but for the two that only read the source.

use super::mask::{Pixel, premultiply, unpremultiply};

/// The function with the value `function`, as a map of (source, destination) to the new destination, all
/// premultiplied; `None` if the protocol does not define it.
pub(super) fn function(function: u8) -> Option<fn(Pixel, Pixel) -> Pixel> {
    Some(match function {
        0x0 => |_, to| [0, 0, 0, to[3]],
        0x1 => |from, to| combine(from, to, |s, d| s & d),
        0x2 => |from, to| combine(from, to, |s, d| s & !d),
        0x3 => |from, _| from,
        0x4 => |from, to| combine(from, to, |s, d| !s & d),
        0x5 => |_, to| to,
        0x6 => |from, to| combine(from, to, |s, d| s ^ d),
        0x7 => |from, to| combine(from, to, |s, d| s | d),
        0x8 => |from, to| combine(from, to, |s, d| !(s | d)),
        0x9 => |from, to| combine(from, to, |s, d| !(s ^ d)),
        0xA => |from, to| combine(from, to, |_, d| !d),
        0xB => |from, to| combine(from, to, |s, d| s | !d),
        0xC => |from, _| combine(from, from, |s, _| !s),
        0xD => |from, to| combine(from, to, |s, d| !s | d),
        0xE => |from, to| combine(from, to, |s, d| !(s & d)),
        0xF => |_, to| [to[3]; 4],
        _ => return None,
    })
}

/// Applies `combine` to each colour component of the straight colours; the alpha is that of `to`.
fn combine(from: Pixel, to: Pixel, combine: impl Fn(u8, u8) -> u8) -> Pixel {
    let (from, to) = (unpremultiply(from), unpremultiply(to));
    premultiply([combine(from[0], to[0]), combine(from[1], to[1]), combine(from[2], to[2]), to[3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_follows_its_truth_table() {
        // From the highest bit, a value answers (source, destination) = (0, 0), (0, 1), (1, 0), (1, 1).
        let (from, to) = ([0b0011; 3], [0b0101; 3]);
        for value in 0..16_u8 {
            let opaque = |color: [u8; 3]| [color[0], color[1], color[2], 255];
            let result = function(value).unwrap()(opaque(from), opaque(to));
            let expected = (0..4).fold(0, |sum, bit| {
                let (s, d) = (from[0] >> bit & 1, to[0] >> bit & 1);
                sum | (value >> (3 - (s * 2 + d)) & 1) << bit
            });
            assert_eq!(result[0] & 0x0F, expected, "function 0x{value:x}");
            assert_eq!(result[3], 255);
        }
        assert!(function(16).is_none());
    }

    #[test]
    fn alpha_stays_but_for_the_source_functions() {
        let (from, to) = ([10, 20, 30, 100], [40, 50, 60, 200]);
        for value in 0..16 {
            let expected = if matches!(value, 0x3 | 0xC) { 100 } else { 200 };
            assert_eq!(function(value).unwrap()(from, to)[3], expected);
        }
    }
}
