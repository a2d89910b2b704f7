//! The boxes that only files in fragments have.

use shiguredo_mp4::boxes::{
    Brand, FtypBox, MehdBox, MfhdBox, MoofBox, MvexBox, TfdtBox, TfhdBox, TrafBox, TrexBox, TrunBox,
    TrunSample,
};
use shiguredo_mp4::{Encode, Result, SampleFlags};

use super::super::Tracks;
use super::boxes::{Ahead, SOUND_ID, VIDEO_ID, boxed, in_preroll};
use super::fragment::Fragment;

/// A sample that needs no other one (ISO/IEC 14496-12 8.8.3.1).
const SYNC: SampleFlags = SampleFlags::new(0x0200_0000);
/// A sample that needs others, so that decoding cannot start at it.
const NOT_SYNC: SampleFlags = SampleFlags::new(0x0101_0000);
/// The header of an `mdat`, which is never so long that it would need a wide one.
const MDAT_HEADER_BYTES: usize = 8;
/// The header of an `mfra`.
const MFRA_HEADER_BYTES: usize = 8;
/// A whole `mfro`.
const MFRO_BYTES: usize = 16;

/// `iso6` stands for offsets that count from a fragment.
pub(super) fn ftyp() -> FtypBox {
    FtypBox {
        major_brand: Brand::ISO6,
        minor_version: 0,
        compatible_brands: vec![Brand::ISO6, Brand::AV01, Brand::MP41],
    }
}

/// Says that fragments follow, how long they last together, and what samples are if nothing else is said.
pub(super) fn extends(tracks: Tracks<'_>, ahead: Ahead) -> MvexBox {
    let defaults = |track_id, default_sample_flags| TrexBox {
        track_id,
        default_sample_description_index: 1,
        default_sample_duration: 0,
        default_sample_size: 0,
        default_sample_flags,
    };
    let mut trex_boxes = vec![defaults(VIDEO_ID, NOT_SYNC)];
    trex_boxes.extend(tracks.sound.map(|_| defaults(SOUND_ID, SYNC)));
    let mehd_box = Some(MehdBox { fragment_duration: ahead.duration_ms });
    MvexBox { mehd_box, trex_boxes, unknown_boxes: Vec::new() }
}

/// `moof` and the header of `mdat`. The pictures of a fragment follow, then its sound.
pub(super) fn fragment_head(fragment: &Fragment) -> Result<Vec<u8>> {
    // The length does not depend on the offsets: a draft tells where the packets start.
    let draft = moof(fragment, 0).encode_to_vec()?;
    let mut head = moof(fragment, draft.len() + MDAT_HEADER_BYTES).encode_to_vec()?;
    let mdat_bytes = fragment.packets_bytes().saturating_add(u64::try_from(MDAT_HEADER_BYTES).unwrap_or(0));
    head.extend(u32::try_from(mdat_bytes).unwrap_or(u32::MAX).to_be_bytes());
    head.extend(b"mdat");
    Ok(head)
}

fn moof(fragment: &Fragment, data_offset: usize) -> MoofBox {
    let mut traf_boxes = Vec::new();
    let offset = |bytes: u64| {
        let start = u64::try_from(data_offset).unwrap_or(u64::MAX);
        i32::try_from(start.saturating_add(bytes)).unwrap_or(i32::MAX)
    };
    if let Some(first) = fragment.pictures.first() {
        let samples = fragment.pictures.iter().map(|picture| sample(picture.duration_ms, picture.size_bytes));
        let run = TrunBox {
            data_offset: Some(offset(0)),
            first_sample_flags: first.is_sync.then_some(SYNC),
            samples: samples.collect(),
        };
        traf_boxes.push(traf(VIDEO_ID, first.header, fragment.video_at_ms, run));
    }
    if !fragment.sound.is_empty() {
        let samples = fragment.sound.iter().map(|packet| sample(packet.samples, packet.size_bytes.into()));
        let run = TrunBox {
            data_offset: Some(offset(fragment.video_bytes)),
            first_sample_flags: None,
            samples: samples.collect(),
        };
        let mut traf = traf(SOUND_ID, 0, fragment.sound_at_samples, run);
        traf.unknown_boxes.push(in_preroll(fragment.sound.len()));
        traf_boxes.push(traf);
    }
    MoofBox { mfhd_box: MfhdBox { sequence_number: fragment.number }, traf_boxes, unknown_boxes: Vec::new() }
}

fn sample(duration: u32, size: u32) -> TrunSample {
    TrunSample { duration: Some(duration), size: Some(size), flags: None, composition_time_offset: None }
}

fn traf(track_id: u32, entry: usize, base_media_decode_time: u64, run: TrunBox) -> TrafBox {
    let entry = u32::try_from(entry).unwrap_or(u32::MAX).saturating_add(1);
    TrafBox {
        tfhd_box: TfhdBox {
            track_id,
            base_data_offset: None,
            sample_description_index: (entry > 1).then_some(entry),
            default_sample_duration: None,
            default_sample_size: None,
            default_sample_flags: None,
            duration_is_empty: false,
            default_base_is_moof: true,
        },
        tfdt_box: Some(TfdtBox { version: 1, base_media_decode_time }),
        trun_boxes: vec![run],
        unknown_boxes: Vec::new(),
    }
}

/// A fragment at which decoding can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SyncPoint {
    /// When its first picture is shown.
    pub(super) at_ms: u64,
    /// Where its `moof` stands in the file.
    pub(super) moof_offset: u64,
}

/// Where decoding can start, at the end of a file, so that players seek without reading all fragments: `mfra` with a `tfra` of the
/// pictures (ISO/IEC 14496-12 8.8.9).
pub(super) fn index(points: &[SyncPoint]) -> Result<Vec<u8>> {
    // Version 1: times and offsets are of 64 bits; the numbers of `traf`, `trun` and sample, all 1, are of 8 bits.
    let mut table = b"\x01\0\0\0".to_vec();
    table.extend(VIDEO_ID.to_be_bytes());
    table.extend(0_u32.to_be_bytes());
    table.extend(u32::try_from(points.len()).unwrap_or(u32::MAX).to_be_bytes());
    for point in points {
        table.extend(point.at_ms.to_be_bytes());
        table.extend(point.moof_offset.to_be_bytes());
        table.extend([1, 1, 1]);
    }
    let table = boxed(*b"tfra", table).encode_to_vec()?;
    // The last four bytes of the file say how long `mfra` is, so that it is found from there.
    let index_bytes = MFRA_HEADER_BYTES + table.len() + MFRO_BYTES;
    let index_bytes = u32::try_from(index_bytes).unwrap_or(u32::MAX).to_be_bytes();
    let offset = boxed(*b"mfro", [[0; 4], index_bytes].concat()).encode_to_vec()?;
    boxed(*b"mfra", [table, offset].concat()).encode_to_vec()
}
