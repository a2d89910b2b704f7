//! The boxes that hold texts.

use shiguredo_mp4::boxes::{
    BoxRecord, FontRecord, FtabBox, HdlrBox, MediaHeader, NmhdBox, SampleEntry, StyleRecord, TkhdBox,
    Tx3gBox, UnknownBox,
};
use shiguredo_mp4::{Encode, Result};

use super::super::text_track::TextSample;
use super::super::{Chunk, Metadata, Texts, Track};
use super::boxes::boxed;
use crate::geometry::Size;

/// Who tells what free-form items mean; players look for no other name.
const MEANING: &[u8] = b"com.apple.iTunes";

/// A handler of subtitles, as Apple names it; what reads `text` reads this, too.
pub(super) const SUBTITLES: [u8; 4] = *b"sbtl";
const FONT: u16 = 1;
const WHITE: [u8; 4] = [255; 4];
const SHADE: [u8; 4] = [0, 0, 0, 160];

/// Where subtitles stand in the picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Region {
    pub(super) width: u16,
    pub(super) height: u16,
    top: u16,
}

impl Region {
    /// The lowest sixth of a picture.
    pub(super) fn of(picture: Size) -> Self {
        let side = |pixels: usize| u16::try_from(pixels).unwrap_or(u16::MAX);
        let height = picture.height / 6;
        Self { width: side(picture.width), height: side(height), top: side(picture.height - height) }
    }

    /// Moves the track there (ISO/IEC 14496-12 8.3.2).
    pub(super) fn matrix(self) -> [i32; 9] {
        let mut matrix = TkhdBox::DEFAULT_MATRIX;
        matrix[7] = i32::from(self.top) << 16;
        matrix
    }

    /// White on a shade, in the middle, at the bottom (3GPP TS 26.245 5.16).
    pub(super) fn sample_entry(self) -> SampleEntry {
        let signed = |pixels: u16| i16::try_from(pixels).unwrap_or(i16::MAX);
        let font_size = u8::try_from(self.height / 4).unwrap_or(u8::MAX).max(8);
        SampleEntry::Tx3g(Tx3gBox {
            data_reference_index: Tx3gBox::DEFAULT_DATA_REFERENCE_INDEX,
            display_flags: 0,
            horizontal_justification: 1,
            vertical_justification: -1,
            background_color_rgba: SHADE,
            default_text_box: BoxRecord {
                top: 0,
                left: 0,
                bottom: signed(self.height),
                right: signed(self.width),
            },
            default_style: StyleRecord {
                font_id: FONT,
                font_size,
                text_color_rgba: WHITE,
                ..StyleRecord::default()
            },
            ftab_box: FtabBox {
                entries: vec![FontRecord { font_id: FONT, font_name: b"Sans-Serif".to_vec() }],
            },
            unknown_boxes: Vec::new(),
        })
    }
}

/// The packets of a chunk of texts; of no other chunk, whose packets the caller has.
pub(super) fn samples_of(texts: Option<&Texts>, chunk: &Chunk) -> Option<Vec<u8>> {
    let track = match chunk.track {
        Track::Video | Track::Sound => return None,
        Track::Subtitles => texts.map(|texts| &texts.subtitles),
        Track::Chapters => texts.map(|texts| &texts.chapters),
    };
    let samples = track.and_then(|track| track.samples.get(chunk.packets.clone()));
    Some(samples.unwrap_or_default().iter().flat_map(TextSample::data).collect())
}

/// The media header of subtitles says nothing.
pub(super) fn subtitle_header() -> MediaHeader {
    MediaHeader::Nmhd(NmhdBox)
}

/// A QuickTime text: nothing of how it would be drawn is used (QuickTime File Format, text sample description).
pub(super) fn chapter_entry() -> SampleEntry {
    let mut description = vec![0; 6];
    description.extend(1_u16.to_be_bytes());
    // Flags, justification, background, box, two reserved numbers, font, face, reserved, colour, and an empty name.
    description.extend([0; 4 + 4 + 6 + 8 + 8 + 2 + 2 + 1 + 2 + 6 + 1]);
    SampleEntry::Unknown(boxed(*b"text", description))
}

/// The media header of QuickTime texts: `gmhd` with `gmin` and `text`, which hold defaults.
pub(super) fn chapter_header() -> Result<UnknownBox> {
    let copy_mode = b"\0\0\0\0\0\x40\x80\0\x80\0\x80\0\0\0\0\0".to_vec();
    let identity: Vec<u8> = TkhdBox::DEFAULT_MATRIX.iter().flat_map(|number| number.to_be_bytes()).collect();
    let parts = [boxed(*b"gmin", copy_mode).encode_to_vec()?, boxed(*b"text", identity).encode_to_vec()?];
    Ok(boxed(*b"gmhd", parts.concat()))
}

/// Says which track holds the chapters of the one that this stands in.
pub(super) fn chapter_reference(track_id: u32) -> Result<UnknownBox> {
    let list = boxed(*b"chap", track_id.to_be_bytes().to_vec());
    Ok(boxed(*b"tref", list.encode_to_vec()?))
}

/// What the file says about itself, where players look for it: `udta`, `meta`, `ilst` (QuickTime File Format, user data).
pub(super) fn user_data(metadata: &Metadata) -> Result<UnknownBox> {
    let mut items = Vec::new();
    if let Some(title) = &metadata.title {
        items.extend(boxed(*b"\xa9nam", data(title)?).encode_to_vec()?);
    }
    items.extend(boxed(*b"\xa9too", data(Metadata::SOFTWARE)?).encode_to_vec()?);
    for (name, text) in metadata.tags() {
        let full = |kind, payload: &[u8]| boxed(kind, [&[0; 4], payload].concat()).encode_to_vec();
        let item = [full(*b"mean", MEANING)?, full(*b"name", name.as_bytes())?, data(text)?].concat();
        items.extend(boxed(*b"----", item).encode_to_vec()?);
    }
    let list = boxed(*b"ilst", items).encode_to_vec()?;
    let handler = HdlrBox { handler_type: *b"mdir", name: vec![0] };
    let meta = [vec![0; 4], handler.encode_to_vec()?, list].concat();
    Ok(boxed(*b"udta", boxed(*b"meta", meta).encode_to_vec()?))
}

/// A text of an item, in UTF-8.
fn data(text: &str) -> Result<Vec<u8>> {
    boxed(*b"data", [b"\0\0\0\x01\0\0\0\0", text.as_bytes()].concat()).encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_its_title_and_its_origin_where_players_look() {
        let metadata = Metadata {
            title: Some("a".into()),
            started_unix_s: None,
            session: Some("s".into()),
            root: Some("r".into()),
        };
        let list = b"\0\0\0\xddilst\
            \0\0\0\x19\xa9nam\0\0\0\x11data\0\0\0\x01\0\0\0\0a\
            \0\0\0\x1f\xa9too\0\0\0\x17data\0\0\0\x01\0\0\0\0Custody\
            \0\0\0\x50----\0\0\0\x1cmean\0\0\0\0com.apple.iTunes\0\0\0\x1bname\0\0\0\0CUSTODY_SESSION\
            \0\0\0\x11data\0\0\0\x01\0\0\0\0s\
            \0\0\0\x4d----\0\0\0\x1cmean\0\0\0\0com.apple.iTunes\0\0\0\x18name\0\0\0\0CUSTODY_ROOT\
            \0\0\0\x11data\0\0\0\x01\0\0\0\0r";
        let described = user_data(&metadata).unwrap();
        assert_eq!(described.box_type, shiguredo_mp4::BoxType::Normal(*b"udta"));
        let found = described.payload.windows(list.len()).position(|window| window == list);
        assert_eq!(
            found.map(|at| at + list.len()),
            Some(described.payload.len()),
            "{:x?}",
            described.payload
        );
    }
}
