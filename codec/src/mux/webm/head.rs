//! All that stands before the clusters.

use super::super::{Channels, Metadata, SoundTrack, TextTrack, Track, Tracks};
use super::ebml::Id;
use super::{ids, number_of};

/// Times of clusters and blocks are in milliseconds: so many nanoseconds.
const TIMESTAMP_SCALE_NS: u64 = 1_000_000;
/// From 1970 to 2001, when the dates of Matroska begin.
const EPOCH_2001_UNIX_S: i64 = 978_307_200;
/// An Opus decoder that starts anywhere is right after 80 ms (RFC 7845 4.6).
const SEEK_PRE_ROLL_NS: u64 = 80_000_000;
const SUBTITLES: &str = "D_WEBVTT/SUBTITLES";

/// Where decoding can start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cue {
    pub(super) at_ms: u64,
    /// Where its cluster begins, counted from the first one.
    pub(super) offset: u64,
}

/// What the head is made of.
pub(super) struct Head<'a> {
    pub(super) tracks: Tracks<'a>,
    pub(super) metadata: &'a Metadata,
    pub(super) cues: Vec<Cue>,
    /// Length of what follows the head.
    pub(super) clusters_bytes: u64,
}

impl Head<'_> {
    /// The EBML header, the segment's beginning, and its elements up to the first cluster.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut parts = vec![(ids::INFO, self.info()), (ids::TRACKS, self.entries())];
        if let Some(texts) = self.tracks.texts {
            parts.push((ids::CHAPTERS, chapters(&texts.chapters)));
        }
        if let Some(tags) = self.tags() {
            parts.push((ids::TAGS, tags));
        }
        let before_cues = parts.iter().map(|(_, part)| part.len()).sum::<usize>();
        // The length of places does not depend on what they are: drafts tell where everything stands.
        let seek_bytes = seek_head(&[parts.as_slice(), &[(ids::CUES, Vec::new())]].concat()).len();
        let cues_bytes = self.cues(0).len();
        let clusters_at = length(seek_bytes + before_cues + cues_bytes);
        parts.push((ids::CUES, self.cues(clusters_at)));
        let parts = [vec![seek_head(&parts)], parts.into_iter().map(|(_, part)| part).collect()].concat();
        let segment = ids::SEGMENT.wide_head(clusters_at.saturating_add(self.clusters_bytes));
        [ebml_header(), segment, parts.concat()].concat()
    }

    fn info(&self) -> Vec<u8> {
        let mut parts = vec![
            ids::TIMESTAMP_SCALE.uint(TIMESTAMP_SCALE_NS),
            ids::DURATION.float(real(self.tracks.duration_ms())),
        ];
        if let Some(unix_s) = self.metadata.started_unix_s {
            let unix_s = i64::try_from(unix_s).unwrap_or(i64::MAX);
            parts.push(ids::DATE_UTC.date((unix_s - EPOCH_2001_UNIX_S).saturating_mul(1_000_000_000)));
        }
        parts.extend(self.metadata.title.as_deref().map(|title| ids::TITLE.text(title)));
        parts.push(ids::MUXING_APP.text(Metadata::SOFTWARE));
        parts.push(ids::WRITING_APP.text(Metadata::SOFTWARE));
        ids::INFO.master(&parts)
    }

    fn entries(&self) -> Vec<u8> {
        let mut entries = vec![self.pictures()];
        entries.extend(self.tracks.sound.map(sound));
        entries.extend(self.tracks.texts.map(|_| subtitles()));
        ids::TRACKS.master(&entries)
    }

    fn pictures(&self) -> Vec<u8> {
        let video = self.tracks.video;
        let size = video.size();
        let configuration = video.sequence_headers.first().map(|header| header.configuration());
        // BT.709 in limited range (ISO/IEC 23091-2).
        let colour = [
            ids::MATRIX_COEFFICIENTS.uint(1),
            ids::RANGE.uint(1),
            ids::TRANSFER_CHARACTERISTICS.uint(1),
            ids::PRIMARIES.uint(1),
        ];
        let picture = [
            ids::FLAG_INTERLACED.uint(2),
            ids::PIXEL_WIDTH.uint(length(size.width)),
            ids::PIXEL_HEIGHT.uint(length(size.height)),
            ids::COLOUR.master(&colour),
        ];
        let about = [
            ids::CODEC_ID.text("V_AV1"),
            ids::CODEC_PRIVATE.binary(&configuration.unwrap_or_default()),
            ids::VIDEO.master(&picture),
        ];
        entry(Track::Video, Kind { track_type: 1, name: "Video" }, &about)
    }

    fn tags(&self) -> Option<Vec<u8>> {
        let simple = |(name, text): (&str, &str)| {
            ids::SIMPLE_TAG.master(&[ids::TAG_NAME.text(name), ids::TAG_STRING.text(text)])
        };
        // Targets without content: the whole file.
        let mut tag = vec![ids::TARGETS.master(&[])];
        tag.extend(self.metadata.tags().map(simple));
        (tag.len() > 1).then(|| ids::TAGS.master(&[ids::TAG.master(&tag)]))
    }

    fn cues(&self, clusters_at: u64) -> Vec<u8> {
        let point = |cue: &Cue| {
            let place = [
                ids::CUE_TRACK.uint(number_of(Track::Video)),
                ids::CUE_CLUSTER_POSITION.wide_uint(clusters_at.saturating_add(cue.offset)),
            ];
            ids::CUE_POINT.master(&[ids::CUE_TIME.uint(cue.at_ms), ids::CUE_TRACK_POSITIONS.master(&place)])
        };
        ids::CUES.master(&self.cues.iter().map(point).collect::<Vec<_>>())
    }
}

/// What stands before the blocks of a cluster.
pub(super) fn cluster(at_ms: u64, blocks_bytes: u64) -> Vec<u8> {
    let timestamp = ids::TIMESTAMP.uint(at_ms);
    [ids::CLUSTER.head(length(timestamp.len()).saturating_add(blocks_bytes)), timestamp].concat()
}

fn ebml_header() -> Vec<u8> {
    ids::EBML.master(&[
        ids::EBML_VERSION.uint(1),
        ids::EBML_READ_VERSION.uint(1),
        ids::EBML_MAX_ID_LENGTH.uint(4),
        ids::EBML_MAX_SIZE_LENGTH.uint(8),
        ids::DOC_TYPE.text("webm"),
        ids::DOC_TYPE_VERSION.uint(4),
        ids::DOC_TYPE_READ_VERSION.uint(2),
    ])
}

/// Where the parts stand that follow it, counted from its own beginning.
fn seek_head(parts: &[(Id, Vec<u8>)]) -> Vec<u8> {
    let seek = |(id, position): (Id, u64)| {
        ids::SEEK.master(&[ids::SEEK_ID.binary(&id.bytes()), ids::SEEK_POSITION.wide_uint(position)])
    };
    let at = |start: u64| {
        let mut position = start;
        let seeks = parts.iter().map(|(id, part)| {
            let seek = seek((*id, position));
            position += length(part.len());
            seek
        });
        ids::SEEK_HEAD.master(&seeks.collect::<Vec<_>>())
    };
    at(length(at(0).len()))
}

/// What tracks differ in for players.
struct Kind {
    track_type: u64,
    name: &'static str,
}

fn entry(track: Track, kind: Kind, about: &[Vec<u8>]) -> Vec<u8> {
    let number = number_of(track);
    let common = [
        ids::TRACK_NUMBER.uint(number),
        // Unique within the file; a random one would differ from conversion to conversion.
        ids::TRACK_UID.uint(number),
        ids::TRACK_TYPE.uint(kind.track_type),
        ids::FLAG_LACING.uint(0),
        ids::LANGUAGE.text("und"),
        ids::NAME.text(kind.name),
    ];
    ids::TRACK_ENTRY.master(&[&common, about].concat())
}

fn sound(sound: &SoundTrack) -> Vec<u8> {
    let channels = match sound.channels {
        Channels::Mono => 1,
        Channels::Stereo => 2,
    };
    // The head of RFC 7845 5.1, with no gain and one stream.
    let mut head = b"OpusHead\x01".to_vec();
    head.push(channels);
    head.extend(sound.pre_skip_samples.to_le_bytes());
    head.extend(sound.input_rate_hz.to_le_bytes());
    head.extend([0; 3]);
    let pre_skip_ns = u64::from(sound.pre_skip_samples) * 1_000_000_000 / u64::from(SoundTrack::RATE_HZ);
    let form =
        [ids::SAMPLING_FREQUENCY.float(SoundTrack::RATE_HZ.into()), ids::CHANNELS.uint(channels.into())];
    let about = [
        ids::CODEC_ID.text("A_OPUS"),
        ids::CODEC_PRIVATE.binary(&head),
        ids::CODEC_DELAY.uint(pre_skip_ns),
        ids::SEEK_PRE_ROLL.uint(SEEK_PRE_ROLL_NS),
        ids::AUDIO.master(&form),
    ];
    entry(Track::Sound, Kind { track_type: 2, name: "Sound" }, &about)
}

fn subtitles() -> Vec<u8> {
    let about = [ids::FLAG_DEFAULT.uint(0), ids::CODEC_ID.text(SUBTITLES)];
    entry(Track::Subtitles, Kind { track_type: 17, name: "Keystrokes" }, &about)
}

fn chapters(track: &TextTrack) -> Vec<u8> {
    let (mut at_ms, mut atoms) = (0, Vec::new());
    for (number, chapter) in (1..).zip(&track.samples) {
        let end_ms = at_ms + u64::from(chapter.duration_ms);
        let shown = [ids::CHAP_STRING.text(&chapter.text), ids::CHAP_LANGUAGE.text("und")];
        atoms.push(ids::CHAPTER_ATOM.master(&[
            ids::CHAPTER_UID.uint(number),
            ids::CHAPTER_TIME_START.uint(at_ms.saturating_mul(TIMESTAMP_SCALE_NS)),
            ids::CHAPTER_TIME_END.uint(end_ms.saturating_mul(TIMESTAMP_SCALE_NS)),
            ids::CHAPTER_DISPLAY.master(&shown),
        ]));
        at_ms = end_ms;
    }
    ids::CHAPTERS.master(&[ids::EDITION_ENTRY.master(&atoms)])
}

/// A number with a fraction; no duration is so long that it would not be exact.
fn real(ms: u64) -> f64 {
    let high = u32::try_from(ms >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(ms & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
