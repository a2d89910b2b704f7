//! A recording of guacd, drawn as its bytes come.

use super::{Fault, Faults, Moment, RestoreError};
use crate::canvas::{Ahead, Canvas, Decoders, Packing};
use crate::cost::Cost;
use crate::key_states::{Head, KeyPoint, KeyState};
use crate::limits::Limits;
use crate::source::guac::{Instruction, MediaTime, ParseError, Parser, ParserPlace};
use std::sync::Arc;

/// What reading and drawing cost up to a media time is bounded by [`Limits::cost_max`]. A recording that costs more
/// ends there with [`ParseError::TimeBudget`], on every machine at the same instruction.
pub(super) struct GuacReplay {
    limits: Limits,
    parser: Parser,
    time: MediaTime,
    canvas: Canvas,
    frames: usize,
    faults: Faults,
    /// What was read, without what was drawn.
    read: Cost,
    /// The byte behind the last instruction.
    end_byte: u64,
    ended: Option<ParseError>,
    /// Decodes images before they are drawn.
    ahead: Option<Ahead>,
}

impl GuacReplay {
    /// Starts at byte 0 with an empty canvas.
    pub(super) fn new(limits: Limits) -> Self {
        let mut canvas = Canvas::new(limits);
        canvas.set_cost_max(limits.cost_max(0));
        Self {
            limits,
            parser: Parser::new(limits),
            time: MediaTime::new(limits.gap_ms),
            canvas,
            frames: 0,
            faults: Faults::default(),
            read: Cost::default(),
            end_byte: 0,
            ended: None,
            ahead: None,
        }
    }

    /// Starts where a key state was made; then push the recording's bytes from [`Self::position`] on. The limits are
    /// those under which it was made.
    pub(super) fn restore(key_state: &[u8], limits: Limits) -> Result<Self, RestoreError> {
        let (head, canvas) = Head::read(key_state)?;
        let Head { time, place, frames, cost, faults } = head;
        let mut canvas = Canvas::restore(canvas, limits)?;
        canvas.set_cost_max(limits.cost_max(time.latest_ms).since(cost));
        Ok(Self {
            limits,
            parser: Parser::at(limits, place),
            time: MediaTime::resume(limits.gap_ms, time),
            canvas,
            frames,
            faults,
            read: cost,
            end_byte: place.position,
            ended: None,
            ahead: None,
        })
    }

    /// This replay in bytes, as it stands behind a frame; `None` when they would be more than `limit_bytes`.
    pub(super) fn key_state(&self, packing: Packing, limit_bytes: usize) -> Option<KeyState> {
        let Self {
            limits: _,
            parser,
            time,
            canvas,
            frames,
            faults,
            read: _,
            end_byte: _,
            ended: _,
            ahead: _,
        } = self;
        let head = Head {
            time: time.state(),
            place: parser.place(),
            frames: *frames,
            cost: self.cost(),
            faults: faults.clone(),
        };
        let point = KeyPoint { at_ms: time.now_ms(), frames: *frames, position: head.place.position };
        let mut bytes = head.to_bytes();
        bytes.extend(canvas.key_state(packing, limit_bytes.checked_sub(bytes.len())?)?);
        Some(KeyState { point, bytes })
    }

    /// Whether it stands at byte 0 and nothing was pushed.
    pub(super) fn is_new(&self) -> bool {
        self.parser.is_new()
    }

    /// The byte of the recording behind the last instruction that was drawn.
    pub(super) fn position(&self) -> u64 {
        self.parser.position()
    }

    /// Frames up to here.
    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    /// The media time up to here.
    pub(super) fn time(&self) -> MediaTime {
        self.time
    }

    /// Where the parser stands.
    pub(super) fn place(&self) -> ParserPlace {
        self.parser.place()
    }

    /// Whether more than half of what it may cost up to here is spent.
    pub(super) fn is_dear(&self) -> bool {
        self.cost() + self.cost() > self.limits.cost_max(self.time.now_ms())
    }

    /// From here on, images of what is announced are decoded by other threads. Nothing else changes.
    pub(super) fn decode_ahead(&mut self, decoders: Arc<Decoders>) {
        self.ahead = Some(Ahead::new(decoders, self.limits, self.parser.place()));
    }

    /// Tells that these bytes will be pushed, behind those that were announced before.
    pub(super) fn announce(&mut self, bytes: &[u8]) {
        if let Some(ahead) = &mut self.ahead {
            ahead.announce(bytes);
        }
    }

    /// Adds the next bytes of the recording; then call [`Self::step`] until it gives `None`.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.parser.push(bytes);
    }

    /// Draws up to the next moment, or as far as the bytes reach.
    pub(super) fn step(&mut self) -> Result<Option<Moment>, ParseError> {
        if let Some(error) = self.ended {
            return Err(error);
        }
        while let Some((instruction, end_byte)) = self.parser.read_with_end()? {
            let position = std::mem::replace(&mut self.end_byte, end_byte);
            self.read.read(end_byte - position);
            if let Some(ahead) = &mut self.ahead
                && matches!(instruction, Instruction::End { .. })
            {
                self.canvas.offer(ahead.take(end_byte));
            }
            if let Err(error) = self.canvas.apply(&instruction) {
                let at_ms = self.time.now_ms();
                self.faults.count += 1;
                self.faults.first.get_or_insert(Fault { at_ms, end_byte, error });
            }
            let cost_max = self.limits.cost_max(self.time.now_ms());
            if self.read + self.canvas.cost() > cost_max {
                let error = ParseError::TimeBudget { position, limit_ms: cost_max.ms() };
                self.ended = Some(error);
                return Err(error);
            }
            self.canvas.set_cost_max(cost_max.since(self.read));
            let at_ms = self.time.follow(&instruction);
            if matches!(instruction, Instruction::Sync { .. }) {
                self.frames += 1;
                return Ok(Some(Moment::Frame { at_ms, index: self.frames - 1 }));
            }
            if matches!(instruction, Instruction::Mouse { .. }) {
                return Ok(Some(Moment::Pointer { at_ms }));
            }
        }
        Ok(None)
    }

    /// The recording ends here: an error if that cuts an instruction.
    pub(super) fn finish(&self) -> Result<(), ParseError> {
        self.ended.map_or_else(|| self.parser.finish(), Err)
    }

    /// What it has cost up to here to read and draw the recording.
    pub(super) fn cost(&self) -> Cost {
        self.read + self.canvas.cost()
    }

    /// The canvas as drawn up to here.
    pub(super) fn canvas(&mut self) -> &mut Canvas {
        &mut self.canvas
    }

    /// Bytes of damage that were skipped up to here.
    pub(super) fn skipped_bytes(&self) -> u64 {
        self.parser.skipped_bytes()
    }

    /// What could not be drawn up to here.
    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }
}
