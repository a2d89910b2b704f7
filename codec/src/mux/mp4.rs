//! MP4 with its index in front of the packets.
//!
//! The boxes are those of shiguredo_mp4. Its `Mp4FileMuxer` is not used: it learns of packets after they were
//! written and goes back to fill a reserved space, and it knows neither edit lists nor colour descriptions.

mod boxes;
mod chunk_table;
mod fragment;
mod fragment_boxes;
mod fragmented;
mod text_boxes;
mod waiting_sound;

use std::ops::Range;

use shiguredo_mp4::boxes::{Brand, FtypBox, MdatBox};
use shiguredo_mp4::{BoxHeader, BoxSize, Encode};

pub use self::fragmented::{FragmentedMp4, Outline, SoundOutline, VideoSegment};

use self::boxes::{Form, Movie};
use self::chunk_table::{Offsets, Tables};
use super::checks::check;
use super::{Chunks, Metadata, MuxError, Piece, Tracks};

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

impl<'a> Mp4<'a> {
    /// Decides where every packet stands and writes the head.
    pub fn lay_out(tracks: Tracks<'a>, metadata: &Metadata) -> Result<Self, MuxError> {
        check(tracks, metadata)?;
        let (tables, payload_bytes) = Tables::of(Chunks::new(tracks));
        let movie = Movie { tracks, metadata, tables: &tables, form: Form::Whole };
        let head = head(&movie, payload_bytes).map_err(|error| MuxError::Boxes { reason: error.reason })?;
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

    /// The file from its first byte to its last.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> {
        std::iter::once(Piece::of_bytes(self.head.clone())).chain(self.chunks().map(|chunk| {
            text_boxes::samples_of(self.tracks.texts, &chunk)
                .map_or_else(|| Piece { bytes: Vec::new(), packets: Some(chunk) }, Piece::of_bytes)
        }))
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

/// `ftyp`, `moov`, and the header of `mdat` if that holds anything.
fn head(movie: &Movie<'_>, payload_bytes: u64) -> shiguredo_mp4::Result<Vec<u8>> {
    let box_size = BoxSize::with_payload_size(MdatBox::TYPE, payload_bytes);
    let mdat = match payload_bytes {
        0 => Vec::new(),
        _ => BoxHeader { box_type: MdatBox::TYPE, box_size }.encode_to_vec()?,
    };
    let ftyp = match movie.form {
        Form::Whole => ftyp(),
        Form::Fragmented(_) => fragment_boxes::ftyp(),
    };
    let ftyp = ftyp.encode_to_vec()?;
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

#[cfg(test)]
mod tests;
