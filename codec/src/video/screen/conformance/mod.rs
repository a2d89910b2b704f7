//! Decoders must agree with our reconstruction on every sample of streams with random but legal choices.
//!
//! `SCREEN_STREAMS` sets how many streams are tried, `SCREEN_SEED` the first.

mod decoders;
mod random_choices;
mod random_picture;
mod rng;

use super::encoder::code_frame;
use super::format::{Chroma, Format};
use super::frame_state::FrameState;
use super::planes::Planes;
use super::source::Source;
use crate::geometry::Size;
use decoders::Decoder;
use random_choices::RandomChoices;
use random_picture::RandomPicture;
use rng::Rng;

/// A coded stream and what it must decode to.
struct Stream {
    format: Format,
    packets: Vec<Vec<u8>>,
    /// All planes of all frames, without padding.
    expected: Vec<u8>,
}

/// The planes of a picture one after the other, without padding.
fn samples(planes: &Planes) -> Vec<u8> {
    let mut samples = Vec::new();
    for plane in &planes.planes {
        for y in 0..plane.size.height {
            samples.extend_from_slice(plane.row(y, 0, plane.size.width));
        }
    }
    samples
}

fn random_stream(seed: u64) -> Stream {
    let mut rng = Rng::new(seed);
    let size = Size { width: rng.between(8, 200), height: rng.between(8, 200) };
    let chroma = if rng.one_in(4) { Chroma::Yuv444 } else { Chroma::Yuv420 };
    let base_q_idx = if rng.one_in(4) { 0 } else { u8::try_from(rng.between(1, 255)).unwrap() };
    let format = Format { size, chroma };
    let mut state = FrameState::new(format, base_q_idx);
    let mut picture = RandomPicture::new(format);
    let mut stream = Stream { format, packets: Vec::new(), expected: Vec::new() };
    for _ in 0..rng.between(1, 6) {
        picture.change(&mut rng);
        let source = Source { format, planes: picture.planes() };
        let mut choices = RandomChoices::new(&mut rng);
        stream.packets.push(code_frame(&mut state, source, &mut choices));
        stream.expected.extend(samples(&state.reference));
    }
    stream
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn decoders_agree_with_the_reconstruction_of_random_choices() {
    let decoders = Decoder::installed();
    let first = setting("SCREEN_SEED", 1);
    let mut frames = 0;
    for seed in first..first + setting("SCREEN_STREAMS", 24) {
        let stream = random_stream(seed);
        frames += stream.packets.len();
        for decoder in &decoders {
            let decoded = decoder.decode(stream.format, &stream.packets);
            let differs = decoded.iter().zip(&stream.expected).position(|(a, b)| a != b);
            assert!(
                decoded == stream.expected,
                "{decoder:?}, seed {seed}, {:?}: {} of {} samples, first difference {differs:?}",
                stream.format,
                decoded.len(),
                stream.expected.len()
            );
        }
    }
    assert!(frames > 0);
}
