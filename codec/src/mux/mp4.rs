//! MP4 with its index in front of the packets.
//!
//! The boxes are those of shiguredo_mp4. Its `Mp4FileMuxer` is not used: it learns of packets after they were
//! written and goes back to fill a reserved space, and it knows neither edit lists nor colour descriptions.

mod boxes;
mod chunk_table;
mod text_boxes;

use std::ops::Range;

use shiguredo_mp4::boxes::{Brand, FtypBox, MdatBox};
use shiguredo_mp4::{BoxHeader, BoxSize, Encode};
use thiserror::Error;

use self::boxes::Movie;
use self::chunk_table::{Offsets, Tables};
use super::text_track::TextTrack;
use super::{Chunk, Chunks, SoundTrack, Track, Tracks, VideoTrack};

/// A laid out file: its head, and what follows it (ISO/IEC 14496-12; AV1-ISOBMFF 1.3; Encapsulation of Opus in
/// ISOBMFF 0.8.1).
///
/// The head is `ftyp`, `moov` and the header of `mdat`. The packets of [`Mp4::chunks`] follow it without a gap
/// and end the file.
#[derive(Debug)]
pub struct Mp4<'a> {
    head: Vec<u8>,
    payload_bytes: u64,
    tracks: Tracks<'a>,
}

/// What the file says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Shown by players as the title, when there is one.
    pub title: Option<String>,
    /// When the video was made, in seconds since 1970-01-01 UTC; unknown is written as 0.
    pub created_unix_s: Option<u64>,
}

/// Why no file can be laid out.
#[derive(Debug, Clone, Error)]
pub enum Mp4Error {
    /// A track without packets.
    #[error("the {track:?} track is empty, expected at least one packet")]
    NoPackets {
        /// Which track.
        track: Track,
    },
    /// More packets than tables are made for.
    #[error("the {track:?} track has {actual} packets, expected at most {limit}")]
    TooManyPackets {
        /// Which track.
        track: Track,
        /// How many it has.
        actual: usize,
        /// [`Mp4::MAX_PACKETS`].
        limit: usize,
    },
    /// A packet without bytes.
    #[error("packet {index} of the {track:?} track is empty")]
    EmptyPacket {
        /// Which track.
        track: Track,
        /// Which packet.
        index: usize,
    },
    /// A packet that nobody sees or hears.
    #[error("packet {index} of the {track:?} track lasts no time")]
    NoDuration {
        /// Which track.
        track: Track,
        /// Which packet.
        index: usize,
    },
    /// A packet that is no Opus packet.
    #[error("sound packet {index} has {actual} samples, expected at most {limit}")]
    SoundPacketTooLong {
        /// Which packet.
        index: usize,
        /// What it decodes to.
        actual: u16,
        /// [`SoundTrack::MAX_PACKET_SAMPLES`].
        limit: u16,
    },
    /// Nothing of the sound is heard: it plays for 0 ms, or ends within the pre-skip.
    #[error("the sound of {decoded_samples} samples is not heard after a pre-skip of {pre_skip_samples}")]
    SoundNotHeard {
        /// What the packets decode to.
        decoded_samples: u64,
        /// What is thrown away of it.
        pre_skip_samples: u16,
    },
    /// Decoding could not start at the first picture.
    #[error("the first picture is no sync sample")]
    FirstNotSync,
    /// The streams of the pictures are of different sizes.
    #[error("sequence header {index} has another size than the first one")]
    OtherSize {
        /// Which sequence header.
        index: usize,
    },
    /// A picture that no sequence header describes.
    #[error("picture {index} has no sequence header, or takes another one without being a sync sample")]
    NoSequenceHeader {
        /// Which picture.
        index: usize,
    },
    /// A title that is a text.
    #[error("the title has {actual_bytes} bytes, expected at most {limit_bytes}")]
    TitleTooLong {
        /// Its length.
        actual_bytes: usize,
        /// [`Mp4::MAX_TITLE_BYTES`].
        limit_bytes: usize,
    },
    /// The index does not fit into a box.
    #[error("expected boxes that can be written: {reason}")]
    Boxes {
        /// What the box writer says.
        reason: String,
    },
}

impl<'a> Mp4<'a> {
    /// Most packets of a track: more than a week of sound at 50 packets a second.
    pub const MAX_PACKETS: usize = 32 << 20;

    /// Longest title, in bytes of UTF-8.
    pub const MAX_TITLE_BYTES: usize = 1024;

    /// Decides where every packet stands and writes the head.
    pub fn lay_out(tracks: Tracks<'a>, metadata: &Metadata) -> Result<Self, Mp4Error> {
        check_video(tracks.video)?;
        tracks.sound.map_or(Ok(()), check_sound)?;
        if let Some(texts) = tracks.texts {
            check_texts(Track::Subtitles, &texts.subtitles)?;
            check_texts(Track::Chapters, &texts.chapters)?;
        }
        check_title(metadata)?;
        let (tables, payload_bytes) = Tables::of(Chunks::new(tracks));
        let movie = Movie { tracks, metadata, tables: &tables };
        let head = head(&movie, payload_bytes).map_err(|error| Mp4Error::Boxes { reason: error.reason })?;
        Ok(Self { head, payload_bytes, tracks })
    }

    /// The first bytes of the file.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Which packets follow the head, in order.
    pub fn chunks(&self) -> Chunks<'a> {
        Chunks::new(self.tracks)
    }

    /// The packets of a chunk of texts; none of another chunk, whose packets the caller has.
    pub fn texts_of(&self, chunk: &Chunk) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let track = match chunk.track {
            Track::Video | Track::Sound => None,
            Track::Subtitles => self.tracks.texts.map(|texts| &texts.subtitles),
            Track::Chapters => self.tracks.texts.map(|texts| &texts.chapters),
        };
        let samples = track.and_then(|track| track.samples.get(chunk.packets.clone()));
        samples.unwrap_or_default().iter().map(|sample| sample.data.as_slice())
    }

    /// Length of the whole file, in bytes.
    pub fn file_bytes(&self) -> u64 {
        self.payload_bytes.saturating_add(u64::try_from(self.head.len()).unwrap_or(u64::MAX))
    }

    /// Where the packets stand in the file, in bytes.
    pub fn payload(&self) -> Range<u64> {
        self.file_bytes().saturating_sub(self.payload_bytes)..self.file_bytes()
    }
}

/// `ftyp`, `moov`, and the header of `mdat`.
fn head(movie: &Movie<'_>, payload_bytes: u64) -> shiguredo_mp4::Result<Vec<u8>> {
    let box_size = BoxSize::with_payload_size(MdatBox::TYPE, payload_bytes);
    let mdat = BoxHeader { box_type: MdatBox::TYPE, box_size }.encode_to_vec()?;
    let ftyp = ftyp().encode_to_vec()?;
    let with = |offsets| -> shiguredo_mp4::Result<Vec<u8>> {
        Ok([ftyp.as_slice(), &movie.moov(offsets)?.encode_to_vec()?, &mdat].concat())
    };
    // The length of the tables does not depend on the offsets in them: a draft tells where the payload starts.
    let length = |draft: &[u8]| u64::try_from(draft.len()).unwrap_or(u64::MAX);
    let base = length(&with(Offsets::Narrow { base: 0 })?);
    if u32::try_from(base.saturating_add(payload_bytes)).is_ok() {
        return with(Offsets::Narrow { base });
    }
    let base = length(&with(Offsets::Wide { base: 0 })?);
    with(Offsets::Wide { base })
}

/// `iso6` stands for the sample groups, `av01` is asked for by AV1-ISOBMFF 2.1, and old players look for the
/// others.
fn ftyp() -> FtypBox {
    FtypBox {
        major_brand: Brand::ISOM,
        minor_version: 0x200,
        compatible_brands: vec![Brand::ISOM, Brand::ISO2, Brand::ISO6, Brand::AV01, Brand::MP41],
    }
}

fn check_video(video: &VideoTrack) -> Result<(), Mp4Error> {
    let track = Track::Video;
    check_count(track, video.samples.len())?;
    if !video.samples.first().is_some_and(|first| first.is_sync) {
        return Err(Mp4Error::FirstNotSync);
    }
    if let Some(index) = video.samples.iter().position(|sample| sample.size_bytes == 0) {
        return Err(Mp4Error::EmptyPacket { track, index });
    }
    if let Some(index) = video.samples.iter().position(|sample| sample.duration_ms == 0) {
        return Err(Mp4Error::NoDuration { track, index });
    }
    check_headers(video)
}

fn check_headers(video: &VideoTrack) -> Result<(), Mp4Error> {
    let size = video.size();
    if let Some(index) = video.sequence_headers.iter().position(|header| header.size() != size) {
        return Err(Mp4Error::OtherSize { index });
    }
    let mut before = None;
    for (index, sample) in video.samples.iter().enumerate() {
        let is_known = sample.header < video.sequence_headers.len();
        if !is_known || before != Some(sample.header) && !sample.is_sync {
            return Err(Mp4Error::NoSequenceHeader { index });
        }
        before = Some(sample.header);
    }
    Ok(())
}

fn check_sound(sound: &SoundTrack) -> Result<(), Mp4Error> {
    let track = Track::Sound;
    check_count(track, sound.packets.len())?;
    for (index, packet) in sound.packets.iter().enumerate() {
        if packet.size_bytes == 0 {
            return Err(Mp4Error::EmptyPacket { track, index });
        }
        if packet.samples == 0 {
            return Err(Mp4Error::NoDuration { track, index });
        }
        if packet.samples > SoundTrack::MAX_PACKET_SAMPLES {
            let limit = SoundTrack::MAX_PACKET_SAMPLES;
            return Err(Mp4Error::SoundPacketTooLong { index, actual: packet.samples, limit });
        }
    }
    if sound.heard_ms() == 0 {
        let (decoded_samples, pre_skip_samples) = (sound.decoded_samples(), sound.pre_skip_samples);
        return Err(Mp4Error::SoundNotHeard { decoded_samples, pre_skip_samples });
    }
    Ok(())
}

/// No text is empty or lasts no time: [`TextTrack`] sees to it.
fn check_texts(track: Track, texts: &TextTrack) -> Result<(), Mp4Error> {
    check_count(track, texts.samples.len())
}

fn check_count(track: Track, actual: usize) -> Result<(), Mp4Error> {
    match actual {
        0 => Err(Mp4Error::NoPackets { track }),
        1..=Mp4::MAX_PACKETS => Ok(()),
        _ => Err(Mp4Error::TooManyPackets { track, actual, limit: Mp4::MAX_PACKETS }),
    }
}

fn check_title(metadata: &Metadata) -> Result<(), Mp4Error> {
    let actual_bytes = metadata.title.as_ref().map_or(0, String::len);
    if actual_bytes > Mp4::MAX_TITLE_BYTES {
        return Err(Mp4Error::TitleTooLong { actual_bytes, limit_bytes: Mp4::MAX_TITLE_BYTES });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
