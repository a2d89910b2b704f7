//! The order in which packets follow the head.

use std::ops::Range;

use super::{SoundPacket, VideoSample};

/// Where a packet belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Track {
    /// Pictures.
    Video,
    /// Sound.
    Sound,
}

/// Packets of one track that stand side by side in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Whose packets.
    pub track: Track,
    /// Which packets: indexes into the track's table.
    pub packets: Range<usize>,
    /// Their lengths together, in bytes.
    pub bytes: u64,
}

/// Cuts both tracks into chunks and orders these by the time of their first packet, pictures first.
///
/// Packets of a chunk begin within [`Chunks::SPAN_TICKS`], so a player that reads from front to back holds
/// about one second of one track while it waits for the other.
#[derive(Debug, Clone)]
pub struct Chunks<'a> {
    video: Queue<'a, VideoSample>,
    sound: Queue<'a, SoundPacket>,
}

/// What is left of one track; times in ticks of 1/48000 s, which measures samples and milliseconds exactly.
#[derive(Debug, Clone)]
struct Queue<'a, P> {
    track: Track,
    packets: &'a [P],
    next: usize,
    next_ticks: u64,
}

/// What a chunk needs of a packet: length in bytes, duration in ticks.
trait Packet {
    fn size_bytes(&self) -> u64;
    fn ticks(&self) -> u64;
}

impl Packet for VideoSample {
    fn size_bytes(&self) -> u64 {
        self.size_bytes.into()
    }

    fn ticks(&self) -> u64 {
        u64::from(self.duration_ms) * 48
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

impl<'a> Chunks<'a> {
    /// All packets of a chunk begin before this many ticks of 1/48000 s have passed: one second.
    pub const SPAN_TICKS: u64 = 48_000;

    pub(super) fn new(video: &'a [VideoSample], sound: &'a [SoundPacket]) -> Self {
        Self {
            video: Queue { track: Track::Video, packets: video, next: 0, next_ticks: 0 },
            sound: Queue { track: Track::Sound, packets: sound, next: 0, next_ticks: 0 },
        }
    }
}

impl Iterator for Chunks<'_> {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let sound_is_due = self.video.is_empty() || self.sound.next_ticks < self.video.next_ticks;
        if sound_is_due && !self.sound.is_empty() { self.sound.take() } else { self.video.take() }
    }
}

impl<P: Packet> Queue<'_, P> {
    fn is_empty(&self) -> bool {
        self.next >= self.packets.len()
    }

    /// The packets that begin within one span of the next one.
    fn take(&mut self) -> Option<Chunk> {
        if self.is_empty() {
            return None;
        }
        let (first, end_ticks) = (self.next, self.next_ticks.saturating_add(Chunks::SPAN_TICKS));
        let mut bytes = 0;
        while let Some(packet) = self.packets.get(self.next).filter(|_| self.next_ticks < end_ticks) {
            bytes += packet.size_bytes();
            self.next_ticks = self.next_ticks.saturating_add(packet.ticks());
            self.next += 1;
        }
        Some(Chunk { track: self.track, packets: first..self.next, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(size_bytes: u32, duration_ms: u32) -> VideoSample {
        VideoSample { size_bytes, duration_ms, is_sync: false }
    }

    #[test]
    fn chunks_span_a_second_and_alternate_in_time() {
        let video = [picture(5, 400), picture(6, 700), picture(7, 3_600_000), picture(8, 1)];
        let sound = [SoundPacket { size_bytes: 2, samples: 2_880 }; 34];
        let chunks: Vec<_> =
            Chunks::new(&video, &sound).map(|chunk| (chunk.track, chunk.packets, chunk.bytes)).collect();
        assert_eq!(
            chunks,
            [
                (Track::Video, 0..2, 11),
                (Track::Sound, 0..17, 34),
                (Track::Sound, 17..34, 34),
                (Track::Video, 2..3, 7),
                (Track::Video, 3..4, 8),
            ]
        );
    }
}
