//! The AV1 level that a video of a given size needs.

use crate::geometry::Size;

/// `(seq_level_idx, most pixels of a picture, longest width, longest height)` from AV1 specification, annex A.3.
const LEVELS: [(u8, usize, usize, usize); 7] = [
    (0, 147_456, 2048, 1152),
    (1, 278_784, 2816, 1584),
    (4, 665_856, 4352, 2448),
    (5, 1_065_024, 5504, 3096),
    (8, 2_359_296, 6144, 3456),
    (12, 8_912_896, 8192, 4352),
    (16, 35_651_584, 16_384, 8704),
];

/// The lowest `seq_level_idx` whose pictures are large enough; 31 ("maximum parameters") if none is.
pub fn level_index(size: Size) -> u8 {
    LEVELS
        .iter()
        .find(|(_, pixels, width, height)| {
            size.area() <= *pixels && size.width <= *width && size.height <= *height
        })
        .map_or(31, |(index, ..)| *index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_sizes_get_the_level_that_players_expect() {
        for (width, height, index) in [
            (640, 480, 4),
            (1280, 720, 5),
            (1366, 768, 5),
            (1920, 1080, 8),
            (3840, 2160, 12),
            (4096, 2304, 16),
            (16, 8192, 16),
            (16, 8705, 31),
        ] {
            assert_eq!(level_index(Size { width, height }), index, "{width}x{height}");
        }
    }
}
