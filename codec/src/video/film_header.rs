//! The sequence header that rav1e writes (AV1 specification, section 5.5.1), without having it code a picture.
//!
//! rav1e tells it only by coding. What it switches on follows from its configuration, and a test compares it with what it writes.

use super::screen::bits::BitWriter;
use super::screen::obu::{ObuType, push_obu};
use super::settings::Chroma;
use crate::geometry::Size;
use rav1e::prelude::EncoderConfig;

/// Smaller pictures have no filters behind the deblocking.
const FILTERED_SIDE_MIN: usize = 32;
/// `CP_BT_709`, `TC_BT_709` and `MC_BT_709`, and the bits of each (section 6.4.2).
const BT_709: (usize, u32) = (1, 8);
/// `order_hint_bits_minus_1`.
const ORDER_HINT_BITS_MINUS_1: usize = 5;

/// The unit of pictures of `size`, coded as `config` says.
pub(super) fn sequence_header(size: Size, chroma: Chroma, config: &EncoderConfig) -> Vec<u8> {
    let mut bits = BitWriter::default();
    let profile = match chroma {
        Chroma::Half => 0,
        Chroma::Full => 1,
    };
    bits.field(profile, 3);
    bits.flag(false); // still_picture
    bits.flag(false); // reduced_still_picture_header
    bits.flag(false); // timing_info_present_flag
    bits.flag(false); // initial_display_delay_present_flag
    bits.field(0, 5); // operating_points_cnt_minus_1
    bits.field(0, 12); // operating_point_idc
    let level = config.level_idx.unwrap_or(31);
    bits.field(usize::from(level), 5);
    if level > 7 {
        bits.flag(false); // seq_tier
    }
    frame_size(&mut bits, size);
    tools(&mut bits, size, config);
    color_config(&mut bits, chroma);
    bits.flag(false); // film_grain_params_present
    let mut unit = Vec::new();
    push_obu(&mut unit, ObuType::SequenceHeader, &bits.trailing_bits());
    unit
}

/// The longest sides of frames, each in as many bits as it has.
fn frame_size(bits: &mut BitWriter, size: Size) {
    let sides = [size.width - 1, size.height - 1];
    let length = |side: usize| side.checked_ilog2().unwrap_or(0) + 1;
    for side in sides {
        bits.field(usize::try_from(length(side) - 1).unwrap_or(0), 4);
    }
    for side in sides {
        bits.field(side, length(side));
    }
}

fn tools(bits: &mut BitWriter, size: Size, config: &EncoderConfig) {
    let is_filtered = size.width.min(size.height) >= FILTERED_SIDE_MIN;
    bits.flag(false); // frame_id_numbers_present_flag
    bits.flag(false); // use_128x128_superblock
    bits.flag(false); // enable_filter_intra
    bits.flag(true); // enable_intra_edge_filter
    bits.flag(false); // enable_interintra_compound
    bits.flag(false); // enable_masked_compound
    bits.flag(false); // enable_warped_motion
    bits.flag(false); // enable_dual_filter
    bits.flag(true); // enable_order_hint
    bits.flag(false); // enable_jnt_comp
    bits.flag(false); // enable_ref_frame_mvs
    bits.flag(false); // seq_choose_screen_content_tools
    bits.flag(false); // seq_force_screen_content_tools
    bits.field(ORDER_HINT_BITS_MINUS_1, 3);
    bits.flag(false); // enable_superres
    bits.flag(is_filtered && config.speed_settings.cdef); // enable_cdef
    bits.flag(is_filtered && config.speed_settings.lrf); // enable_restoration
}

/// Section 5.5.2, for 8 bits.
fn color_config(bits: &mut BitWriter, chroma: Chroma) {
    bits.flag(false); // high_bitdepth
    if chroma == Chroma::Half {
        bits.flag(false); // mono_chrome
    }
    bits.flag(true); // color_description_present_flag
    for _ in ["color_primaries", "transfer_characteristics", "matrix_coefficients"] {
        bits.field(BT_709.0, BT_709.1);
    }
    bits.flag(false); // color_range: limited
    if chroma == Chroma::Half {
        bits.field(0, 2); // chroma_sample_position: unknown
    }
    bits.flag(true); // separate_uv_delta_q
}

#[cfg(test)]
mod tests {
    use crate::geometry::Size;
    use crate::mux::TemporalUnit;
    use crate::video::{Encode, Encoder, Frame, Profile, VideoSettings, Yuv};

    #[test]
    fn it_is_what_rav1e_writes() {
        let sizes =
            [(16, 16), (16, 640), (31, 33), (64, 48), (257, 129), (640, 512), (1280, 720), (1920, 1088)];
        for profile in [Profile::Fast, Profile::Balanced, Profile::Legible] {
            let settings = VideoSettings::of(profile);
            for (width, height) in sizes {
                let size = Size { width, height };
                let picture = Yuv::black(size, settings.chroma);
                let mut encoder = Encoder::new(size, &settings).unwrap();
                let frame = Frame { at_ms: 0, picture: &picture, damage: &[], copies: &[] };
                let mut packets = encoder.encode(&frame).unwrap();
                packets.extend(Box::new(encoder).finish().unwrap());
                let unit = TemporalUnit::parse(&packets[0].data).unwrap();
                let expected = Encoder::sequence_header(size, &settings);
                assert_eq!(unit.sequence_header, Some(&expected[..]), "{profile:?} {size:?}");
            }
        }
    }
}
