//! One fragment.

use std::ops::Range;

use super::super::{Chunk, Piece, Track, VideoSample};

/// A fragment becomes no longer than this and a packet: far less than its lengths can count.
const BYTES_MAX: u64 = 64 << 20;

/// Packets that follow one another, and what their boxes say of them.
#[derive(Debug, Default)]
pub(super) struct Fragment {
    /// Counted from 1.
    pub(super) number: u32,
    /// Its pictures; all have one sequence header.
    pub(super) pictures: Vec<VideoSample>,
    /// When its first picture begins.
    pub(super) video_at_ms: u64,
    /// Its packets of sound.
    pub(super) sound: Vec<SoundSample>,
    /// Before its first packet of sound, so many samples were decoded.
    pub(super) sound_at_samples: u64,
    /// Whether it begins with a picture at which decoding can start.
    pub(super) is_sync: bool,
    /// Length of its pictures.
    pub(super) video_bytes: u64,
    /// Length of its sound.
    sound_bytes: u64,
    /// The numbers of its first picture and of its first packet of sound in their tracks.
    first: (usize, usize),
}

/// A packet of sound as tables tell of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SoundSample {
    pub(super) size_bytes: u16,
    /// How long it is heard, in samples.
    pub(super) samples: u32,
}

impl Fragment {
    /// No packets, numbered in the file and by the first ones that may come, of pictures and of sound.
    pub(super) fn new(number: u32, first: (usize, usize)) -> Self {
        Self { number, first, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pictures.is_empty() && self.sound.is_empty()
    }

    /// Whether another packet belongs to it that is, or is not, a place at which decoding can start.
    pub(super) fn takes(&self, is_sync: bool) -> bool {
        self.is_empty() || !is_sync && self.packets_bytes() < BYTES_MAX
    }

    pub(super) fn push_picture(&mut self, picture: VideoSample, at_ms: u64) {
        if self.pictures.is_empty() {
            self.video_at_ms = at_ms;
            self.is_sync = picture.is_sync && self.sound.is_empty();
        }
        self.video_bytes += u64::from(picture.size_bytes);
        self.pictures.push(picture);
    }

    pub(super) fn push_sound(&mut self, packet: SoundSample, at_samples: u64) {
        if self.sound.is_empty() {
            self.sound_at_samples = at_samples;
        }
        self.sound_bytes += u64::from(packet.size_bytes);
        self.sound.push(packet);
    }

    pub(super) fn packets_bytes(&self) -> u64 {
        self.video_bytes + self.sound_bytes
    }

    /// What stands in the file: `head`, its pictures, its sound.
    pub(super) fn pieces(&self, head: Vec<u8>) -> Vec<Piece> {
        let (pictures, packets) = self.first;
        let video = self.chunk(Track::Video, pictures..pictures + self.pictures.len(), self.video_bytes);
        let sound = self.chunk(Track::Sound, packets..packets + self.sound.len(), self.sound_bytes);
        let mut pieces = vec![Piece::of_bytes(head)];
        let with_packets = [video, sound].into_iter().filter(|chunk| !chunk.packets.is_empty());
        pieces.extend(with_packets.map(|chunk| Piece { bytes: Vec::new(), packets: Some(chunk) }));
        pieces
    }

    fn chunk(&self, track: Track, packets: Range<usize>, bytes: u64) -> Chunk {
        let (at_ticks, entry) = match track {
            Track::Video => (self.video_at_ms * 48, self.pictures.first().map_or(0, |first| first.header)),
            Track::Sound | Track::Subtitles | Track::Chapters => (self.sound_at_samples, 0),
        };
        Chunk { track, packets, at_ticks, bytes, entry }
    }
}
