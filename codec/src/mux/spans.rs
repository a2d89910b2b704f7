//! Stretches of all tracks: clusters of WebM.

use std::ops::Range;

use super::{Chunk, Track, VideoTrack};

/// When a span is too long, beside where decoding can start.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpanLimits {
    /// Packets that begin later than this after the first one belong to another span; in 1/48000 s.
    pub(super) ticks: u64,
    /// No packet is added to a span that has so many bytes.
    pub(super) bytes: u64,
}

/// Packets of all tracks that follow one another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Span {
    /// When the first packet begins, in ticks of 1/48000 s.
    pub(super) at_ticks: u64,
    /// Its pictures, as indexes into their track.
    pub(super) video: Range<usize>,
    /// Its packets of sound.
    pub(super) sound: Range<usize>,
    /// All its packets, texts too.
    pub(super) packets: usize,
    /// Length of all its packets, in bytes.
    pub(super) bytes: u64,
    /// Whether a picture begins it at which decoding can start.
    pub(super) is_sync: bool,
}

impl Span {
    /// Cuts packets that come one by one, by time: where decoding can start, and where a span becomes too long.
    pub(super) fn all(
        packets: impl Iterator<Item = Chunk>,
        video: &VideoTrack,
        limits: SpanLimits,
    ) -> Vec<Self> {
        let mut spans: Vec<Self> = Vec::new();
        for packet in packets {
            let picture = video.samples.get(packet.packets.start).filter(|_| packet.track == Track::Video);
            let is_sync = picture.is_some_and(|picture| picture.is_sync);
            match spans.last_mut() {
                Some(span) if !is_sync && span.has_room_at(packet.at_ticks, limits) => span.push(&packet),
                Some(_) | None => {
                    let mut span = Self { at_ticks: packet.at_ticks, is_sync, ..Self::default() };
                    span.push(&packet);
                    spans.push(span);
                }
            }
        }
        spans
    }

    fn has_room_at(&self, at_ticks: u64, limits: SpanLimits) -> bool {
        at_ticks - self.at_ticks < limits.ticks && self.bytes < limits.bytes
    }

    fn push(&mut self, packet: &Chunk) {
        let range = match packet.track {
            Track::Video => Some(&mut self.video),
            Track::Sound => Some(&mut self.sound),
            Track::Subtitles | Track::Chapters => None,
        };
        if let Some(range) = range {
            let start = if range.start == range.end { packet.packets.start } else { range.start };
            *range = start..packet.packets.end;
        }
        self.packets += 1;
        self.bytes += packet.bytes;
    }
}
