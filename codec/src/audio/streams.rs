//! Which stream carries sound, and the samples of its blobs.

use super::format::SoundFormat;
use super::pcm::{PcmReader, StereoSample};
use super::report::SoundReport;
use crate::limits::Limits;
use crate::source::guac::{Instruction, StreamStep};
use std::collections::BTreeMap;

/// Sound that a blob brought: `samples` moments of stream `index` at `rate_hz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) index: i32,
    pub(super) rate_hz: u32,
    pub(super) samples: u64,
}

/// What an instruction means to the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamEvent {
    /// Nothing.
    None,
    /// The sound on this index is over; other sound may follow.
    Closed(i32),
    /// Samples came; they stand in [`Streams::samples`].
    Piece(Piece),
}

/// The streams that are open, by index.
///
/// The recording holds the streams of the server and those of its users, and both count from zero: the
/// clipboard of a user may open and end on the index of the server's sound. So clipboards, pipes and files only
/// cover the sound of their index, while an image, which comes from the server like sound does, replaces it.
#[derive(Debug)]
pub(super) struct Streams {
    limits: Limits,
    slots: BTreeMap<i32, Slot>,
    samples: Vec<StereoSample>,
}

#[derive(Debug, Default)]
struct Slot {
    server: ServerStream,
    /// A clipboard, pipe or file is open here.
    covered: bool,
}

/// What the server used an index for.
#[derive(Debug, Default)]
enum ServerStream {
    /// Nothing that the recording shows: sound if blobs come, for guacd opens it before it records.
    #[default]
    NeverOpened,
    Sound(PcmReader),
    /// Sound that was never opened.
    UnopenedSound(PcmReader),
    /// An image, or sound that is not understood, or a stream that has ended.
    Silent,
}

impl Streams {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, slots: BTreeMap::new(), samples: Vec::new() }
    }

    /// The samples of the piece that [`Streams::apply`] returned last.
    pub(super) fn samples(&self) -> &[StereoSample] {
        &self.samples
    }

    pub(super) fn apply(&mut self, instruction: &Instruction<'_>, report: &mut SoundReport) -> StreamEvent {
        let Some((stream, step)) = instruction.stream_step() else { return StreamEvent::None };
        match step {
            StreamStep::OpensSound(mimetype) => self.open_sound(stream, mimetype, report),
            StreamStep::OpensImage => self.replace(stream, ServerStream::Silent, report),
            StreamStep::OpensClipboard(_) | StreamStep::OpensOther => {
                if let Some(slot) = self.slot(stream) {
                    slot.covered = true;
                }
                StreamEvent::None
            }
            StreamStep::Fills(data) => self.blob(stream, data, report),
            StreamStep::Ends => self.end(stream, report),
        }
    }

    /// Both sides of a connection may open `limits.streams` streams, and guacd gives them even and odd indexes.
    fn is_within_limits(&self, index: i32) -> bool {
        usize::try_from(index).is_ok_and(|index| index < 2 * self.limits.streams)
    }

    fn slot(&mut self, index: i32) -> Option<&mut Slot> {
        self.is_within_limits(index).then(|| self.slots.entry(index).or_default())
    }

    fn open_sound(&mut self, index: i32, mimetype: &str, report: &mut SoundReport) -> StreamEvent {
        match SoundFormat::parse(mimetype, &self.limits) {
            Ok(format) => {
                report.streams += 1;
                self.replace(index, ServerStream::Sound(PcmReader::new(format)), report)
            }
            Err(error) => {
                report.refused_streams += 1;
                report.first_refusal.get_or_insert(error);
                self.replace(index, ServerStream::Silent, report)
            }
        }
    }

    fn replace(&mut self, index: i32, by: ServerStream, report: &mut SoundReport) -> StreamEvent {
        let Some(slot) = self.slot(index) else { return StreamEvent::None };
        slot.covered = false;
        match std::mem::replace(&mut slot.server, by) {
            ServerStream::Sound(reader) | ServerStream::UnopenedSound(reader) => {
                report.odd_bytes += u64::try_from(reader.rest_bytes()).unwrap_or(u64::MAX);
                StreamEvent::Closed(index)
            }
            ServerStream::NeverOpened | ServerStream::Silent => StreamEvent::None,
        }
    }

    fn end(&mut self, index: i32, report: &mut SoundReport) -> StreamEvent {
        let Some(slot) = self.slot(index) else { return StreamEvent::None };
        if slot.covered {
            slot.covered = false;
            return StreamEvent::None;
        }
        match slot.server {
            // The end of sound that was never opened: what follows on this index is as unopened as it was.
            ServerStream::NeverOpened | ServerStream::UnopenedSound(_) => {
                self.replace(index, ServerStream::NeverOpened, report)
            }
            ServerStream::Sound(_) | ServerStream::Silent => {
                self.replace(index, ServerStream::Silent, report)
            }
        }
    }

    fn blob(&mut self, index: i32, data: &str, report: &mut SoundReport) -> StreamEvent {
        if !self.is_within_limits(index) {
            return StreamEvent::None;
        }
        let slot = self.slots.entry(index).or_default();
        if slot.covered || matches!(slot.server, ServerStream::Silent) {
            return StreamEvent::None;
        }
        let Ok(bytes) = base64_simd::STANDARD.decode_to_vec(data) else {
            report.undecodable_blobs += 1;
            return StreamEvent::None;
        };
        let unopened = matches!(slot.server, ServerStream::NeverOpened | ServerStream::UnopenedSound(_));
        if unopened && !bytes.len().is_multiple_of(4) {
            report.odd_blobs += 1;
            return StreamEvent::None;
        }
        if matches!(slot.server, ServerStream::NeverOpened) {
            report.streams += 1;
            slot.server = ServerStream::UnopenedSound(PcmReader::new(SoundFormat::UNOPENED));
        }
        let (ServerStream::Sound(reader) | ServerStream::UnopenedSound(reader)) = &mut slot.server else {
            return StreamEvent::None;
        };
        report.blobs += 1;
        let rate_hz = reader.format().rate_hz;
        self.samples.clear();
        reader.read(&bytes, &mut self.samples);
        let samples = u64::try_from(self.samples.len()).expect("a buffer's length fits 64 bits");
        if samples == 0 {
            return StreamEvent::None;
        }
        StreamEvent::Piece(Piece { index, rate_hz, samples })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::guac::OtherStreamKind;

    fn run(instructions: &[Instruction<'_>]) -> (Vec<StreamEvent>, SoundReport) {
        let mut streams = Streams::new(Limits::default());
        let mut report = SoundReport::default();
        let events = instructions.iter().map(|instruction| streams.apply(instruction, &mut report)).collect();
        (events, report)
    }

    fn blob(stream: i32) -> Instruction<'static> {
        Instruction::Blob { stream, data: "AAAAAAAAAAA=" }
    }

    fn piece(index: i32, rate_hz: u32, samples: u64) -> StreamEvent {
        StreamEvent::Piece(Piece { index, rate_hz, samples })
    }

    #[test]
    fn blobs_on_an_index_that_was_never_opened_are_the_sound_of_pulseaudio() {
        let odd = Instruction::Blob { stream: 1, data: "AAAA" };
        let bad = Instruction::Blob { stream: 1, data: "A*" };
        let (events, report) = run(&[blob(1), odd, bad, Instruction::End { stream: 1 }, blob(1)]);
        let sound = piece(1, 44_100, 2);
        let none = StreamEvent::None;
        assert_eq!(events, [sound, none, none, StreamEvent::Closed(1), sound]);
        assert_eq!((report.odd_blobs, report.undecodable_blobs, report.blobs), (1, 1, 2));
    }

    #[test]
    fn blobs_of_other_streams_are_no_sound() {
        let img = Instruction::Img { stream: 3, mask: 14, layer: 0, mimetype: "image/png", x: 0, y: 0 };
        let clipboard = Instruction::Clipboard { stream: 5, mimetype: "text/plain" };
        let pipe = Instruction::OtherStream {
            stream: 7,
            kind: OtherStreamKind::Pipe,
            mimetype: "application/octet-stream",
            name: "p",
        };
        let all = [img, blob(3), Instruction::End { stream: 3 }, blob(3), clipboard, blob(5), pipe, blob(7)];
        assert!(run(&all).0.iter().all(|event| *event == StreamEvent::None));
        assert!(
            run(&[blob(-1), blob(128), blob(i32::MAX)]).0.iter().all(|event| *event == StreamEvent::None)
        );
    }

    #[test]
    fn a_clipboard_on_the_index_of_the_sound_only_covers_it() {
        let clipboard = Instruction::Clipboard { stream: 1, mimetype: "text/plain" };
        let (events, _) = run(&[blob(1), clipboard, blob(1), Instruction::End { stream: 1 }, blob(1)]);
        let none = StreamEvent::None;
        assert_eq!(events, [piece(1, 44_100, 2), none, none, none, piece(1, 44_100, 2)]);
    }

    #[test]
    fn sound_that_is_opened_again_has_its_new_format() {
        let open = |mimetype| Instruction::Audio { stream: 1, mimetype };
        let (events, report) = run(&[
            Instruction::End { stream: 1 },
            open("audio/L16;rate=22050,channels=2"),
            Instruction::End { stream: 1 },
            blob(1),
            open("audio/L8;rate=8000"),
            blob(1),
            open("audio/ogg"),
            blob(1),
        ]);
        let closed = StreamEvent::Closed(1);
        let none = StreamEvent::None;
        assert_eq!(events, [none, none, closed, none, none, piece(1, 8_000, 8), closed, none]);
        assert_eq!((report.streams, report.refused_streams), (2, 1));
    }
}
