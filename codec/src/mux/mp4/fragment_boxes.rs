//! The boxes that only files in fragments have.

use shiguredo_mp4::boxes::{
    Brand, FtypBox, MehdBox, MfhdBox, MoofBox, MvexBox, SidxBox, SidxReference, TfdtBox, TfhdBox, TrafBox,
    TrexBox, TrunBox, TrunSample,
};
use shiguredo_mp4::{Encode, Result, SampleFlags};

use super::super::Tracks;
use super::boxes::{MS_TIMESCALE, SOUND_ID, VIDEO_ID, in_preroll};
use super::fragmented::Fragment;

/// A sample that needs no other one (ISO/IEC 14496-12 8.8.3.1).
const SYNC: SampleFlags = SampleFlags::new(0x0200_0000);
/// A sample that needs others, so that decoding cannot start at it.
const NOT_SYNC: SampleFlags = SampleFlags::new(0x0101_0000);
/// Most places that an index can name.
const REFERENCES_MAX: usize = 0xffff;
/// Longest stretch between them, in bytes: 31 bits.
const SIZE_MAX: u32 = u32::MAX >> 1;
/// The header of an `mdat`, which is never so long that it would need a wide one.
const MDAT_HEADER_BYTES: usize = 8;

/// `iso6` stands for offsets that count from a fragment.
pub(super) fn ftyp() -> FtypBox {
    FtypBox {
        major_brand: Brand::ISO6,
        minor_version: 0,
        compatible_brands: vec![Brand::ISO6, Brand::AV01, Brand::MP41],
    }
}

/// Says that fragments follow, how long they last together, and what samples are if nothing else is said.
pub(super) fn extends(tracks: Tracks<'_>) -> MvexBox {
    let defaults = |track_id, default_sample_flags| TrexBox {
        track_id,
        default_sample_description_index: 1,
        default_sample_duration: 0,
        default_sample_size: 0,
        default_sample_flags,
    };
    let mut trex_boxes = vec![defaults(VIDEO_ID, NOT_SYNC)];
    trex_boxes.extend(tracks.sound.map(|_| defaults(SOUND_ID, SYNC)));
    let mehd_box = Some(MehdBox { fragment_duration: tracks.duration_ms() });
    MvexBox { mehd_box, trex_boxes, unknown_boxes: Vec::new() }
}

/// `moof` and the header of `mdat`. The pictures of a fragment follow, then its sound.
pub(super) fn fragment_head(tracks: Tracks<'_>, fragment: &Fragment) -> Result<Vec<u8>> {
    // The length does not depend on the offsets: a draft tells where the packets start.
    let draft = moof(tracks, fragment, 0).encode_to_vec()?;
    let mut head = moof(tracks, fragment, draft.len() + MDAT_HEADER_BYTES).encode_to_vec()?;
    let mdat_bytes = fragment.packets_bytes().saturating_add(u64::try_from(MDAT_HEADER_BYTES).unwrap_or(0));
    head.extend(u32::try_from(mdat_bytes).unwrap_or(u32::MAX).to_be_bytes());
    head.extend(b"mdat");
    Ok(head)
}

fn moof(tracks: Tracks<'_>, fragment: &Fragment, data_offset: usize) -> MoofBox {
    let mut traf_boxes = Vec::new();
    let offset = |bytes: u64| {
        let start = u64::try_from(data_offset).unwrap_or(u64::MAX);
        i32::try_from(start.saturating_add(bytes)).unwrap_or(i32::MAX)
    };
    if let Some(pictures) =
        tracks.video.samples.get(fragment.span.video.clone()).filter(|all| !all.is_empty())
    {
        let samples = pictures.iter().map(|picture| sample(picture.duration_ms, picture.size_bytes));
        let run = TrunBox {
            data_offset: Some(offset(0)),
            first_sample_flags: fragment.span.is_sync.then_some(SYNC),
            samples: samples.collect(),
        };
        let entry = pictures.first().map_or(0, |picture| picture.header);
        traf_boxes.push(traf(VIDEO_ID, entry, fragment.video_at_ms, run));
    }
    if let Some(sound) = tracks.sound.filter(|_| !fragment.span.sound.is_empty()) {
        let range = fragment.span.sound.clone();
        let packets = sound.packets.get(range.clone()).unwrap_or_default();
        let samples = packets.iter().zip(sound.durations(range.clone()));
        let samples = samples.map(|(packet, samples)| sample(samples, packet.size_bytes.into()));
        let run = TrunBox {
            data_offset: Some(offset(fragment.video_bytes)),
            first_sample_flags: None,
            samples: samples.collect(),
        };
        let mut traf = traf(SOUND_ID, 0, fragment.sound_at_samples, run);
        traf.unknown_boxes.push(in_preroll(range.len()));
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

/// Where decoding can start, so that players seek without reading all fragments; none when there are more places, or longer
/// stretches between them, than can be written.
pub(super) fn index(fragments: &[Fragment], duration_ms: u64) -> Result<Vec<u8>> {
    let stretches: Vec<_> = fragments.chunk_by(|_, next| !next.span.is_sync).collect();
    let at_ms = |stretch: &&[Fragment]| stretch.first().map_or(0, Fragment::at_ms);
    let ends = stretches.iter().skip(1).map(at_ms).chain([duration_ms]);
    let references = stretches.iter().zip(ends).map(|(stretch, end_ms)| SidxReference {
        reference_type: false,
        referenced_size: u32::try_from(stretch.iter().map(Fragment::bytes).sum::<u64>()).unwrap_or(u32::MAX),
        subsegment_duration: u32::try_from(end_ms.saturating_sub(at_ms(stretch))).unwrap_or(u32::MAX),
        starts_with_sap: true,
        sap_type: 1,
        sap_delta_time: 0,
    });
    let references: Vec<_> = references.collect();
    if references.len() > REFERENCES_MAX
        || references.iter().any(|stretch| stretch.referenced_size > SIZE_MAX)
    {
        return Ok(Vec::new());
    }
    let index = SidxBox {
        reference_id: VIDEO_ID,
        timescale: MS_TIMESCALE.get(),
        earliest_presentation_time: 0,
        first_offset: 0,
        references,
    };
    index.encode_to_vec()
}
