//! The facts of the sound.

use std::ops::Range;

/// Coded sound that starts with the first picture: an Opus stream (RFC 6716, RFC 7845).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundTrack {
    /// Mono or stereo.
    pub channels: Channels,
    /// What the decoder must throw away at the start, in samples at 48 kHz.
    pub pre_skip_samples: u16,
    /// Sampling rate before encoding, in hertz; for information only.
    pub input_rate_hz: u32,
    /// How long the sound plays, in milliseconds. What the packets hold beyond that is not heard; when they
    /// hold less, the sound ends with them.
    pub play_ms: u64,
    /// One entry per packet.
    pub packets: Vec<SoundPacket>,
}

/// How many channels, in the order of Vorbis (RFC 7845 5.1.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// One channel.
    Mono,
    /// Left, right.
    Stereo,
}

/// One Opus packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundPacket {
    /// Its length, in bytes; not zero.
    pub size_bytes: u16,
    /// What it decodes to, in samples per channel at 48 kHz; 120 to 5760.
    pub samples: u16,
}

impl SoundTrack {
    /// Sampling rate of everything that is counted in samples, in hertz.
    pub const RATE_HZ: u32 = 48_000;

    /// Longest Opus packet, in samples: 120 ms (RFC 6716 3.2.5).
    pub const MAX_PACKET_SAMPLES: u16 = 5_760;

    const SAMPLES_PER_MS: u64 = 48;

    /// What the packets decode to, the pre-skip included, in samples.
    pub fn decoded_samples(&self) -> u64 {
        self.packets.iter().map(|packet| u64::from(packet.samples)).sum()
    }

    /// How long sound is heard, in milliseconds: never longer than the packets last.
    pub fn heard_ms(&self) -> u64 {
        self.end(self.decoded_samples()).heard_ms()
    }

    /// The durations of some packets, in samples; the last one of all ends with the sound.
    pub(super) fn durations(&self, packets: Range<usize>) -> impl Iterator<Item = u32> + Clone {
        let is_end = !packets.is_empty() && packets.end == self.packets.len();
        let last = is_end.then(|| self.last_packet_samples());
        let whole = packets.len() - usize::from(is_end);
        let packets = self.packets.get(packets).unwrap_or_default();
        packets.iter().take(whole).map(|packet| u32::from(packet.samples)).chain(last)
    }

    /// The duration of the last packet, in samples: shorter than what it decodes to when the sound ends inside
    /// it, which is how players learn what to cut (Encapsulation of Opus in ISOBMFF 4.4).
    pub(super) fn last_packet_samples(&self) -> u32 {
        let Some(last) = self.packets.last() else { return 0 };
        self.end(self.decoded_samples()).last_packet_samples(*last)
    }

    /// Where it ends when its packets decode to so many samples.
    pub(super) fn end(&self, decoded_samples: u64) -> SoundEnd {
        SoundEnd { decoded_samples, pre_skip_samples: self.pre_skip_samples, play_ms: self.play_ms }
    }
}

/// Where sound ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct SoundEnd {
    /// What all packets decode to.
    pub(super) decoded_samples: u64,
    pub(super) pre_skip_samples: u16,
    pub(super) play_ms: u64,
}

impl SoundEnd {
    pub(super) fn heard_ms(self) -> u64 {
        let samples = self.decoded_samples.saturating_sub(self.pre_skip_samples.into());
        self.play_ms.min(samples.div_ceil(SoundTrack::SAMPLES_PER_MS))
    }

    pub(super) fn last_packet_samples(self, last: SoundPacket) -> u32 {
        let heard_samples = self.heard_ms().saturating_mul(SoundTrack::SAMPLES_PER_MS);
        let end = heard_samples.saturating_add(self.pre_skip_samples.into());
        let surplus = self.decoded_samples.saturating_sub(end);
        u32::try_from(u64::from(last.samples).saturating_sub(surplus).max(1)).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(play_ms: u64) -> SoundTrack {
        SoundTrack {
            channels: Channels::Mono,
            pre_skip_samples: 312,
            input_rate_hz: 48_000,
            play_ms,
            packets: vec![SoundPacket { size_bytes: 9, samples: 960 }; 3],
        }
    }

    #[test]
    fn the_sound_ends_where_the_caller_says_or_with_the_packets() {
        assert_eq!((track(50).heard_ms(), track(50).last_packet_samples()), (50, 792));
        assert_eq!((track(10).heard_ms(), track(10).last_packet_samples()), (10, 1));
        assert_eq!(track(10).durations(0..3).collect::<Vec<_>>(), [960, 960, 1]);
        assert_eq!(track(10).durations(1..2).collect::<Vec<_>>(), [960]);
        assert_eq!(track(10).durations(3..3).count(), 0);
        assert_eq!((track(u64::MAX).heard_ms(), track(u64::MAX).last_packet_samples()), (54, 960));
    }
}
