//! MP4 in fragments.

use super::super::checks::check;
use super::super::spans::{Span, SpanLimits};
use super::super::{Chunk, Chunks, Metadata, MuxError, Piece, Track, Tracks};
use super::boxes::{Form, Movie};
use super::chunk_table::Tables;
use super::{fragment_boxes, head, text_boxes};

/// A fragment that becomes longer goes on in another one, at which decoding cannot start: far less than its lengths can count.
const FRAGMENT_LIMITS: SpanLimits = SpanLimits { ticks: u64::MAX, bytes: 64 << 20 };

/// A laid out file (ISO/IEC 14496-12 8.8): `ftyp` and `moov`, all texts in an `mdat`, an index of the fragments (`sidx`), then
/// the fragments, each a `moof` and an `mdat`.
///
/// A fragment reaches from a picture at which decoding can start to the next such one: ffmpeg, and so Chromium, takes every
/// fragment for a place to seek to. It needs nothing behind it: whatever there is of a file that is still being written or fetched
/// plays up to the last whole fragment.
#[derive(Debug)]
pub struct FragmentedMp4<'a> {
    head: Vec<u8>,
    index: Vec<u8>,
    fragments: Vec<Fragment>,
    tracks: Tracks<'a>,
}

/// One fragment.
#[derive(Debug)]
pub(super) struct Fragment {
    /// Counted from 1.
    pub(super) number: u32,
    /// Its packets; no texts.
    pub(super) span: Span,
    /// When its first picture begins.
    pub(super) video_at_ms: u64,
    /// Before its first packet of sound, so many samples were decoded.
    pub(super) sound_at_samples: u64,
    /// Length of its pictures.
    pub(super) video_bytes: u64,
    /// Length of what stands before its packets.
    head_bytes: u64,
}

impl Fragment {
    pub(super) fn at_ms(&self) -> u64 {
        self.span.at_ticks / 48
    }

    /// Its length in the file.
    pub(super) fn bytes(&self) -> u64 {
        self.head_bytes.saturating_add(self.packets_bytes())
    }

    pub(super) fn packets_bytes(&self) -> u64 {
        self.span.bytes
    }
}

impl<'a> FragmentedMp4<'a> {
    /// Decides where every packet stands.
    pub fn lay_out(tracks: Tracks<'a>, metadata: &Metadata) -> Result<Self, MuxError> {
        check(tracks, metadata)?;
        let refused = |error: shiguredo_mp4::Error| MuxError::Boxes { reason: error.reason };
        let (tables, texts_bytes) = Tables::of(Chunks::texts(tracks));
        let movie = Movie { tracks, metadata, tables: &tables, form: Form::Fragmented };
        let head = head(&movie, texts_bytes).map_err(refused)?;
        let mut fragments = fragments(tracks);
        for fragment in &mut fragments {
            let head = fragment_boxes::fragment_head(tracks, fragment).map_err(refused)?;
            fragment.head_bytes = u64::try_from(head.len()).unwrap_or(u64::MAX);
        }
        let index = fragment_boxes::index(&fragments, tracks.duration_ms()).map_err(refused)?;
        Ok(Self { head, index, fragments, tracks })
    }

    /// The file from its first byte to its last.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> {
        let texts =
            Chunks::texts(self.tracks).filter_map(|chunk| text_boxes::samples_of(self.tracks.texts, &chunk));
        let front = std::iter::once(self.head.clone()).chain(texts).chain([self.index.clone()]);
        front.map(Piece::of_bytes).chain(self.fragments.iter().flat_map(|fragment| self.pieces_of(fragment)))
    }

    fn pieces_of(&self, fragment: &Fragment) -> Vec<Piece> {
        let bytes = fragment_boxes::fragment_head(self.tracks, fragment)
            .expect("it could be written when the file was laid out");
        let Fragment { span, video_bytes, .. } = fragment;
        let chunk = |track, packets: &std::ops::Range<usize>, bytes| Piece {
            bytes: Vec::new(),
            packets: Some(Chunk {
                track,
                packets: packets.clone(),
                at_ticks: span.at_ticks,
                bytes,
                entry: 0,
            }),
        };
        vec![
            Piece::of_bytes(bytes),
            chunk(Track::Video, &span.video, *video_bytes),
            chunk(Track::Sound, &span.sound, span.bytes - video_bytes),
        ]
    }
}

fn fragments(tracks: Tracks<'_>) -> Vec<Fragment> {
    let without_texts = Tracks { texts: None, ..tracks };
    let spans = Span::all(Chunks::single(without_texts), tracks.video, FRAGMENT_LIMITS);
    let (mut video_at_ms, mut sound_at_samples) = (0, 0);
    let mut fragments = Vec::with_capacity(spans.len());
    for (number, span) in (1..).zip(spans) {
        let pictures = tracks.video.samples.get(span.video.clone()).unwrap_or_default();
        let packets =
            tracks.sound.and_then(|sound| sound.packets.get(span.sound.clone())).unwrap_or_default();
        let video_bytes = pictures.iter().map(|picture| u64::from(picture.size_bytes)).sum();
        fragments.push(Fragment { number, span, video_at_ms, sound_at_samples, video_bytes, head_bytes: 0 });
        video_at_ms += pictures.iter().map(|picture| u64::from(picture.duration_ms)).sum::<u64>();
        sound_at_samples += packets.iter().map(|packet| u64::from(packet.samples)).sum::<u64>();
    }
    fragments
}

#[cfg(test)]
mod tests;
