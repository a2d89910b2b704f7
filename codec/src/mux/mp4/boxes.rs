//! The boxes of `moov`, from the tables of the tracks.

use std::num::NonZeroU32;

use shiguredo_mp4::bitstream::opus::{ChannelCount, OpusSampleEntryConfig, build_opus_box};
use shiguredo_mp4::boxes::{
    DinfBox, EdtsBox, ElstBox, ElstEntry, HdlrBox, MdhdBox, MdiaBox, MediaHeader, MinfBox, MoovBox, MvhdBox,
    SampleEntry, SmhdBox, StblBox, StsdBox, StssBox, StszBox, SttsBox, TkhdBox, TrakBox, UnknownBox, VmhdBox,
};
use shiguredo_mp4::{BoxSize, BoxType, FixedPointNumber, LanguageCode, Mp4FileTime, Result};

use super::super::text_track::TextSample;
use super::super::{Channels, Metadata, SoundTrack, TextTrack, Tracks};
use super::chunk_table::{ChunkTable, Offsets, Tables, numbers};
use super::fragment_boxes;
use super::text_boxes::{self, Region};

/// Movie, pictures and texts count milliseconds.
pub(super) const MS_TIMESCALE: NonZeroU32 = NonZeroU32::new(1_000).expect("1000 is not zero");
/// Sound counts samples.
const SOUND_TIMESCALE: NonZeroU32 = NonZeroU32::new(SoundTrack::RATE_HZ).expect("48000 is not zero");
pub(super) const VIDEO_ID: u32 = 1;
pub(super) const SOUND_ID: u32 = 2;
const SUBTITLES_ID: u32 = 3;
const CHAPTERS_ID: u32 = 4;
/// An Opus decoder that starts anywhere is right after 80 ms (Encapsulation of Opus in ISOBMFF 4.3.6.2).
const PREROLL_SAMPLES: u16 = 3_840;

/// What of a track without pictures is shown.
const NOTHING_SHOWN: (u16, u16, [i32; 9]) = (0, 0, TkhdBox::DEFAULT_MATRIX);

/// All that `moov` is made of.
pub(super) struct Movie<'a> {
    pub(super) tracks: Tracks<'a>,
    pub(super) metadata: &'a Metadata,
    pub(super) tables: &'a Tables,
    pub(super) form: Form,
}

/// Where the tables of pictures and sound are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// All of them in `moov`.
    Whole,
    /// Those of each fragment in its `moof`; `moov` has those of texts only.
    Fragmented(Ahead),
}

/// What is known of pictures and sound before there are tables of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ahead {
    /// When the last track ends, in milliseconds.
    pub(super) duration_ms: u64,
    /// What each packet of sound decodes to.
    pub(super) sound_packet_samples: u16,
}

impl Form {
    /// What of a track `moov` tells itself.
    fn of_movie<P>(self, packets: &[P]) -> &[P] {
        match self {
            Self::Whole => packets,
            Self::Fragmented(_) => &[],
        }
    }

    /// How long what `moov` tells of a track lasts.
    fn lasting(self, duration: u64) -> u64 {
        match self {
            Self::Whole => duration,
            Self::Fragmented(_) => 0,
        }
    }
}

/// What the boxes of the kinds of tracks differ in.
struct TrackBoxes {
    id: u32,
    /// Whether players show it when they are not told otherwise.
    enabled: bool,
    presented_ms: u64,
    media_duration: u64,
    timescale: NonZeroU32,
    handler: [u8; 4],
    name: &'static [u8],
    /// Width, height and place of what is shown.
    shown: (u16, u16, [i32; 9]),
    volume: FixedPointNumber<i8, u8>,
    header: Option<MediaHeader>,
    edit: Option<EdtsBox>,
    table: StblBox,
    /// What shiguredo_mp4 has no type for: of the track, and of its media.
    unknown_boxes: Vec<UnknownBox>,
    unknown_media_boxes: Vec<UnknownBox>,
}

impl Movie<'_> {
    /// The whole index.
    pub(super) fn moov(&self, offsets: Offsets) -> Result<MoovBox> {
        let mut trak_boxes = vec![self.trak(self.video_track(offsets)?)];
        let mut last_id = SOUND_ID;
        if let Some(sound) = self.tracks.sound {
            trak_boxes.push(self.trak(self.sound_track(sound, offsets)?));
        }
        if let Some(texts) = self.tracks.texts {
            trak_boxes.push(self.trak(self.subtitle_track(&texts.subtitles, offsets)?));
            trak_boxes.push(self.trak(self.chapter_track(&texts.chapters, offsets)?));
            last_id = CHAPTERS_ID;
        }
        let of_tracks = trak_boxes.iter().map(|track| track.tkhd_box.duration).max().unwrap_or(0);
        let duration = match self.form {
            Form::Whole => of_tracks,
            // Who reads a pipe knows no other duration.
            Form::Fragmented(ahead) => ahead.duration_ms,
        };
        let mvhd_box = MvhdBox {
            creation_time: self.created(),
            modification_time: self.created(),
            timescale: MS_TIMESCALE,
            duration,
            rate: MvhdBox::DEFAULT_RATE,
            volume: MvhdBox::DEFAULT_VOLUME,
            matrix: MvhdBox::DEFAULT_MATRIX,
            next_track_id: last_id + 1,
        };
        let unknown_boxes = vec![text_boxes::user_data(self.metadata)?];
        let mvex_box = match self.form {
            Form::Whole => None,
            Form::Fragmented(ahead) => Some(fragment_boxes::extends(self.tracks, ahead)),
        };
        Ok(MoovBox { mvhd_box, trak_boxes, mvex_box, unknown_boxes })
    }

    fn created(&self) -> Mp4FileTime {
        let since_1970 = |seconds| Mp4FileTime::from_unix_time(std::time::Duration::from_secs(seconds));
        // The sum of both epochs must not run over; no such year exists.
        self.metadata.started_unix_s.map_or(Mp4FileTime::default(), |s| since_1970(s.min(u64::MAX >> 1)))
    }

    fn video_track(&self, offsets: Offsets) -> Result<TrackBoxes> {
        let video = self.tracks.video;
        let samples = self.form.of_movie(&video.samples);
        let entries = video.sequence_headers.iter().map(|header| {
            let mut entry = header.sample_entry().clone();
            entry.unknown_boxes.push(colour());
            SampleEntry::Av01(entry)
        });
        // Recordings have sides of 8192 pixels at most.
        let side = |pixels: usize| u16::try_from(pixels).unwrap_or(u16::MAX);
        let size = video.size();
        let shown = (side(size.width), side(size.height), TkhdBox::DEFAULT_MATRIX);
        let sync_samples = numbers().zip(samples).filter(|(_, sample)| sample.is_sync);
        let sample_numbers: Vec<_> = sync_samples.map(|(number, _)| number).collect();
        // All samples are sync samples when the box is absent (ISO/IEC 14496-12 8.6.2.1).
        let stss_box = (sample_numbers.len() < samples.len()).then_some(StssBox { sample_numbers });
        let sizes = samples.iter().map(|sample| sample.size_bytes).collect();
        let durations = samples.iter().map(|sample| sample.duration_ms);
        let table = sample_table(entries.collect(), durations, sizes, &self.tables.video, offsets)?;
        let chapters = self.tracks.texts.map(|_| text_boxes::chapter_reference(CHAPTERS_ID)).transpose()?;
        Ok(TrackBoxes {
            id: VIDEO_ID,
            enabled: true,
            presented_ms: self.form.lasting(video.duration_ms()),
            media_duration: self.form.lasting(video.duration_ms()),
            timescale: MS_TIMESCALE,
            handler: HdlrBox::HANDLER_TYPE_VIDE,
            name: b"Video\0",
            shown,
            volume: TkhdBox::DEFAULT_VIDEO_VOLUME,
            header: Some(MediaHeader::Vmhd(VmhdBox::default())),
            edit: None,
            table: StblBox { stss_box, ..table },
            unknown_boxes: chapters.into_iter().collect(),
            unknown_media_boxes: Vec::new(),
        })
    }

    fn sound_track(&self, sound: &SoundTrack, offsets: Offsets) -> Result<TrackBoxes> {
        let entry = build_opus_box(&OpusSampleEntryConfig {
            channel_count: match sound.channels {
                Channels::Mono => ChannelCount::Mono,
                Channels::Stereo => ChannelCount::Stereo,
            },
            pre_skip: sound.pre_skip_samples,
            input_sample_rate: sound.input_rate_hz,
            output_gain: 0,
        });
        let packets = self.form.of_movie(&sound.packets);
        let durations = sound.durations(0..packets.len());
        let sizes = packets.iter().map(|packet| u32::from(packet.size_bytes)).collect();
        let media_duration = durations.clone().map(u64::from).sum();
        let table =
            sample_table(vec![SampleEntry::Opus(entry)], durations, sizes, &self.tables.sound, offsets)?;
        Ok(TrackBoxes {
            id: SOUND_ID,
            enabled: true,
            presented_ms: self.form.lasting(sound.heard_ms()),
            media_duration,
            timescale: SOUND_TIMESCALE,
            handler: HdlrBox::HANDLER_TYPE_SOUN,
            name: b"Sound\0",
            shown: NOTHING_SHOWN,
            volume: TkhdBox::DEFAULT_AUDIO_VOLUME,
            header: Some(MediaHeader::Smhd(SmhdBox::default())),
            // No time: up to the end of what the fragments hold (ISO/IEC 14496-12 8.6.6).
            edit: Some(skip_start(sound, self.form.lasting(sound.heard_ms()))),
            table: StblBox { unknown_boxes: preroll(self.shortest_samples(sound), packets.len()), ..table },
            unknown_boxes: Vec::new(),
            unknown_media_boxes: Vec::new(),
        })
    }

    /// The shortest packet of sound but for the last one, which may be cut.
    fn shortest_samples(&self, sound: &SoundTrack) -> Option<u16> {
        match self.form {
            Form::Whole => sound.packets.iter().rev().skip(1).map(|packet| packet.samples).min(),
            Form::Fragmented(ahead) => Some(ahead.sound_packet_samples),
        }
    }

    fn subtitle_track(&self, subtitles: &TextTrack, offsets: Offsets) -> Result<TrackBoxes> {
        let region = Region::of(self.tracks.video.size());
        Ok(TrackBoxes {
            id: SUBTITLES_ID,
            enabled: true,
            presented_ms: subtitles.duration_ms(),
            media_duration: subtitles.duration_ms(),
            timescale: MS_TIMESCALE,
            handler: text_boxes::SUBTITLES,
            name: b"Keystrokes\0",
            shown: (region.width, region.height, region.matrix()),
            volume: TkhdBox::DEFAULT_VIDEO_VOLUME,
            header: Some(text_boxes::subtitle_header()),
            edit: None,
            table: text_table(region.sample_entry(), subtitles, &self.tables.subtitles, offsets)?,
            unknown_boxes: Vec::new(),
            unknown_media_boxes: Vec::new(),
        })
    }

    fn chapter_track(&self, chapters: &TextTrack, offsets: Offsets) -> Result<TrackBoxes> {
        Ok(TrackBoxes {
            id: CHAPTERS_ID,
            enabled: false,
            presented_ms: chapters.duration_ms(),
            media_duration: chapters.duration_ms(),
            timescale: MS_TIMESCALE,
            handler: HdlrBox::HANDLER_TYPE_TEXT,
            name: b"Chapters\0",
            shown: NOTHING_SHOWN,
            volume: TkhdBox::DEFAULT_VIDEO_VOLUME,
            header: None,
            edit: None,
            table: text_table(text_boxes::chapter_entry(), chapters, &self.tables.chapters, offsets)?,
            unknown_boxes: Vec::new(),
            unknown_media_boxes: vec![text_boxes::chapter_header()?],
        })
    }

    fn trak(&self, track: TrackBoxes) -> TrakBox {
        // The field is signed in the box type.
        let side = |pixels: u16| FixedPointNumber::new(i16::try_from(pixels).unwrap_or(i16::MAX), 0);
        let (width, height, matrix) = track.shown;
        let tkhd_box = TkhdBox {
            flag_track_enabled: track.enabled,
            flag_track_in_movie: true,
            flag_track_in_preview: false,
            flag_track_size_is_aspect_ratio: false,
            creation_time: self.created(),
            modification_time: self.created(),
            track_id: track.id,
            duration: track.presented_ms,
            layer: TkhdBox::DEFAULT_LAYER,
            alternate_group: TkhdBox::DEFAULT_ALTERNATE_GROUP,
            volume: track.volume,
            matrix,
            width: side(width),
            height: side(height),
        };
        let mdhd_box = MdhdBox {
            creation_time: self.created(),
            modification_time: self.created(),
            timescale: track.timescale,
            duration: track.media_duration,
            language: LanguageCode::UNDEFINED,
        };
        let hdlr_box = HdlrBox { handler_type: track.handler, name: track.name.to_vec() };
        let minf_box = MinfBox {
            media_header: track.header,
            dinf_box: DinfBox::LOCAL_FILE,
            stbl_box: track.table,
            unknown_boxes: track.unknown_media_boxes,
        };
        let mdia_box = MdiaBox { mdhd_box, hdlr_box, minf_box, unknown_boxes: Vec::new() };
        TrakBox { tkhd_box, edts_box: track.edit, mdia_box, unknown_boxes: track.unknown_boxes }
    }
}

fn sample_table(
    entries: Vec<SampleEntry>,
    durations: impl Iterator<Item = u32>,
    entry_sizes: Vec<u32>,
    chunks: &ChunkTable,
    offsets: Offsets,
) -> Result<StblBox> {
    Ok(StblBox {
        stsd_box: StsdBox { entries },
        stts_box: SttsBox::from_sample_deltas(durations)?,
        ctts_box: None,
        cslg_box: None,
        stsc_box: chunks.stsc(),
        stsz_box: StszBox::Variable { entry_sizes },
        stco_or_co64_box: chunks.offsets(offsets),
        stss_box: None,
        sdtp_box: None,
        unknown_boxes: Vec::new(),
    })
}

/// The tables of a track of texts.
fn text_table(
    entry: SampleEntry,
    track: &TextTrack,
    chunks: &ChunkTable,
    offsets: Offsets,
) -> Result<StblBox> {
    let durations = track.samples.iter().map(|sample| sample.duration_ms);
    let sizes = track.samples.iter().map(TextSample::data_bytes).collect();
    sample_table(vec![entry], durations, sizes, chunks, offsets)
}

/// Sound starts behind the pre-skip, with the first picture (Encapsulation of Opus in ISOBMFF 4.4).
fn skip_start(sound: &SoundTrack, edit_duration: u64) -> EdtsBox {
    let entry = ElstEntry {
        edit_duration,
        media_time: sound.pre_skip_samples.into(),
        media_rate: FixedPointNumber::new(1, 0),
    };
    EdtsBox { elst_box: Some(ElstBox { entries: vec![entry] }), unknown_boxes: Vec::new() }
}

/// How many packets a player decodes before the one that it seeks to: `sgpd` of type `roll`, and `sbgp` for so many packets
/// (ISO/IEC 14496-12 10.1).
fn preroll(shortest: Option<u16>, packets: usize) -> Vec<UnknownBox> {
    let distance = PREROLL_SAMPLES.div_ceil(shortest.unwrap_or(PREROLL_SAMPLES).max(120));
    let distance = i16::try_from(distance).unwrap_or(i16::MAX).saturating_neg();
    let mut description = b"\x01\0\0\0roll\0\0\0\x02\0\0\0\x01".to_vec();
    description.extend(distance.to_be_bytes());
    vec![boxed(*b"sgpd", description), in_preroll(packets)]
}

/// Says that so many packets need it.
pub(super) fn in_preroll(packets: usize) -> UnknownBox {
    let packets = u32::try_from(packets).unwrap_or(u32::MAX);
    let mut membership = b"\0\0\0\0roll\0\0\0\x01".to_vec();
    membership.extend(packets.to_be_bytes());
    membership.extend(1_u32.to_be_bytes());
    boxed(*b"sbgp", membership)
}

/// BT.709 in limited range (ISO/IEC 14496-12 12.1.5; code points of ISO/IEC 23091-2).
fn colour() -> UnknownBox {
    boxed(*b"colr", b"nclx\0\x01\0\x01\0\x01\0".to_vec())
}

/// A box whose content shiguredo_mp4 has no type for.
pub(super) fn boxed(kind: [u8; 4], payload: Vec<u8>) -> UnknownBox {
    let box_type = BoxType::Normal(kind);
    let length = u64::try_from(payload.len()).unwrap_or(u64::MAX);
    UnknownBox { box_type, box_size: BoxSize::with_payload_size(box_type, length), payload }
}
