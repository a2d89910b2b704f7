//! The encoder of a segment.

use super::analysis::Pictures;
use super::damage::DamageMap;
use super::decide::FrameDecisions;
use super::format::Format;
use super::frame_state::FrameState;
use super::headers::sequence_header;
use super::movement;
use super::obu::{ObuType, push_obu};
use super::refinement::{CodedFrame, Refine, Refinement};
use super::source::{KeptPicture, Source};
use super::tile::{Decide, Tile};
use crate::geometry::{CopyVector, Rect, Size};
use crate::video::encode::Encode;
use crate::video::frame::{Frame, Packet};
use crate::video::rav1e::EncodeError;
use crate::video::yuv::Yuv;

/// A picture to be coded, and what is known of how it differs from the one before it.
#[derive(Debug, Clone, Copy)]
pub struct ScreenFrame<'a> {
    /// The whole picture.
    pub source: Source<'a>,
    /// Every sample that differs from the picture before lies in one of these. The first picture is coded whole.
    pub damage: &'a [Rect],
    /// Areas that probably only moved.
    pub copies: &'a [CopyVector],
}

/// Encodes one segment: its first frame becomes a key frame, no other does.
#[derive(Debug)]
pub struct ScreenEncoder {
    pub(super) state: FrameState,
    /// The picture that was coded last.
    before: KeptPicture,
    natural_pixels: usize,
    /// Of what is rough, if that is coded again.
    refinement: Option<Refinement>,
    /// The quantizer index with which it is.
    still_q_idx: u8,
}

impl ScreenEncoder {
    /// An encoder for pictures of `format`, each side of which has at least one sample and at most what
    /// [`Plan::SIZE_MAX`](crate::video::Plan::SIZE_MAX) says. `base_q_idx` is the quantizer index of residuals
    /// (AV1 specification, section 7.12.2); 0 is lossless. What stays is coded again with `still_q_idx`, if that is finer.
    pub fn new(format: Format, base_q_idx: u8, still_q_idx: u8) -> Self {
        Self {
            state: FrameState::new(format, base_q_idx),
            before: KeptPicture::new(format),
            natural_pixels: 0,
            refinement: (still_q_idx < base_q_idx).then(|| Refinement::new(format.cells())),
            still_q_idx,
        }
    }

    /// Codes one frame as a temporal unit, in time that follows its damage unless it is the first.
    pub fn code(&mut self, frame: &ScreenFrame<'_>) -> Vec<u8> {
        let key = self.state.header.key;
        let whole = [Rect::of_size(self.state.format.size)];
        let damage = if key { &whole } else { frame.damage };
        let mut map = DamageMap::new(self.state.map.size());
        damage.iter().for_each(|area| map.add(*area));
        let before = (!key).then(|| self.before.as_source());
        let told = Pictures { source: frame.source, before, copies: frame.copies };
        let copies = [frame.copies, &movement::find(&told, &map)].concat();
        let pictures = Pictures { copies: &copies, ..told };
        let mut decisions = FrameDecisions::new(pictures, &map);
        let packet = code_frame(&mut self.state, frame.source, &mut decisions);
        self.natural_pixels = decisions.natural_pixels();
        for area in damage {
            self.before.copy_area(&frame.source, *area);
        }
        packet
    }

    /// Codes again, finer, what is rough and has stayed; `None` if nothing is due before `end_ms`.
    fn refine(&mut self, end_ms: i64) -> Option<Packet> {
        let refinement = self.refinement.as_mut()?;
        let at_ms = refinement.due_ms().filter(|due_ms| *due_ms < end_ms)?;
        let cells = refinement.take(at_ms);
        let source = self.before.as_source();
        let base_q_idx = self.state.header.base_q_idx;
        self.state.set_base_q_idx(self.still_q_idx);
        let data = code_frame(&mut self.state, source, &mut Refine { source, cells: &cells });
        self.state.set_base_q_idx(base_q_idx);
        refinement.count(data.len());
        Some(Packet { at_ms, key: false, data })
    }

    /// The sequence header unit of pictures of `format`.
    pub fn sequence_header(format: Format) -> Vec<u8> {
        let mut unit = Vec::new();
        push_obu(&mut unit, ObuType::SequenceHeader, &sequence_header(format));
        unit
    }

    /// The planes of the frame that was coded last, as decoders must show them: size, and rows.
    pub fn shown(&self) -> [(Size, impl Iterator<Item = &[u8]>); 3] {
        self.state
            .reference
            .planes
            .each_ref()
            .map(|plane| (plane.size, (0..plane.size.height).map(|y| plane.row(y, 0, plane.size.width))))
    }

    /// Pixels of the frame that was coded last that were new and belong to cells of more colours than a palette has.
    pub fn natural_pixels(&self) -> usize {
        self.natural_pixels
    }

    /// How many cells of a picture have more colours than a palette holds and are neither what the picture before shows there
    /// nor what is told to have moved, and how many were looked at: one in `step` columns and rows of them.
    pub fn natural_cells(frame: &Frame<'_>, before: Option<&Yuv>, step: usize) -> (usize, usize) {
        let source = Source::of_yuv(frame.picture);
        let pictures = Pictures { source, before: before.map(Source::of_yuv), copies: frame.copies };
        let cells = source.format.cells();
        let rows = (0..cells.height).step_by(step);
        let seen = rows.flat_map(|row| (0..cells.width).step_by(step).map(move |column| (row, column)));
        let natural = seen.clone().filter(|(row, column)| pictures.cell(*row, *column).is_natural());
        (natural.count(), seen.count())
    }
}

impl Encode for ScreenEncoder {
    fn encode(&mut self, frame: &Frame<'_>) -> Result<Vec<Packet>, EncodeError> {
        let key = self.state.header.key;
        let source = Source::of_yuv(frame.picture);
        let data = self.code(&ScreenFrame { source, damage: frame.damage, copies: frame.copies });
        if let Some(refinement) = &mut self.refinement {
            refinement.follow(&CodedFrame {
                at_ms: frame.at_ms,
                bytes: data.len(),
                touched: &self.state.touched,
                source,
                shown: &self.state.reference,
            });
        }
        Ok(vec![Packet { at_ms: frame.at_ms, key, data }])
    }

    fn refine(&mut self, end_ms: i64) -> Result<Vec<Packet>, EncodeError> {
        Ok(self.refine(end_ms).into_iter().collect())
    }

    fn finish(self: Box<Self>) -> Result<Vec<Packet>, EncodeError> {
        Ok(Vec::new())
    }
}

/// Codes one frame as a temporal unit.
pub(super) fn code_frame(state: &mut FrameState, source: Source<'_>, decide: &mut impl Decide) -> Vec<u8> {
    let mut packet = Vec::new();
    state.touched.clear();
    push_obu(&mut packet, ObuType::TemporalDelimiter, &[]);
    if state.header.key {
        packet.extend(ScreenEncoder::sequence_header(state.format));
    }
    let head = state.header.write(state.format);
    let frame = Tile::code(state, source, head, decide);
    push_obu(&mut packet, ObuType::Frame, &frame);
    state.finish_frame();
    packet
}
