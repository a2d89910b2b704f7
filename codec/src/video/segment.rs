//! One worker's part: a recording's bytes in, the packets of segments out.

use super::blink::Blink;
use super::frame::{Frame, Packet};
use super::pacing::{self, Decision, Pacing};
use super::plan::{Plan, Segment};
use super::projection::{PictureChange, Projection};
use super::rav1e::{EncodeError, Encoder};
use super::staleness::Staleness;
use crate::geometry::{CopyVector, Rect};
use crate::limits::Limits;
use crate::replay::{Faults, Moment, Replay, RestoreError};
use crate::screen::Screen;
use crate::source::guac::ParseError;

/// Most copy vectors of one coded frame.
const COPIES_MAX: usize = 256;
/// Most damage rectangles of one coded frame; more become the rectangle around them.
const DAMAGE_MAX: usize = 64;

/// Why a segment cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The recording cannot be read as far as the plan says.
    #[error("the recording cannot be read up to the end of the segment: {0}")]
    Recording(#[from] ParseError),
    /// The encoder failed.
    #[error(transparent)]
    Encoder(#[from] EncodeError),
}

/// Codes segments of one plan, each later than the one before, drawing the recording once.
pub struct SegmentCoder {
    plan: Plan,
    replay: Replay,
    screen: Screen,
    projection: Projection,
    /// The frame that the replay stands at.
    at_frame: Option<usize>,
    segment: Option<Segment>,
    open: Option<OpenSegment>,
}

/// A segment whose first frame was coded.
struct OpenSegment {
    encoder: Encoder,
    pacing: Pacing,
    blink: Blink,
    staleness: Staleness,
    damage: Vec<Rect>,
    copies: Vec<CopyVector>,
}

impl SegmentCoder {
    /// Starts at byte 0 of the recording.
    pub fn new(plan: Plan, limits: Limits) -> Self {
        Self::from_replay(plan, Replay::new(limits))
    }

    /// Starts at a key state that stands at the first frame of a segment or before it; push the recording's bytes
    /// from its position on. The packets are those of a start at byte 0.
    pub fn resume(plan: Plan, key_state: &[u8], limits: Limits) -> Result<Self, RestoreError> {
        Ok(Self::from_replay(plan, Replay::restore(key_state, limits)?))
    }

    fn from_replay(plan: Plan, replay: Replay) -> Self {
        Self {
            projection: Projection::new(plan.size(), plan.largest()),
            at_frame: replay.frames().checked_sub(1),
            plan,
            replay,
            screen: Screen::default(),
            segment: None,
            open: None,
        }
    }

    /// Begins a segment that lies behind all that was coded; then push the bytes that are still missing up to
    /// its `end_byte`.
    pub fn begin(&mut self, segment: Segment) -> Result<Vec<Packet>, SegmentError> {
        self.segment = Some(segment);
        if self.at_frame == Some(segment.first_sync) {
            return self.open(segment);
        }
        Ok(Vec::new())
    }

    /// Takes the next bytes; returns the packets that are complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Packet>, SegmentError> {
        self.replay.push(bytes);
        let mut packets = Vec::new();
        while let Some(segment) = self.segment {
            let Some(moment) = self.replay.step()? else { break };
            match moment {
                Moment::Frame { index, .. } if index < segment.first_sync => {}
                Moment::Frame { index, .. } if index == segment.first_sync => {
                    packets.extend(self.open(segment)?);
                }
                Moment::Frame { index, .. } if index >= segment.end_sync => {
                    self.at_frame = Some(index);
                    packets.extend(self.finish()?);
                }
                Moment::Frame { at_ms, .. } => packets.extend(self.show(at_ms, segment.end_ms, true)?),
                Moment::Pointer { at_ms } => packets.extend(self.show(at_ms, segment.end_ms, false)?),
            }
        }
        Ok(packets)
    }

    /// Ends the segment; call it when all bytes up to its `end_byte` were pushed. Returns its last packets.
    pub fn finish(&mut self) -> Result<Vec<Packet>, SegmentError> {
        let (Some(segment), Some(mut open)) = (self.segment.take(), self.open.take()) else {
            return Ok(Vec::new());
        };
        let mut packets = Vec::new();
        if let Some(at_ms) = open.pacing.finish(segment.end_ms) {
            packets.extend(open.code(at_ms, &self.projection)?);
        }
        packets.extend(open.encoder.finish()?);
        Ok(packets)
    }

    /// What could not be drawn up to here.
    pub fn faults(&self) -> &Faults {
        self.replay.faults()
    }

    /// Codes the first frame of a segment: the picture as the replay has it.
    fn open(&mut self, segment: Segment) -> Result<Vec<Packet>, SegmentError> {
        self.screen.show_frame(self.replay.canvas());
        self.projection.project_all(&self.screen);
        let mut open = OpenSegment {
            encoder: Encoder::new(self.plan.size(), &self.plan.settings)?,
            pacing: Pacing::default(),
            blink: Blink::default(),
            staleness: Staleness::new(self.projection.picture().clone()),
            damage: Vec::new(),
            copies: Vec::new(),
        };
        let packets = open.code(segment.start_ms, &self.projection)?;
        self.open = Some(open);
        Ok(packets)
    }

    /// Shows a new picture and codes it where the pacing says so.
    fn show(&mut self, at_ms: i64, end_ms: i64, whole_frame: bool) -> Result<Vec<Packet>, SegmentError> {
        let Some(open) = &mut self.open else { return Ok(Vec::new()) };
        let mut packets = Vec::new();
        if let Some(due_ms) = open.pacing.due(at_ms.min(end_ms)) {
            packets = open.code(due_ms, &self.projection)?;
        }
        let canvas = self.replay.canvas();
        let change =
            if whole_frame { self.screen.show_frame(canvas) } else { self.screen.show_pointer(canvas) };
        let change = self.projection.project(&self.screen, &change);
        if open.observe(at_ms, change, &self.projection) == Decision::Now {
            packets.extend(open.code(at_ms, &self.projection)?);
        }
        Ok(packets)
    }
}

impl OpenSegment {
    /// Measures a change and asks the pacing about it.
    fn observe(&mut self, at_ms: i64, change: PictureChange, projection: &Projection) -> Decision {
        let picture = projection.picture();
        let around = change.damage.iter().fold(Rect::default(), |around, area| around.union(area));
        for area in &change.damage {
            self.staleness.update(picture, *area);
        }
        self.damage.extend(change.damage);
        if self.damage.len() > DAMAGE_MAX {
            let around = self.damage.iter().fold(Rect::default(), |around, area| around.union(area));
            self.damage = vec![around];
        }
        self.copies.extend(change.copies);
        self.copies.truncate(COPIES_MAX);
        if !self.staleness.is_stale() {
            self.pacing.settled();
            self.damage.clear();
            self.copies.clear();
            return Decision::Wait;
        }
        if around.is_empty() {
            return Decision::Wait;
        }
        self.pacing.change(&pacing::Change {
            at_ms,
            luma_error: self.staleness.luma_error(),
            stale_pixels: self.staleness.stale_pixels(),
            pixels: picture.size.area(),
            blinks: self.blink.observe(around, picture, self.staleness.coded()),
        })
    }

    fn code(&mut self, at_ms: i64, projection: &Projection) -> Result<Vec<Packet>, EncodeError> {
        let picture = projection.picture();
        let frame = Frame { at_ms, picture, damage: &self.damage, copies: &self.copies };
        let packets = self.encoder.encode(&frame)?;
        self.damage.clear();
        self.copies.clear();
        self.staleness.accept(picture);
        self.pacing.coded(at_ms);
        Ok(packets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::TimelineFold;
    use crate::video::VideoSettings;

    /// A screen on which one cell after the other changes its colour, too much for one segment.
    fn recording() -> Vec<u8> {
        let mut recording = b"4.size,1.0,3.160,3.120;".to_vec();
        for frame in 0..400_u64 {
            let (x, y) = (frame * 37 % 130 + 10, frame * 23 % 90 + 10);
            let instructions = format!(
                "4.rect,1.0,{}.{x},2.{y},2.30,2.30;5.cfill,2.14,1.0,3.{},3.200,3.{},3.255;4.sync,5.{};",
                x.to_string().len(),
                100 + frame % 100,
                250 - frame % 100,
                10_000 + frame * 50
            );
            recording.extend(instructions.into_bytes());
        }
        recording
    }

    fn coded(mut coder: SegmentCoder, segment: Segment, bytes: &[u8]) -> Vec<Packet> {
        let mut packets = coder.begin(segment).unwrap();
        packets.extend(coder.push(bytes).unwrap());
        packets.extend(coder.finish().unwrap());
        packets
    }

    #[test]
    fn a_segment_from_a_key_state_has_the_packets_of_one_from_the_beginning() {
        let recording = recording();
        let limits = Limits::default();
        let mut fold = TimelineFold::new(limits);
        fold.push(&recording);
        let mut plan = Plan::new(&fold.finish(), VideoSettings::default()).unwrap();
        let whole = plan.segments[0];
        let segment = Segment { first_sync: 200, end_sync: 230, start_ms: 10_000, end_ms: 11_500, ..whole };
        plan.segments = vec![segment];
        let expected = coded(SegmentCoder::new(plan.clone(), limits), segment, &recording);
        assert!(expected.len() > 5, "{}", expected.len());
        let mut replay = Replay::new(limits);
        replay.push(&recording);
        while replay.step().unwrap().is_some() {
            if ![150, 200, 201].contains(&replay.frames()) {
                continue;
            }
            let key_state = replay.key_state(usize::MAX).unwrap();
            let coder = SegmentCoder::resume(plan.clone(), &key_state.bytes, limits).unwrap();
            let position = usize::try_from(key_state.point.position).unwrap();
            assert!(coded(coder, segment, &recording[position..]) == expected, "{} frames", replay.frames());
        }
    }
}
