//! The encoder of a segment.

use super::analysis::Pictures;
use super::damage::DamageMap;
use super::decide::FrameDecisions;
use super::format::{Chroma, Format, ScreenSettings};
use super::frame_state::FrameState;
use super::headers::sequence_header;
use super::obu::{ObuType, push_obu};
use super::source::Source;
use super::tile::{Decide, Tile};
use crate::geometry::{Rect, Size};
use crate::video::encode::Encode;
use crate::video::frame::{Frame, Packet};
use crate::video::rav1e::EncodeError;
use crate::video::yuv::Yuv;

/// Encodes one segment: its first frame becomes a key frame, no other does.
#[derive(Debug)]
pub struct ScreenEncoder {
    state: FrameState,
    /// The picture that was coded last.
    before: Yuv,
}

impl ScreenEncoder {
    /// An encoder for pictures of `size`.
    pub fn new(size: Size, settings: ScreenSettings) -> Self {
        let format = Format { size, chroma: Chroma::Yuv420 };
        Self { state: FrameState::new(format, settings.base_q_idx), before: Yuv::black(size) }
    }

    /// Codes one frame, in time that follows its damage, unless it is a key frame.
    fn code(&mut self, frame: &Frame<'_>) -> Packet {
        let key = self.state.header.key;
        let whole = [Rect::of_size(self.before.size)];
        let damage = if key { &whole } else { frame.damage };
        let mut map = DamageMap::new(self.state.map.size());
        damage.iter().for_each(|area| map.add(*area));
        let source = Source::of_yuv(frame.picture);
        let before = (!key).then(|| Source::of_yuv(&self.before));
        let pictures = Pictures { source, before, copies: frame.copies };
        let data = code_frame(&mut self.state, source, &mut FrameDecisions::new(pictures, &map));
        for area in damage {
            self.before.copy_area(frame.picture, *area);
        }
        Packet { at_ms: frame.at_ms, key, data }
    }
}

impl Encode for ScreenEncoder {
    fn encode(&mut self, frame: &Frame<'_>) -> Result<Vec<Packet>, EncodeError> {
        Ok(vec![self.code(frame)])
    }

    fn finish(self: Box<Self>) -> Result<Vec<Packet>, EncodeError> {
        Ok(Vec::new())
    }
}

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
