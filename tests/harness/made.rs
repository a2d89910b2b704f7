//! Recordings of any size that take little time to draw.

use crate::hostile::instruction;
use crate::random::Random;
use base64_simd::STANDARD;

/// The times of its frames, and how far they are apart.
const START_MS: u64 = 1_760_000_000_000;
const FRAMES: u64 = 20;
const FRAME_MS: u64 = 100;
const WIDTH: u64 = 640;
const HEIGHT: u64 = 480;
/// What guacd puts into one blob.
const BLOB_BYTES: usize = 6048;

/// A screen on which rectangles appear for two seconds, and a clipboard of noise that makes it about as long as wanted.
pub(crate) fn made_recording(random: &mut Random, bytes: usize) -> Vec<u8> {
    let mut text = instruction(&[&"size", &0, &WIDTH, &HEIGHT]);
    text.extend(instruction(&[&"sync", &START_MS]));
    for frame in 1..=FRAMES {
        let (x, y) = (random.below(WIDTH - 100), random.below(HEIGHT - 100));
        let colour = random.below(256);
        text.extend(instruction(&[&"rect", &0, &x, &y, &100, &60]));
        text.extend(instruction(&[&"cfill", &14, &0, &colour, &(255 - colour), &frame, &255]));
        text.extend(instruction(&[&"sync", &(START_MS + frame * FRAME_MS)]));
    }
    if text.len() < bytes {
        text.extend(instruction(&[&"clipboard", &1, &"text/plain"]));
        while text.len() < bytes {
            let mut noise: Vec<u8> =
                (0..BLOB_BYTES / 8).flat_map(|_| random.below(u64::MAX).to_le_bytes()).collect();
            noise.truncate((bytes - text.len()).max(1));
            text.extend(instruction(&[&"blob", &1, &STANDARD.encode_to_string(noise)]));
        }
        text.extend(instruction(&[&"end", &1]));
    }
    text.extend(instruction(&[&"sync", &(START_MS + (FRAMES + 1) * FRAME_MS)]));
    text
}

/// Lengths as they come: one in twenty is of some chunks, the others are from a few KB to 1 MiB.
pub(crate) fn some_length(random: &mut Random) -> usize {
    /// Large ones.
    const LARGE_BYTES: usize = 20 << 20;
    if random.below(20) == 0 {
        return LARGE_BYTES;
    }
    let magnitude = 11 + random.below(10);
    usize::try_from(random.below(1 << magnitude)).unwrap_or(0)
}
