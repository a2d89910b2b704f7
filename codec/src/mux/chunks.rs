//! The order in which packets follow the head.

use std::ops::Range;

use super::text_track::TextSample;
use super::{SoundPacket, Tracks, VideoSample};

/// Where a packet belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Track {
    /// Pictures.
    Video,
    /// Sound.
    Sound,
    /// Texts over the pictures.
    Subtitles,
    /// Texts in a menu.
    Chapters,
}

/// Packets of one track that stand side by side in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Whose packets.
    pub track: Track,
    /// Which packets: indexes into the track's table.
    pub packets: Range<usize>,
    /// When the first of them begins, in ticks of 1/48000 s.
    pub at_ticks: u64,
    /// Their lengths together, in bytes.
    pub bytes: u64,
    /// Which of the track's sample entries describes them, counted from 0.
    pub entry: usize,
}

/// Cuts all tracks into chunks and orders these by the time of their first packet, pictures before sound.
///
/// Packets of a chunk begin within [`Chunks::SPAN_TICKS`], so a player that reads from front to back holds
/// about one second of one track while it waits for the others. Players read all chapters before they start, so
/// these are one chunk in front.
#[derive(Debug, Clone)]
pub struct Chunks<'a> {
    chapters: Queue<'a, TextSample>,
    video: Queue<'a, VideoSample>,
    sound: Queue<'a, SoundPacket>,
    subtitles: Queue<'a, TextSample>,
}

/// What is left of one track; times in ticks of 1/48000 s, which measures samples and milliseconds exactly.
#[derive(Debug, Clone)]
struct Queue<'a, P> {
    track: Track,
    packets: &'a [P],
    /// All packets of a chunk begin before so many ticks have passed.
    span_ticks: u64,
    next: usize,
    next_ticks: u64,
}

/// What a chunk needs of a packet: length in bytes, duration in ticks.
trait Packet {
    fn size_bytes(&self) -> u64;
    fn ticks(&self) -> u64;

    /// Which sample entry describes it, counted from 0.
    fn entry(&self) -> usize {
        0
    }
}

impl Packet for VideoSample {
    fn size_bytes(&self) -> u64 {
        self.size_bytes.into()
    }

    fn ticks(&self) -> u64 {
        u64::from(self.duration_ms) * 48
    }

    fn entry(&self) -> usize {
        self.header
    }
}

impl Packet for SoundPacket {
    fn size_bytes(&self) -> u64 {
        self.size_bytes.into()
    }

    fn ticks(&self) -> u64 {
        self.samples.into()
    }
}

impl Packet for TextSample {
    fn size_bytes(&self) -> u64 {
        self.data_bytes().into()
    }

    fn ticks(&self) -> u64 {
        u64::from(self.duration_ms) * 48
    }
}

impl<'a> Chunks<'a> {
    /// All packets of a chunk begin before this many ticks of 1/48000 s have passed: one second.
    pub const SPAN_TICKS: u64 = 48_000;

    pub(super) fn new(tracks: Tracks<'a>) -> Self {
        let sound = tracks.sound.map_or(&[][..], |sound| &sound.packets);
        let subtitles = tracks.texts.map_or(&[][..], |texts| &texts.subtitles.samples);
        let chapters = tracks.texts.map_or(&[][..], |texts| &texts.chapters.samples);
        Self {
            chapters: Queue { span_ticks: u64::MAX, ..Queue::new(Track::Chapters, chapters) },
            video: Queue::new(Track::Video, &tracks.video.samples),
            sound: Queue::new(Track::Sound, sound),
            subtitles: Queue::new(Track::Subtitles, subtitles),
        }
    }

    /// The texts alone.
    pub(super) fn texts(tracks: Tracks<'a>) -> Self {
        let Self { chapters, video, sound, subtitles } = Self::new(tracks);
        Self {
            chapters,
            video: Queue { packets: &[], ..video },
            sound: Queue { packets: &[], ..sound },
            subtitles,
        }
    }

    /// Each packet as a chunk of its own, but for chapters: these are left out.
    pub(super) fn single(tracks: Tracks<'a>) -> Self {
        let Self { chapters, video, sound, subtitles } = Self::new(tracks);
        Self {
            chapters: Queue { packets: &[], ..chapters },
            video: Queue { span_ticks: 1, ..video },
            sound: Queue { span_ticks: 1, ..sound },
            subtitles: Queue { span_ticks: 1, ..subtitles },
        }
    }
}

impl Iterator for Chunks<'_> {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let dues = [
            (self.chapters.due_ticks(), Track::Chapters),
            (self.video.due_ticks(), Track::Video),
            (self.sound.due_ticks(), Track::Sound),
            (self.subtitles.due_ticks(), Track::Subtitles),
        ];
        // The first of those that are due at the same time.
        let (_, track) = dues.into_iter().filter(|(due, _)| due.is_some()).min_by_key(|(due, _)| *due)?;
        Some(match track {
            Track::Chapters => self.chapters.take(),
            Track::Video => self.video.take(),
            Track::Sound => self.sound.take(),
            Track::Subtitles => self.subtitles.take(),
        })
    }
}

impl<'a, P: Packet> Queue<'a, P> {
    fn new(track: Track, packets: &'a [P]) -> Self {
        Self { track, packets, span_ticks: Chunks::SPAN_TICKS, next: 0, next_ticks: 0 }
    }

    /// When the next packet begins, if there is one.
    fn due_ticks(&self) -> Option<u64> {
        (self.next < self.packets.len()).then_some(self.next_ticks)
    }

    /// The packets that begin within one span of the next one and are described as it is.
    fn take(&mut self) -> Chunk {
        let (first, at_ticks) = (self.next, self.next_ticks);
        let end_ticks = at_ticks.saturating_add(self.span_ticks);
        let entry = self.packets.get(first).map_or(0, Packet::entry);
        let mut bytes = 0;
        let fits = |packet: &&P, ticks: u64| ticks < end_ticks && packet.entry() == entry;
        while let Some(packet) = self.packets.get(self.next).filter(|next| fits(next, self.next_ticks)) {
            bytes += packet.size_bytes();
            self.next_ticks = self.next_ticks.saturating_add(packet.ticks());
            self.next += 1;
        }
        Chunk { track: self.track, packets: first..self.next, at_ticks, bytes, entry }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mux::temporal_unit::tests::SEQUENCE_HEADER;
    use crate::mux::{Channels, Cue, SequenceHeader, SoundTrack, TextTrack, Texts, VideoTrack};

    fn picture(size_bytes: u32, duration_ms: u32) -> VideoSample {
        VideoSample { size_bytes, duration_ms, is_sync: false, header: 0 }
    }

    #[test]
    fn chunks_span_a_second_and_alternate_in_time() {
        let video = VideoTrack {
            sequence_headers: vec![SequenceHeader::parse(SEQUENCE_HEADER).unwrap()],
            samples: vec![picture(5, 400), picture(6, 700), picture(7, 3_600_000), picture(8, 1)],
        };
        let sound = SoundTrack {
            channels: Channels::Mono,
            pre_skip_samples: 0,
            input_rate_hz: 48_000,
            play_ms: 2_000,
            packets: vec![SoundPacket { size_bytes: 2, samples: 2_880 }; 34],
        };
        let cue = |start_ms, end_ms| Cue { start_ms, end_ms, text: "ab".into() };
        let texts = Texts {
            subtitles: TextTrack::subtitles(&[cue(500, 900), cue(900, 950), cue(1_100, 1_200)]),
            chapters: TextTrack::chapters(&[cue(0, 1_000), cue(1_000, 3_601_101)]),
        };
        let tracks = Tracks { video: &video, sound: Some(&sound), texts: Some(&texts) };
        let chunks: Vec<_> =
            Chunks::new(tracks).map(|chunk| (chunk.track, chunk.packets, chunk.bytes)).collect();
        assert_eq!(
            chunks,
            [
                (Track::Chapters, 0..2, 32),
                (Track::Video, 0..2, 11),
                (Track::Sound, 0..17, 34),
                (Track::Subtitles, 0..4, 12),
                (Track::Sound, 17..34, 34),
                (Track::Video, 2..3, 7),
                (Track::Subtitles, 4..5, 4),
                (Track::Video, 3..4, 8),
            ]
        );
    }
}
