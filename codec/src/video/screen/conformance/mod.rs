//! Decoders must agree with our reconstruction on every sample of streams with random but legal choices.
//!
//! `SCREEN_FRAMES` sets how many frames are tried, `SCREEN_SEED` the first stream.

mod coverage;
mod decoders;
mod random_choices;
mod random_picture;
mod rng;

use super::cdfs::Cdfs;
use super::encoder::{ScreenEncoder, code_frame};
use super::format::Format;
use super::frame_state::FrameState;
use super::planes::Planes;
use super::source::Source;
use crate::geometry::{Rect, Size};
use crate::video::encode::Encode;
use crate::video::frame::Frame;
use crate::video::settings::Chroma;
use decoders::Decoder;
use random_choices::RandomChoices;
use random_picture::RandomPicture;
use rng::Rng;

/// Streams that a decoder sees in one go.
const BATCH_STREAMS: u64 = 24;

/// A coded stream and what it must decode to.
struct Stream {
    format: Format,
    /// The quantizer index of the key frame.
    base_q_idx: u8,
    packets: Vec<Vec<u8>>,
    /// All planes of all frames, without padding.
    expected: Vec<u8>,
    /// Quantizer indexes of the frames that refine what the one before shows.
    refined_with: Vec<u8>,
    /// The distributions behind the last frame.
    cdfs: Cdfs,
}

impl Stream {
    fn new(format: Format, base_q_idx: u8) -> Self {
        Self {
            format,
            base_q_idx,
            packets: Vec::new(),
            expected: Vec::new(),
            refined_with: Vec::new(),
            cdfs: Cdfs::defaults(base_q_idx),
        }
    }

    /// Takes a frame that was coded, and what it must decode to.
    fn add(&mut self, packet: Vec<u8>, state: &FrameState) {
        self.packets.push(packet);
        self.expected.extend(samples(&state.reference));
        self.cdfs.clone_from(&state.cdfs);
    }
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

/// A format and a quantizer index.
fn random_settings(rng: &mut Rng) -> (Format, u8) {
    let size = Size { width: rng.between(8, 200), height: rng.between(8, 200) };
    let chroma = if rng.one_in(2) { Chroma::Full } else { Chroma::Half };
    (Format { size, chroma }, random_q_idx(rng))
}

/// A quantizer index: often lossless, and of each of the ranges that have defaults of their own.
fn random_q_idx(rng: &mut Rng) -> u8 {
    let (low, high) = rng.one_of(&[(0, 0), (1, 20), (1, 20), (21, 60), (61, 120), (121, 255)]);
    u8::try_from(rng.between(low, high)).unwrap()
}

/// A stream of legal choices that have nothing to do with the picture.
fn random_stream(seed: u64) -> Stream {
    let mut rng = Rng::new(seed);
    let (format, base_q_idx) = random_settings(&mut rng);
    let mut state = FrameState::new(format, base_q_idx);
    let mut picture = RandomPicture::new(format);
    let mut stream = Stream::new(format, base_q_idx);
    for _ in 0..rng.between(1, 6) {
        picture.change(&mut rng);
        let source = Source { format, planes: picture.planes() };
        let mut choices = RandomChoices::new(&mut rng);
        let packet = code_frame(&mut state, source, &mut choices);
        stream.add(packet, &state);
        if rng.one_in(3) {
            state.set_base_q_idx(random_q_idx(&mut rng));
        }
    }
    stream
}

/// A stream as the encoder decides it; what stays may be refined between its frames.
fn decided_stream(seed: u64) -> Stream {
    let mut rng = Rng::new(seed);
    let (format, base_q_idx) = random_settings(&mut rng);
    let still_q_idx =
        if rng.one_in(4) { 0 } else { u8::try_from(rng.between(0, usize::from(base_q_idx))).unwrap() };
    let mut encoder = ScreenEncoder::new(format, base_q_idx, still_q_idx);
    let mut picture = RandomPicture::new(format);
    let mut stream = Stream::new(format, base_q_idx);
    let mut at_ms = 0;
    for _ in 0..rng.between(1, 6) {
        let mut copies = Vec::new();
        if rng.one_in(2) {
            copies.push(picture.shift(&mut rng));
        }
        let mut damage: Vec<Rect> = copies.iter().map(|copy| copy.to).collect();
        if rng.one_in(2) {
            damage.extend(picture.change(&mut rng));
        }
        if rng.one_in(2) {
            // The encoder has to find out.
            copies.clear();
        }
        at_ms += i64::try_from(rng.between(1, 2000)).unwrap();
        let shown = picture.as_yuv();
        let frame = Frame { at_ms, picture: &shown, damage: &damage, copies: &copies };
        for packet in encoder.encode(&frame).unwrap() {
            stream.add(packet.data, &encoder.state);
        }
        if base_q_idx == 0 {
            let decoded = samples(&encoder.state.reference);
            assert!(
                decoded == picture.planes().concat(),
                "seed {seed}: a lossless frame differs from its source"
            );
        }
        let end_ms = at_ms + i64::try_from(rng.between(0, 3000)).unwrap();
        for packet in Encode::refine(&mut encoder, end_ms).unwrap() {
            at_ms = packet.at_ms;
            stream.refined_with.push(still_q_idx);
            stream.add(packet.data, &encoder.state);
        }
    }
    stream
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Makes streams until there are as many frames as asked for, and lets all decoders see them.
fn assert_decoders_agree(stream_of: fn(u64) -> Stream) {
    let decoders = Decoder::installed();
    let (mut seed, frames) = (setting("SCREEN_SEED", 1), setting("SCREEN_FRAMES", 84));
    let mut seen = 0;
    while seen < frames {
        let batch: Vec<_> = (seed..seed + BATCH_STREAMS).map(|seed| (seed, stream_of(seed))).collect();
        let packets: usize = batch.iter().map(|(_, stream)| stream.packets.len()).sum();
        seen += u64::try_from(packets).unwrap();
        for decoder in &decoders {
            assert_decoder_agrees(*decoder, &batch);
        }
        seed += BATCH_STREAMS;
    }
}

/// Lets a decoder see the streams of a batch one behind the other, as far as it can, so that few processes start.
fn assert_decoder_agrees(decoder: Decoder, batch: &[(u64, Stream)]) {
    for chroma in [Chroma::Half, Chroma::Full] {
        let alike: Vec<_> = batch.iter().filter(|(_, stream)| stream.format.chroma == chroma).collect();
        let Some((_, first)) = alike.first() else { continue };
        let whole = alike.iter().filter(|_| decoder.takes_other_sizes());
        let packets: Vec<_> = whole.clone().flat_map(|(_, stream)| stream.packets.clone()).collect();
        let expected: Vec<_> = whole.flat_map(|(_, stream)| stream.expected.clone()).collect();
        if decoder.takes_other_sizes() && decoder.decode(first.format, &packets) == expected {
            continue;
        }
        // Which one is it?
        let singles = if decoder.takes_other_sizes() { alike.len() } else { 1 };
        for (seed, stream) in alike.into_iter().take(singles) {
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
        assert!(!decoder.takes_other_sizes(), "{decoder:?} differs from a seed {} on", batch[0].0);
    }
}

#[test]
fn decoders_agree_with_the_reconstruction_of_random_choices() {
    assert_decoders_agree(random_stream);
}

#[test]
fn decoders_agree_with_the_reconstruction_of_what_the_encoder_decides() {
    assert_decoders_agree(decided_stream);
}

/// FNV-1a of all packets (Fowler, Noll, Vo).
fn fingerprint(streams: impl Iterator<Item = Stream>) -> u64 {
    let packets: Vec<u8> = streams.flat_map(|stream| stream.packets.concat()).collect();
    packets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[test]
fn streams_stay_the_same_byte_for_byte() {
    // A change here is a change of what videos look like: it must be meant.
    let fingerprints = [fingerprint((1..=16).map(random_stream)), fingerprint((1..=16).map(decided_stream))];
    assert_eq!(fingerprints, [6_689_446_950_644_604_247, 9_991_958_499_154_123_294]);
}
