//! The encoder of a segment.

use super::frame_state::FrameState;
use super::headers::sequence_header;
use super::obu::{ObuType, push_obu};
use super::source::Source;
use super::tile::{Decide, Tile};

/// Codes one frame as a temporal unit.
pub(super) fn code_frame(state: &mut FrameState, source: Source<'_>, decide: &mut impl Decide) -> Vec<u8> {
    let mut packet = Vec::new();
    push_obu(&mut packet, ObuType::TemporalDelimiter, &[]);
    if state.header.key {
        push_obu(&mut packet, ObuType::SequenceHeader, &sequence_header(state.format));
    }
    let head = state.header.write(state.format);
    let frame = Tile::code(state, source, head, decide);
    push_obu(&mut packet, ObuType::Frame, &frame);
    state.finish_frame();
    packet
}
