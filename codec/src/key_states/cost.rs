//! What a replay costs, counted instead of timed: the same on every machine.
//!
//! The weights are those of one core of the machine that the figures of DESIGN.md are from.

use crate::canvas::Work;

/// The time that reading `read_bytes` of a recording and this drawing take, in nanoseconds.
pub fn cost_ns(read_bytes: u64, work: &Work) -> u64 {
    let Work { instructions, image_bytes, image_pixels, drawn_pixels } = *work;
    let picoseconds = [
        (read_bytes, 2_000),
        (instructions, 300_000),
        (image_bytes, 40_000),
        (image_pixels, 5_000),
        (drawn_pixels, 1_000),
    ];
    picoseconds.iter().map(|(count, each)| count.saturating_mul(*each) / 1000).sum()
}

/// The time that it takes to write a key state of a canvas with so many pixels, in nanoseconds.
pub(super) fn of_key_state_ns(pixels: u64) -> u64 {
    pixels.saturating_mul(20)
}
