//! A recording played without waiting: its instructions drawn in order, stopping wherever the screen was seen
//! to change.

use crate::canvas::{self, Ahead, Canvas, Decoders, DrawError, Packing};
use crate::cost::Cost;
use crate::key_states::{Head, HeadError, KeyPoint, KeyState};
use crate::limits::Limits;
use crate::source::guac::{Instruction, MediaTime, ParseError, Parser, ParserPlace};
use std::sync::Arc;

/// A point of a recording where the person at the screen saw something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A `sync`: what was drawn before it is shown.
    Frame {
        /// When, in milliseconds of media time.
        at_ms: i64,
        /// How many frames were before.
        index: usize,
    },
    /// The pointer moved over the picture of the frame before; what was drawn since is not shown yet.
    Pointer {
        /// When, in milliseconds of media time.
        at_ms: i64,
    },
}

/// What could not be drawn. The recording goes on behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// How many instructions were refused.
    pub count: u64,
    /// The first of them.
    pub first: Option<Fault>,
}

/// An instruction that could not be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Media time before it, in milliseconds.
    pub at_ms: i64,
    /// The byte of the recording behind it.
    pub end_byte: u64,
    /// Why.
    pub error: DrawError,
}

/// Why a replay cannot start at a key state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Its head cannot be read.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// Its canvas cannot be drawn.
    #[error(transparent)]
    Canvas(#[from] canvas::RestoreError),
}

/// Draws a recording as its bytes come.
///
/// What reading and drawing cost up to a media time is bounded by [`Limits::cost_max`]. A recording that costs more
/// ends there with [`ParseError::TimeBudget`], on every machine at the same instruction.
pub struct Replay {
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

impl Replay {
    /// Starts at byte 0 with an empty canvas.
    pub fn new(limits: Limits) -> Self {
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
    pub fn restore(key_state: &[u8], limits: Limits) -> Result<Self, RestoreError> {
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
    pub fn key_state(&self, packing: Packing, limit_bytes: usize) -> Option<KeyState> {
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

    /// The byte of the recording behind the last instruction that was drawn.
    pub fn position(&self) -> u64 {
        self.parser.position()
    }

    /// Frames up to here.
    pub(crate) fn frames(&self) -> usize {
        self.frames
    }

    /// The media time up to here.
    pub(crate) fn time(&self) -> MediaTime {
        self.time
    }

    /// Where the parser stands.
    pub(crate) fn place(&self) -> ParserPlace {
        self.parser.place()
    }

    /// Whether more than half of what it may cost up to here is spent.
    pub(crate) fn is_dear(&self) -> bool {
        self.cost() + self.cost() > self.limits.cost_max(self.time.now_ms())
    }

    /// From here on, images of what is announced are decoded by other threads. Nothing else changes.
    pub fn decode_ahead(&mut self, decoders: Arc<Decoders>) {
        self.ahead = Some(Ahead::new(decoders, self.limits, self.parser.place()));
    }

    /// Tells that these bytes will be pushed, behind those that were announced before.
    pub fn announce(&mut self, bytes: &[u8]) {
        if let Some(ahead) = &mut self.ahead {
            ahead.announce(bytes);
        }
    }

    /// Adds the next bytes of the recording; then call [`Replay::step`] until it gives `None`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.parser.push(bytes);
    }

    /// Draws up to the next moment, or as far as the bytes reach.
    pub fn step(&mut self) -> Result<Option<Moment>, ParseError> {
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
    pub fn finish(&self) -> Result<(), ParseError> {
        self.ended.map_or_else(|| self.parser.finish(), Err)
    }

    /// What it has cost up to here to read and draw the recording.
    pub fn cost(&self) -> Cost {
        self.read + self.canvas.cost()
    }

    /// The canvas as drawn up to here.
    pub fn canvas(&mut self) -> &mut Canvas {
        &mut self.canvas
    }

    /// Bytes of damage that were skipped up to here.
    pub fn skipped_bytes(&self) -> u64 {
        self.parser.skipped_bytes()
    }

    /// What could not be drawn up to here.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it costs to fill a screen of 4096x4096 with a translucent colour, and to show it.
    const FILL: &str = "4.rect,1.0,1.0,1.0,4.4096,4.4096;5.cfill,2.14,1.0,1.9,1.9,1.9,3.128;";

    /// Frames until the end, and the end.
    fn play(recording: &str, piece_bytes: usize) -> (usize, Option<ParseError>, Cost) {
        let mut replay = Replay::new(Limits::default());
        let mut frames = 0;
        for piece in recording.as_bytes().chunks(piece_bytes) {
            replay.push(piece);
            loop {
                match replay.step() {
                    Ok(Some(_)) => frames += 1,
                    Ok(None) => break,
                    Err(error) => return (frames, Some(error), replay.cost()),
                }
            }
        }
        (frames, None, replay.cost())
    }

    fn recording(frame_ms: i64) -> String {
        let size = "4.size,1.0,4.4096,4.4096;".to_owned();
        (0..100_i64).fold(size, |recording, frame| {
            let timestamp = (10_000 + frame * frame_ms).to_string();
            format!("{recording}{FILL}4.sync,{}.{timestamp};", timestamp.len())
        })
    }

    #[test]
    fn a_recording_that_costs_more_than_its_duration_allows_ends_before_that_instruction() {
        let (frames, end, cost) = play(&recording(0), 1 << 20);
        let Some(ParseError::TimeBudget { position, limit_ms: 2_000 }) = end else {
            unreachable!("it takes more than two seconds: {end:?}")
        };
        assert!(frames > 2 && cost > Cost::of_ms(2_000));
        // It is the same wherever the bytes are cut, and what was readable before it is whole.
        assert_eq!(play(&recording(0), 7), (frames, end, cost));
        let mut readable = recording(0);
        readable.truncate(usize::try_from(position).unwrap());
        let again = play(&readable, 1 << 20);
        assert_eq!((again.0, again.1), (frames, None));
    }

    #[test]
    fn the_same_pictures_may_come_over_a_longer_time() {
        let (frames, end, cost) = play(&recording(500), 1 << 20);
        assert_eq!((frames, end), (100, None));
        assert!(cost > Cost::of_ms(2_000));
    }
}
