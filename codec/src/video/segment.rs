//! One worker's part: a recording's bytes in, the packets of segments out.

use super::blink::Blink;
use super::encode::{Encode, Start, StartEncoder};
use super::frame::{Frame, Packet};
use super::pacing::{self, Decision, Pacing};
use super::plan::{Plan, Segment};
use super::projection::{PictureChange, Projection};
use super::rav1e::EncodeError;
use super::segment_encoder::SegmentEncoder;
use super::staleness::Staleness;
use crate::canvas::{Decoders, Packing};
use crate::cost::Cost;
use crate::geometry::{CopyVector, Rect};
use crate::key_states::KeyState;
use crate::limits::Limits;
use crate::replay::{Faults, Moment, Replay, RestoreError};
use crate::screen::Screen;
use crate::source::ReadError;
use crate::terminal::Fonts;
use std::sync::Arc;

/// Most copy vectors of one coded frame.
const COPIES_MAX: usize = 256;
/// Most damage rectangles of one coded frame; more become the rectangle around them.
const DAMAGE_MAX: usize = 64;

/// Why a segment cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The recording cannot be read as far as the plan says.
    #[error("the recording cannot be read up to the end of the segment: {0}")]
    Recording(#[from] ReadError),
    /// The encoder failed.
    #[error(transparent)]
    Encoder(#[from] EncodeError),
}

/// Codes segments of one plan, each later than the one before, drawing the recording once.
pub struct SegmentCoder {
    plan: Plan,
    limits: Limits,
    replay: Replay,
    /// What the replay had cost at its last key state.
    drawn: Cost,
    screen: Screen,
    projection: Projection,
    /// The frame that the replay stands at.
    at_frame: Option<usize>,
    segment: Option<Segment>,
    /// Whether the picture that is on screen when the segment begins was brought to the video.
    is_shown: bool,
    open: Option<OpenSegment>,
    start_encoder: StartEncoder,
    mismatches: u64,
    /// Who decodes images while others are drawn.
    decoders: Option<Arc<Decoders>>,
}

/// A segment whose first frame was coded.
struct OpenSegment {
    encoder: Box<dyn Encode>,
    pacing: Pacing,
    blink: Blink,
    staleness: Staleness,
    damage: Vec<Rect>,
    copies: Vec<CopyVector>,
}

impl SegmentCoder {
    /// Starts at byte 0 of the recording.
    pub fn new(plan: Plan, limits: Limits) -> Self {
        Self::with_encoder(plan, limits, start_encoder())
    }

    /// Starts at byte 0 of the recording; each segment is coded by what `start_encoder` returns.
    pub fn with_encoder(plan: Plan, limits: Limits, start_encoder: StartEncoder) -> Self {
        let projection = Projection::new(plan.size(), plan.largest(), plan.settings.chroma);
        Self {
            plan,
            limits,
            replay: Replay::new(limits),
            drawn: Cost::default(),
            at_frame: None,
            screen: Screen::default(),
            projection,
            segment: None,
            is_shown: false,
            open: None,
            start_encoder,
            mismatches: 0,
            decoders: None,
        }
    }

    /// Leaves out what lies between two segments: goes on at a key state that stands at the first frame of the next one
    /// or before it. Then push the recording's bytes from its position on; the packets are those of a coder that drew
    /// all. After an error it stands at byte 0.
    pub fn resume(&mut self, key_state: &[u8]) -> Result<(), RestoreError> {
        // The canvas that is left is gone before the other one takes its memory.
        self.replay = Replay::new(self.limits);
        self.screen = Screen::default();
        self.drawn = Cost::default();
        self.at_frame = None;
        self.replay = Replay::restore(key_state, self.limits)?;
        if let Some(decoders) = &self.decoders {
            self.replay.decode_ahead(Arc::clone(decoders));
        }
        self.drawn = self.replay.cost();
        self.at_frame = self.replay.frames().checked_sub(1);
        Ok(())
    }

    /// The key state of the first frame of a segment that was begun and of which nothing behind that frame was pushed,
    /// for another coder of the same plan and limits. `None` where it would take longer to write than it took to draw
    /// what lies behind the last one, or be too large.
    pub fn key_state(&mut self) -> Option<KeyState> {
        let cost = self.replay.cost();
        if !self.is_shown
            || self.replay.is_terminal()
            || cost.since(self.drawn) < Cost::written(self.replay.canvas().pixels())
        {
            return None;
        }
        self.drawn = cost;
        self.replay.key_state(Packing::Quick, KeyState::BYTES_MAX)
    }

    /// Begins a segment that lies behind all that was coded; then push the bytes that are still missing up to
    /// its `end_byte`.
    pub fn begin(&mut self, segment: Segment) {
        self.segment = Some(segment);
        self.is_shown = false;
        if self.at_frame == Some(segment.first_sync) {
            self.show_first();
        }
    }

    /// The fonts of a terminal; to be said before the first byte.
    pub fn set_fonts(&mut self, fonts: Arc<Fonts>) {
        self.replay.set_fonts(fonts);
    }

    /// From here on, images of what is announced are decoded by other threads.
    pub fn decode_ahead(&mut self, decoders: Arc<Decoders>) {
        self.replay.decode_ahead(Arc::clone(&decoders));
        self.decoders = Some(decoders);
    }

    /// Tells that these bytes will be pushed, behind those that were announced before.
    pub fn announce(&mut self, bytes: &[u8]) {
        self.replay.announce(bytes);
    }

    /// Takes the next bytes; returns the packets that are complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Packet>, SegmentError> {
        self.replay.push(bytes);
        self.play()
    }

    /// Plays what was pushed as far as the segment goes.
    fn play(&mut self) -> Result<Vec<Packet>, SegmentError> {
        let mut packets = Vec::new();
        while let Some(segment) = self.segment {
            let Some(moment) = self.replay.step()? else { break };
            match moment {
                Moment::Frame { index, .. } if index < segment.first_sync => {}
                Moment::Frame { index, .. } if index == segment.first_sync => self.show_first(),
                Moment::Frame { index, .. } if index >= segment.end_sync => {
                    self.at_frame = Some(index);
                    packets.extend(self.close()?);
                }
                Moment::Frame { at_ms, .. } => packets.extend(self.show(segment, at_ms, true)?),
                Moment::Pointer { at_ms } => packets.extend(self.show(segment, at_ms, false)?),
            }
        }
        Ok(packets)
    }

    /// Ends the segment; call it when all bytes up to its `end_byte` were pushed. Returns its last packets.
    pub fn finish(&mut self) -> Result<Vec<Packet>, SegmentError> {
        // The last frame of a terminal is complete when it is known that nothing more belongs to it.
        self.replay.release();
        let mut packets = self.play()?;
        packets.extend(self.close()?);
        Ok(packets)
    }

    fn close(&mut self) -> Result<Vec<Packet>, SegmentError> {
        let Some(segment) = self.segment.take().filter(|_| self.is_shown) else { return Ok(Vec::new()) };
        let mut packets = Vec::new();
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.open(segment, &mut packets)?,
        };
        let due_ms = open.pacing.finish(segment.end_ms);
        if let Some(at_ms) = due_ms.filter(|due_ms| !self.is_in_next(segment, *due_ms)) {
            packets.extend(open.refine(at_ms)?);
            packets.extend(open.code(at_ms, &self.projection)?);
        }
        packets.extend(open.refine(segment.end_ms)?);
        self.mismatches += open.encoder.mismatches();
        packets.extend(open.encoder.finish()?);
        Ok(packets)
    }

    /// What could not be drawn up to here.
    pub fn faults(&self) -> &Faults {
        self.replay.faults()
    }

    /// How many packets of our encoder were decoded to something else than it meant, in the segments that were checked:
    /// those pictures were coded anew.
    pub fn mismatches(&self) -> u64 {
        self.mismatches
    }

    /// Brings the picture that is on screen when a segment begins to the video.
    fn show_first(&mut self) {
        self.screen.show_frame(self.replay.canvas());
        self.projection.project_all(&self.screen);
        self.is_shown = true;
    }

    /// Codes the first frame of a segment: the picture as it is when time goes on.
    fn open(&self, segment: Segment, packets: &mut Vec<Packet>) -> Result<OpenSegment, SegmentError> {
        let mut open = OpenSegment {
            encoder: (self.start_encoder)(&Start {
                size: self.plan.size(),
                settings: self.plan.settings,
                is_checked: self.plan.is_checked(&segment),
            })?,
            pacing: Pacing::new(self.plan.settings.rhythm),
            blink: Blink::default(),
            staleness: Staleness::new(self.projection.picture().clone()),
            damage: Vec::new(),
            copies: Vec::new(),
        };
        packets.extend(open.code(segment.start_ms, &self.projection)?);
        Ok(open)
    }

    /// Shows a new picture and codes it where the pacing says so.
    fn show(
        &mut self,
        segment: Segment,
        media_ms: i64,
        whole_frame: bool,
    ) -> Result<Vec<Packet>, SegmentError> {
        let at_ms = self.plan.cut.video_ms(media_ms);
        let mut packets = Vec::new();
        if !self.is_shown || self.plan.cut.is_past(media_ms) || self.is_in_next(segment, at_ms) {
            return Ok(packets);
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None if at_ms <= segment.start_ms => {
                self.bring(whole_frame);
                return Ok(packets);
            }
            None => self.open(segment, &mut packets)?,
        };
        if let Some(due_ms) = open.pacing.due(at_ms.min(segment.end_ms)) {
            packets.extend(open.refine(due_ms)?);
            packets.extend(open.code(due_ms, &self.projection)?);
        }
        packets.extend(open.refine(at_ms.min(segment.end_ms))?);
        let change = self.bring(whole_frame);
        if open.observe(at_ms, change, &self.projection) == Decision::Now {
            packets.extend(open.code(at_ms, &self.projection)?);
        }
        self.open = Some(open);
        Ok(packets)
    }

    /// Brings what changed on the screen to the video.
    fn bring(&mut self, whole_frame: bool) -> PictureChange {
        let canvas = self.replay.canvas();
        let change =
            if whole_frame { self.screen.show_frame(canvas) } else { self.screen.show_pointer(canvas) };
        self.projection.project(&self.screen, &change)
    }

    /// Whether the first frame of the next segment shows what happens at a time of the video.
    fn is_in_next(&self, segment: Segment, at_ms: i64) -> bool {
        at_ms >= segment.end_ms && self.plan.segments.last() != Some(&segment)
    }
}

fn start_encoder() -> StartEncoder {
    Box::new(|start| Ok(Box::new(SegmentEncoder::new(start))))
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

    /// Codes the frames that show the last one better before `end_ms`.
    fn refine(&mut self, end_ms: i64) -> Result<Vec<Packet>, EncodeError> {
        let mut packets = Vec::new();
        loop {
            let refined = self.encoder.refine(end_ms)?;
            if refined.is_empty() {
                return Ok(packets);
            }
            packets.extend(refined);
        }
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
mod tests;
