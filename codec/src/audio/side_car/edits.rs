//! What an MP4 says of the part of a track that is played: its edit list (ISO/IEC 14496-12 section 8.6.6).
//!
//! Encoders of AAC and Opus put samples in front that are not to be heard, and MP4 has no other place to say so.
//! Symphonia does not look there.

use super::error::SideCarError;
use super::source::BoundedSource;

/// A longer head of an MP4 has none: its edits are not looked for.
const MOVIE_BYTES_MAX: u64 = 16 << 20;
/// Boxes that are looked at beside one another.
const BOXES_MAX: usize = 1_000;

/// The part of a track that is played.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Edit {
    /// Silence in front, as a numerator and its denominator in hertz.
    pub(super) delay: (u64, u32),
    /// What is left out of the track, in units of its own times.
    pub(super) skip: u64,
    /// How long it is played, as a numerator and its denominator in hertz, if that is said.
    pub(super) play: Option<(u64, u32)>,
}

impl Edit {
    /// The edits of all tracks of a file by their ids; none of what is no MP4.
    pub(super) fn of_tracks(source: &mut BoundedSource) -> Result<Vec<(u32, Self)>, SideCarError> {
        let Some(movie) = movie(source)? else { return Ok(Vec::new()) };
        let movie_rate_hz = find(&movie, b"mvhd").and_then(timescale).unwrap_or(0);
        let tracks = boxes(&movie).filter(|(name, _)| name == b"trak");
        Ok(tracks
            .filter_map(|(_, track)| Some((track_id(track)?, Self::of(track, movie_rate_hz)?)))
            .collect())
    }

    /// Of a list, silence in front and the first edit count: sound that is made of several parts is played from there on.
    fn of(track: &[u8], movie_rate_hz: u32) -> Option<Self> {
        let list = find(find(track, b"edts")?, b"elst")?;
        let is_long = *list.first()? == 1;
        let entries = list.get(8..)?;
        let mut edit = Self::default();
        for entry in entries.chunks_exact(if is_long { 20 } else { 12 }) {
            let (duration, begin) = if is_long {
                (be_u64(entry)?, be_u64(entry.get(8..)?)?.cast_signed())
            } else {
                (u64::from(be_u32(entry)?), i64::from(be_u32(entry.get(4..)?)?.cast_signed()))
            };
            match u64::try_from(begin) {
                Err(_) => edit.delay = (edit.delay.0.saturating_add(duration), movie_rate_hz),
                Ok(begin) => {
                    edit.skip = begin;
                    edit.play = (duration > 0).then_some((duration, movie_rate_hz));
                    break;
                }
            }
        }
        Some(edit)
    }
}

/// The body of the box `moov`.
fn movie(source: &mut BoundedSource) -> Result<Option<Vec<u8>>, SideCarError> {
    let mut at = 0;
    for number in 0..BOXES_MAX {
        let mut head = [0; 16];
        let read = source.read_at(at, &mut head)?;
        let Some((length, name, head_bytes)) = head_of(&head[..read]) else { break };
        if number == 0 && name != *b"ftyp" {
            break;
        }
        let body_bytes = length.map_or(MOVIE_BYTES_MAX, |length| length.saturating_sub(head_bytes));
        if name == *b"moov" {
            let body_bytes = body_bytes.min(source.left(at));
            if body_bytes > MOVIE_BYTES_MAX {
                break;
            }
            let mut body = vec![0; usize::try_from(body_bytes).unwrap_or(0)];
            let read = source.read_at(at + head_bytes, &mut body)?;
            body.truncate(read);
            source.read_at(0, &mut [])?;
            return Ok(Some(body));
        }
        let Some(length) = length.filter(|length| *length >= head_bytes) else { break };
        at = at.saturating_add(length);
    }
    source.read_at(0, &mut [])?;
    Ok(None)
}

/// Length of a box unless it reaches to the end, its name, and the bytes of its head.
fn head_of(bytes: &[u8]) -> Option<(Option<u64>, [u8; 4], u64)> {
    let name = *bytes.get(4..)?.first_chunk()?;
    match be_u32(bytes)? {
        0 => Some((None, name, 8)),
        1 => Some((Some(be_u64(bytes.get(8..)?)?), name, 16)),
        length => Some((Some(u64::from(length)), name, 8)),
    }
}

/// The boxes inside of one, with their bodies.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (length, name, head_bytes) = head_of(bytes)?;
        let all = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let length = usize::try_from(length.unwrap_or(all).clamp(head_bytes, all.max(head_bytes))).ok()?;
        let body = bytes.get(usize::try_from(head_bytes).ok()?..length)?;
        bytes = bytes.get(length..)?;
        Some((name, body))
    })
    .take(BOXES_MAX)
}

fn find<'a>(bytes: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes).find(|(name, _)| name == wanted).map(|(_, body)| body)
}

/// Of `mvhd`.
fn timescale(body: &[u8]) -> Option<u32> {
    be_u32(body.get(if *body.first()? == 1 { 20 } else { 12 }..)?)
}

/// Of `tkhd`.
fn track_id(track: &[u8]) -> Option<u32> {
    let body = find(track, b"tkhd")?;
    be_u32(body.get(if *body.first()? == 1 { 20 } else { 12 }..)?)
}

fn be_u32(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.first_chunk()?))
}

fn be_u64(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.first_chunk()?))
}
