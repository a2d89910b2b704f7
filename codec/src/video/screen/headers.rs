//! Sequence and frame headers: AV1 specification, sections 5.5 and 5.9.
//!
//! As little as possible is switched on: no order hints, so no sign biases, no temporal vectors and no skip mode;
//! no filters behind the reconstruction; one tile.

use super::bits::BitWriter;
use super::format::Format;
use crate::geometry::Size;
use crate::video::level::level_index;
use crate::video::settings::Chroma;

/// `BILINEAR` (section 6.8.9): what odd vectors do to subsampled chroma is then a mean.
const BILINEAR: usize = 3;
/// `CP_BT_709`, `TC_BT_709` and `MC_BT_709`, and the bits of each (section 6.4.2).
const BT_709: (usize, u32) = (1, 8);
/// Bits of the width and height of frames.
const SIZE_BITS: u32 = 16;
/// Side of a superblock.
const SUPERBLOCK: usize = 64;
/// `REFS_PER_FRAME` (section 3).
const REFS_PER_FRAME: usize = 7;

/// The payload of a sequence header unit (section 5.5.1).
pub(super) fn sequence_header(format: Format) -> Vec<u8> {
    let mut bits = BitWriter::default();
    let profile = match format.chroma {
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
    let level = level_index(format.size);
    bits.field(usize::from(level), 5);
    if level > 7 {
        bits.flag(false); // seq_tier
    }
    bits.field(15, 4); // frame_width_bits_minus_1
    bits.field(15, 4); // frame_height_bits_minus_1
    bits.field(format.size.width - 1, SIZE_BITS);
    bits.field(format.size.height - 1, SIZE_BITS);
    bits.flag(false); // frame_id_numbers_present_flag
    bits.flag(false); // use_128x128_superblock
    bits.flag(false); // enable_filter_intra
    bits.flag(false); // enable_intra_edge_filter
    bits.flag(false); // enable_interintra_compound
    bits.flag(false); // enable_masked_compound
    bits.flag(false); // enable_warped_motion
    bits.flag(false); // enable_dual_filter
    bits.flag(false); // enable_order_hint
    bits.flag(true); // seq_choose_screen_content_tools
    bits.flag(true); // seq_choose_integer_mv
    bits.flag(false); // enable_superres
    bits.flag(false); // enable_cdef
    bits.flag(false); // enable_restoration
    color_config(&mut bits, format.chroma);
    bits.flag(false); // film_grain_params_present
    bits.trailing_bits()
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
    bits.flag(false); // separate_uv_delta_q
}

/// What differs between frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// A key frame fills all references; any other is predicted from the frame before it.
    pub(super) key: bool,
    pub(super) base_q_idx: u8,
}

impl FrameHeader {
    /// Whether blocks are coded without loss (`CodedLossless`).
    pub(super) fn lossless(self) -> bool {
        self.base_q_idx == 0
    }

    /// The frame header of section 5.9.2, up to where the tile starts.
    pub(super) fn write(self, format: Format) -> Vec<u8> {
        let mut bits = BitWriter::default();
        bits.flag(false); // show_existing_frame
        bits.field(usize::from(!self.key), 2); // frame_type: KEY_FRAME or INTER_FRAME
        bits.flag(true); // show_frame
        if !self.key {
            bits.flag(false); // error_resilient_mode
        }
        bits.flag(false); // disable_cdf_update
        bits.flag(true); // allow_screen_content_tools
        bits.flag(true); // force_integer_mv
        bits.flag(false); // frame_size_override_flag
        if self.key {
            bits.flag(false); // render_and_frame_size_different
            bits.flag(false); // allow_intrabc
        } else {
            self.write_references(&mut bits);
        }
        bits.flag(false); // disable_frame_end_update_cdf
        tile_info(&mut bits, format.size);
        self.write_quantizer(&mut bits);
        if !self.key {
            bits.flag(false); // reference_select
        }
        bits.flag(true); // reduced_tx_set
        if !self.key {
            bits.field(0, 7); // is_global, for each reference
        }
        bits.byte_alignment()
    }

    fn write_references(self, bits: &mut BitWriter) {
        bits.field(0, 3); // primary_ref_frame
        bits.field(1, 8); // refresh_frame_flags: the first slot
        for _ in 0..REFS_PER_FRAME {
            bits.field(0, 3); // ref_frame_idx
        }
        bits.flag(false); // render_and_frame_size_different
        bits.flag(false); // is_filter_switchable
        bits.field(BILINEAR, 2);
        bits.flag(false); // is_motion_mode_switchable
    }

    /// `quantization_params` up to `read_tx_mode` (sections 5.9.12 to 5.9.21).
    fn write_quantizer(self, bits: &mut BitWriter) {
        bits.field(usize::from(self.base_q_idx), 8);
        bits.flag(false); // DeltaQYDc
        bits.flag(false); // DeltaQUDc
        bits.flag(false); // DeltaQUAc
        bits.flag(false); // using_qmatrix
        bits.flag(false); // segmentation_enabled
        if self.lossless() {
            return;
        }
        bits.flag(false); // delta_q_present
        bits.field(0, 6); // loop_filter_level[ 0 ]
        bits.field(0, 6); // loop_filter_level[ 1 ]
        bits.field(0, 3); // loop_filter_sharpness
        bits.flag(false); // loop_filter_delta_enabled
        bits.flag(false); // tx_mode_select: TX_MODE_LARGEST
    }
}

/// One tile (section 5.9.15). The largest size of a video is the largest of a tile.
fn tile_info(bits: &mut BitWriter, size: Size) {
    bits.flag(true); // uniform_tile_spacing_flag
    for length in [size.width, size.height] {
        if length > SUPERBLOCK {
            bits.flag(false); // increment_tile_cols_log2, increment_tile_rows_log2
        }
    }
}
