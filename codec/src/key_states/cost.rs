//! What a replay costs, counted instead of timed: the same on every machine.
//!
//! The weights are a fit to the times of the development recordings; DESIGN.md compares both.

use crate::canvas::Work;

/// The time that reading `read_bytes` of a recording and this drawing take, in nanoseconds.
pub fn cost_ns(read_bytes: u64, work: &Work) -> u64 {
    let Work { instructions, image_bytes, webp_bytes, image_pixels, drawn_pixels } = *work;
    let picoseconds = [
        (read_bytes, 1_100),
        (instructions, 400_000),
        (image_bytes, 10_000),
        (webp_bytes, 120_000),
        (image_pixels, 2_500),
        (drawn_pixels, 500),
    ];
    picoseconds.iter().map(|(count, each)| count.saturating_mul(*each) / 1000).sum()
}

/// The time that it takes to write a key state of a canvas with so many pixels, in nanoseconds.
pub(super) fn of_key_state_ns(pixels: u64) -> u64 {
    pixels.saturating_mul(30)
}
