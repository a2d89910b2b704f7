//! Reads ahead for images, so that other threads decode them before they are drawn.

use super::decoders::{Decoded, Decoders, Handed};
use super::mask::Mask;
use super::stream::{ImageStreams, ImageTarget};
use crate::limits::Limits;
use crate::source::guac::{Instruction, Parser, ParserPlace};
use std::collections::VecDeque;
use std::sync::Arc;

/// Most images that wait.
const IMAGES_MAX: usize = 1024;
/// Where an image goes does not matter until it is drawn.
const NOWHERE: ImageTarget = ImageTarget { layer: 0, mask: Mask::Src, x: 0, y: 0 };

/// Hands the images of what is announced to [`Decoders`], and gives back those that are decoded.
///
/// Nothing that is seen depends on it: the canvas takes what was decoded from the same coded bytes, and counts and
/// refuses as it does without.
#[derive(Debug)]
pub(crate) struct Ahead {
    decoders: Arc<Decoders>,
    limits: Limits,
    parser: Parser,
    streams: ImageStreams,
    /// Those that were not drawn yet, each with the byte of the recording behind it.
    waiting: VecDeque<(u64, Arc<Handed>)>,
}

impl Ahead {
    /// Starts at a place of the recording.
    pub(crate) fn new(decoders: Arc<Decoders>, limits: Limits, place: ParserPlace) -> Self {
        let (parser, streams) = (Parser::at(limits, place), ImageStreams::default());
        Self { decoders, limits, parser, streams, waiting: VecDeque::new() }
    }

    /// Reads the bytes behind those that were announced before. What cannot be read, whoever draws will tell.
    pub(crate) fn announce(&mut self, bytes: &[u8]) {
        self.parser.push(bytes);
        while let Ok(Some((instruction, end_byte))) = self.parser.read_with_end() {
            if let Some(image) = image_of(&mut self.streams, &instruction, &self.limits)
                && self.waiting.len() < IMAGES_MAX
            {
                self.waiting.push_back((end_byte, self.decoders.hand(image)));
            }
        }
    }

    /// The image that ends before this byte, if another thread has decoded it or is about to.
    pub(crate) fn take(&mut self, end_byte: u64) -> Option<Decoded> {
        while let Some((_, passed)) = self.waiting.pop_front_if(|(end, _)| *end < end_byte) {
            self.decoders.take(&passed);
        }
        let (_, image) = self.waiting.pop_front_if(|(end, _)| *end == end_byte)?;
        self.decoders.take(&image)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        for (_, image) in self.waiting.drain(..) {
            self.decoders.take(&image);
        }
    }
}

/// The coded image that ends with an instruction.
fn image_of(streams: &mut ImageStreams, instruction: &Instruction<'_>, limits: &Limits) -> Option<Vec<u8>> {
    match *instruction {
        Instruction::Img { stream, .. } => streams.open(stream, NOWHERE, limits).ok()?,
        Instruction::Blob { stream, data } => streams.append(stream, data, limits).ok()?,
        Instruction::Audio { stream, .. } => _ = streams.take(stream),
        Instruction::Clipboard { stream, .. } | Instruction::OtherStream { stream, .. } => {
            streams.cover(stream);
        }
        Instruction::End { stream } => return streams.end(stream).map(|image| image.bytes),
        Instruction::Size { .. }
        | Instruction::Move { .. }
        | Instruction::Shade { .. }
        | Instruction::Dispose { .. }
        | Instruction::Rect { .. }
        | Instruction::Cfill { .. }
        | Instruction::Vector { .. }
        | Instruction::Copy { .. }
        | Instruction::Transfer { .. }
        | Instruction::Cursor { .. }
        | Instruction::Mouse { .. }
        | Instruction::InlineImage { .. }
        | Instruction::Sync { .. }
        | Instruction::Key { .. }
        | Instruction::Error { .. }
        | Instruction::Nop
        | Instruction::Other { .. } => {}
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Replay;
    use crate::screen::Screen;
    use base64_simd::STANDARD;
    use proptest::prelude::*;

    /// A PNG of one colour.
    fn png(side: u32, shade: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, side, side);
        encoder.set_color(png::ColorType::Grayscale);
        let pixels = vec![shade; usize::try_from(side * side).unwrap()];
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        bytes
    }

    fn instruction(elements: &[&str]) -> String {
        let elements: Vec<_> = elements.iter().map(|text| format!("{}.{text}", text.len())).collect();
        format!("{};", elements.join(","))
    }

    /// An image of a stream, with its bytes in one blob.
    fn image(stream: &str, image: &[u8]) -> String {
        let data = STANDARD.encode_to_string(image);
        let begin = instruction(&["img", stream, "14", "0", "image/png", "3", "4"]);
        begin + &instruction(&["blob", stream, &data]) + &instruction(&["end", stream])
    }

    fn ahead(threads: usize, bytes: usize) -> Ahead {
        let decoders = Arc::new(Decoders::start(threads, bytes));
        Ahead::new(decoders, Limits::default(), ParserPlace::default())
    }

    fn end_of(recording: &str) -> u64 {
        u64::try_from(recording.len()).unwrap()
    }

    #[test]
    fn what_is_announced_is_decoded_by_the_time_it_is_taken() {
        let first = image("1", &png(4, 100));
        let recording = first.clone() + &image("1", &png(5, 200));
        let mut ahead = ahead(1, 1 << 20);
        ahead.announce(recording.as_bytes());
        // The thread has begun with the second image when it is done with the first one, or is about to: until then
        // it is left to whoever draws.
        while !ahead.waiting.iter().all(|(_, image)| image.is_done()) {
            std::thread::yield_now();
        }
        assert_eq!(ahead.take(1), None);
        let decoded = ahead.take(end_of(&first)).unwrap();
        assert_eq!(decoded.coded, png(4, 100));
        assert_eq!(decoded.surface.row(0, 0, 1), [[100, 100, 100, 255]]);
        let decoded = ahead.take(end_of(&recording)).unwrap();
        assert_eq!(decoded.surface.row(4, 4, 5), [[200, 200, 200, 255]]);
        assert_eq!(ahead.take(end_of(&recording)), None);
        assert_eq!(ahead.decoders.held_bytes(), 0);
    }

    #[test]
    fn what_has_no_thread_no_room_or_no_sense_is_left_to_whoever_draws() {
        let recording = image("1", &png(64, 1));
        for (threads, bytes) in [(0, 1 << 20), (1, 64 * 64)] {
            let mut ahead = ahead(threads, bytes);
            ahead.announce(recording.as_bytes());
            assert_eq!(ahead.take(end_of(&recording)), None);
        }
        let mut ahead = ahead(1, 1 << 20);
        let recording = image("1", b"no image");
        ahead.announce(recording.as_bytes());
        assert_eq!(ahead.take(end_of(&recording)), None);
    }

    #[test]
    fn images_that_are_passed_or_never_drawn_hold_nothing() {
        let recording = image("1", &png(4, 1)) + &image("1", &png(4, 2)) + &image("1", &png(4, 3));
        let mut ahead = ahead(2, 1 << 20);
        ahead.announce(recording.as_bytes());
        assert_eq!(ahead.take(end_of(&recording) - 1), None);
        assert_eq!(ahead.waiting.len(), 1);
        let decoders = Arc::clone(&ahead.decoders);
        drop(ahead);
        assert_eq!(decoders.held_bytes(), 0);
    }

    /// Images of streams that open, cover and end one another, some of them damaged.
    fn recordings() -> impl Strategy<Value = String> {
        let step = (0..6_u8, 0..3_u8, 1..40_u32, any::<u8>()).prop_map(|(kind, stream, side, shade)| {
            let stream = stream.to_string();
            let data = STANDARD.encode_to_string(&png(side, shade)[..60.min(40 + usize::from(shade))]);
            match kind {
                0 => instruction(&["img", &stream, "14", "0", "image/png", "3", "4"]),
                1 => instruction(&["blob", &stream, &data]),
                2 => instruction(&["end", &stream]),
                3 => instruction(&["clipboard", &stream, "text/plain"]),
                4 => instruction(&["audio", &stream, "audio/L16;rate=8000"]),
                _ => image(&stream, &png(side, shade)) + &instruction(&["sync", "1"]),
            }
        });
        proptest::collection::vec(step, 1..30)
            .prop_map(|steps| instruction(&["size", "0", "64", "48"]) + &steps.concat())
    }

    fn drawn(mut replay: Replay, recording: &str) -> (Screen, u64, u64) {
        let mut screen = Screen::default();
        replay.push(recording.as_bytes());
        while replay.step().unwrap().is_some() {
            screen.show_frame(replay.canvas());
        }
        screen.show_frame(replay.canvas());
        (screen, replay.cost().ns(), replay.faults().count)
    }

    proptest! {
        #[test]
        fn nothing_that_is_seen_depends_on_it(recording in recordings(), threads in 1_usize..4) {
            let mut ahead = Replay::new(Limits::default());
            ahead.decode_ahead(Arc::new(Decoders::start(threads, 1 << 20)));
            ahead.announce(recording.as_bytes());
            let (screen, cost, faults) = drawn(ahead, &recording);
            let (plain, plain_cost, plain_faults) = drawn(Replay::new(Limits::default()), &recording);
            prop_assert!(screen.picture() == plain.picture());
            prop_assert_eq!((cost, faults), (plain_cost, plain_faults));
        }
    }
}
