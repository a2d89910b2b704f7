//! Sound that waits for the fragment into which it belongs.

use std::collections::VecDeque;

use super::super::checks::{check_count, check_heard, check_packets};
use super::super::sound_track::SoundEnd;
use super::super::{MuxError, SoundPacket, SoundTrack, Track};
use super::fragment::SoundSample;

/// The packets that no fragment has taken, and how many there were before them. Times are samples, from the first packet on.
#[derive(Debug)]
pub(super) struct WaitingSound {
    pre_skip_samples: u16,
    /// How long sound plays when all is there.
    play_ms: u64,
    waiting: VecDeque<SoundPacket>,
    /// Packets that were taken.
    taken: usize,
    /// When the first waiting one begins.
    at_samples: u64,
    /// When the last one that came ends.
    end_samples: u64,
    has_ended: bool,
}

impl WaitingSound {
    /// No packets yet.
    pub(super) fn new(track: &SoundTrack) -> Self {
        Self {
            pre_skip_samples: track.pre_skip_samples,
            play_ms: track.play_ms,
            waiting: VecDeque::new(),
            taken: 0,
            at_samples: 0,
            end_samples: 0,
            has_ended: false,
        }
    }

    pub(super) fn push(&mut self, packets: &[SoundPacket]) -> Result<(), MuxError> {
        let before = self.taken + self.waiting.len();
        check_packets(packets, before)?;
        check_count(Track::Sound, (before + packets.len()).max(1))?;
        self.end_samples += packets.iter().map(|packet| u64::from(packet.samples)).sum::<u64>();
        self.waiting.extend(packets);
        Ok(())
    }

    /// No other packet will come.
    pub(super) fn end(&mut self) -> Result<(), MuxError> {
        self.has_ended = true;
        check_count(Track::Sound, self.taken + self.waiting.len())?;
        check_heard(self.end_of(self.end_samples))
    }

    /// How many packets were taken.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Whether all packets that begin before a time are here, and whether the last of them is the last of all.
    pub(super) fn is_known_to(&self, samples: u64) -> bool {
        let last_at = self.waiting.back().map(|last| self.end_samples - u64::from(last.samples));
        self.has_ended || last_at.is_some_and(|at| at >= samples)
    }

    /// When the next packet begins.
    pub(super) fn next_at(&self) -> Option<u64> {
        (!self.waiting.is_empty()).then_some(self.at_samples)
    }

    /// Takes the next packet, with its time. The last one of those that begin before `end_samples` ends with the sound, which
    /// plays no longer than `play_ms`.
    pub(super) fn take(&mut self, end_samples: u64, play_ms: u64) -> Option<(SoundSample, u64)> {
        let packet = self.waiting.pop_front()?;
        let at_samples = self.at_samples;
        self.at_samples += u64::from(packet.samples);
        self.taken += 1;
        let is_last = self.has_ended && self.waiting.is_empty() || self.at_samples >= end_samples;
        let end = SoundEnd { play_ms: self.play_ms.min(play_ms), ..self.end_of(self.at_samples) };
        let samples = if is_last { end.last_packet_samples(packet) } else { packet.samples.into() };
        Some((SoundSample { size_bytes: packet.size_bytes, samples }, at_samples))
    }

    /// When sound ends at the latest that is heard up to a time.
    pub(super) fn end_samples_at(&self, ms: u64) -> u64 {
        ms.saturating_mul(u64::from(SoundTrack::RATE_HZ) / 1_000).saturating_add(self.pre_skip_samples.into())
    }

    fn end_of(&self, decoded_samples: u64) -> SoundEnd {
        SoundEnd { decoded_samples, pre_skip_samples: self.pre_skip_samples, play_ms: self.play_ms }
    }
}
