//! What stands before each packet.

use super::super::text_track::TextSample;
use super::super::{Chunk, Chunks, SoundTrack, Track, Tracks};
use super::{ids, number_of};

/// Ticks of a millisecond.
const TICKS_PER_MS: u64 = 48;
/// The flag of simple blocks at which decoding can start (RFC 9559 10.2).
const KEY_FRAME: u8 = 0x80;

/// The packets of a file, one block each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks<'a>(Tracks<'a>);

impl<'a> Blocks<'a> {
    pub(super) fn of(tracks: Tracks<'a>) -> Self {
        Self(tracks)
    }

    /// The packets in the order of their times. Where no text is shown there is none.
    pub(super) fn packets(self) -> impl Iterator<Item = Chunk> + use<'a> {
        let is_silence = move |packet: &Chunk| self.text_of(packet).is_some_and(|text| text.text.is_empty());
        Chunks::single(self.0).filter(move |packet| !is_silence(packet))
    }

    /// What stands before a packet in a cluster that begins at `cluster_ms`; of a text, the text too.
    ///
    /// Pictures and texts say how long they last: players that seek take a picture without a duration for as short as the mean of
    /// all, and show the next one instead.
    pub(super) fn head(self, packet: &Chunk, cluster_ms: u64) -> Vec<u8> {
        let at = Place { track: packet.track, delta_ms: ms_of(packet.at_ticks).saturating_sub(cluster_ms) };
        match packet.track {
            Track::Video => self.picture(packet, at),
            Track::Sound => self.sound(packet, at),
            Track::Subtitles | Track::Chapters => self.text(packet, at),
        }
    }

    fn picture(self, packet: &Chunk, at: Place) -> Vec<u8> {
        let samples = &self.0.video.samples;
        let index = packet.packets.start;
        let Some(picture) = samples.get(index) else { return Vec::new() };
        let mut about = ids::BLOCK_DURATION.uint(picture.duration_ms.into());
        // A block that refers to none is one at which decoding can start.
        if let (false, Some(before)) =
            (picture.is_sync, index.checked_sub(1).and_then(|before| samples.get(before)))
        {
            about.extend(ids::REFERENCE_BLOCK.int(-i64::from(before.duration_ms)));
        }
        at.grouped(&about, packet.bytes)
    }

    fn sound(self, packet: &Chunk, at: Place) -> Vec<u8> {
        let packets = self.0.sound.map_or(&[][..], |sound| &sound.packets);
        let Some(last) = packets.last().filter(|_| packet.packets.end == packets.len()) else {
            return at.simple(packet.bytes);
        };
        let heard = self.0.sound.map_or(0, SoundTrack::last_packet_samples);
        let surplus = i64::from(last.samples) - i64::from(heard);
        if surplus <= 0 {
            return at.simple(packet.bytes);
        }
        at.grouped(
            &ids::DISCARD_PADDING.int(surplus * 1_000_000_000 / i64::from(SoundTrack::RATE_HZ)),
            packet.bytes,
        )
    }

    /// Identifier, settings and text of a cue (WebM Container Guidelines, WebVTT): the first two are empty.
    fn text(self, packet: &Chunk, at: Place) -> Vec<u8> {
        let Some(sample) = self.text_of(packet) else { return Vec::new() };
        let data = [b"\n\n", sample.text.as_bytes()].concat();
        let bytes = u64::try_from(data.len()).unwrap_or(u64::MAX);
        let about = ids::BLOCK_DURATION.uint(sample.duration_ms.into());
        [at.grouped(&about, bytes), data].concat()
    }

    fn text_of(self, packet: &Chunk) -> Option<&'a TextSample> {
        let texts = self.0.texts.filter(|_| is_text(packet.track))?;
        texts.subtitles.samples.get(packet.packets.start)
    }
}

/// Whether the container has the packets of a track itself.
pub(super) fn is_text(track: Track) -> bool {
    match track {
        Track::Video | Track::Sound => false,
        Track::Subtitles | Track::Chapters => true,
    }
}

/// The millisecond in which a tick falls.
pub(super) fn ms_of(ticks: u64) -> u64 {
    ticks / TICKS_PER_MS
}

/// Whose packet a block holds, and when it begins within its cluster.
#[derive(Debug, Clone, Copy)]
struct Place {
    track: Track,
    delta_ms: u64,
}

impl Place {
    /// Track, time and flags (RFC 9559 10.1).
    fn block_head(self, flags: u8) -> Vec<u8> {
        // A cluster is far shorter than what fits.
        let delta_ms = i16::try_from(self.delta_ms).unwrap_or(i16::MAX);
        [&super::ebml::vint(number_of(self.track))[..], &delta_ms.to_be_bytes(), &[flags]].concat()
    }

    fn simple(self, packet_bytes: u64) -> Vec<u8> {
        let head = self.block_head(KEY_FRAME);
        [ids::SIMPLE_BLOCK.head(sum(&head, packet_bytes)), head].concat()
    }

    /// A block in a group, behind the elements that say more of it.
    fn grouped(self, about: &[u8], packet_bytes: u64) -> Vec<u8> {
        let head = self.block_head(0);
        let block = [ids::BLOCK.head(sum(&head, packet_bytes)), head].concat();
        let group = ids::BLOCK_GROUP.head(sum(about, sum(&block, packet_bytes)));
        [&group, about, &block].concat()
    }
}

fn sum(before: &[u8], bytes: u64) -> u64 {
    bytes.saturating_add(u64::try_from(before.len()).unwrap_or(u64::MAX))
}
