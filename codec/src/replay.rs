//! A recording played without waiting: its instructions drawn in order, stopping wherever the screen was seen
//! to change.

use crate::canvas::{self, Canvas, DrawError};
use crate::key_states::{self, Head, HeadError, KeyPoint, KeyState};
use crate::limits::Limits;
use crate::source::guac::{Instruction, MediaTime, ParseError, Parser};

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
#[derive(Debug, Default)]
pub struct Faults {
    /// How many instructions were refused.
    pub count: u64,
    /// The first of them, with the byte of the recording behind it.
    pub first: Option<(u64, DrawError)>,
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
pub struct Replay {
    parser: Parser,
    time: MediaTime,
    canvas: Canvas,
    frames: usize,
    faults: Faults,
    /// The byte of the recording that it started at.
    start: u64,
}

impl Replay {
    /// Starts at byte 0 with an empty canvas.
    pub fn new(limits: Limits) -> Self {
        Self {
            parser: Parser::new(limits),
            time: MediaTime::new(limits.gap_ms),
            canvas: Canvas::new(limits),
            frames: 0,
            faults: Faults::default(),
            start: 0,
        }
    }

    /// Starts where a key state was made; then push the recording's bytes from [`Self::position`] on. The limits are
    /// those under which it was made.
    pub fn restore(key_state: &[u8], limits: Limits) -> Result<Self, RestoreError> {
        let (head, canvas) = Head::read(key_state)?;
        let frames = usize::try_from(head.frames).map_err(|_| HeadError::Damaged)?;
        Ok(Self {
            parser: Parser::at(limits, head.position),
            time: MediaTime::resume(limits.gap_ms, head.time),
            canvas: Canvas::restore(canvas, limits)?,
            frames,
            faults: Faults {
                count: head.faults,
                first: head.first_fault.map(|(end_byte, reason)| (end_byte, DrawError::Earlier { reason })),
            },
            start: head.position,
        })
    }

    /// This replay in bytes, behind the last instruction that was drawn; `None` when they would be more than
    /// `limit_bytes`.
    pub fn key_state(&self, limit_bytes: usize) -> Option<KeyState> {
        let Self { parser, time, canvas, frames, faults: Faults { count, first }, start: _ } = self;
        let head = Head {
            time: time.state(),
            position: parser.position(),
            frames: wide(*frames),
            faults: *count,
            first_fault: first.as_ref().map(|(end_byte, error)| (*end_byte, error.to_string())),
        };
        let point = KeyPoint { at_ms: time.now_ms(), frames: head.frames, position: head.position };
        let mut bytes = head.to_bytes();
        bytes.extend(canvas.key_state(limit_bytes.checked_sub(bytes.len())?)?);
        Some(KeyState { point, bytes })
    }

    /// The byte of the recording behind the last instruction that was drawn.
    pub fn position(&self) -> u64 {
        self.parser.position()
    }

    /// What all up to here has cost, in counted nanoseconds, since this replay started.
    pub fn cost_ns(&self) -> u64 {
        key_states::cost_ns(self.position() - self.start, &self.canvas.work())
    }

    /// Frames up to here.
    pub(crate) fn frames(&self) -> usize {
        self.frames
    }

    /// The media time up to here.
    pub(crate) fn time(&self) -> MediaTime {
        self.time
    }

    /// Pixels of all layers and buffers.
    pub(crate) fn pixels(&self) -> u64 {
        wide(self.canvas.pixels())
    }

    /// Adds the next bytes of the recording; then call [`Replay::step`] until it gives `None`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.parser.push(bytes);
    }

    /// Draws up to the next moment, or as far as the bytes reach.
    pub fn step(&mut self) -> Result<Option<Moment>, ParseError> {
        while let Some((instruction, end_byte)) = self.parser.read_with_end()? {
            if let Err(error) = self.canvas.apply(&instruction) {
                self.faults.count += 1;
                self.faults.first.get_or_insert((end_byte, error));
            }
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

    /// The canvas as drawn up to here.
    pub fn canvas(&mut self) -> &mut Canvas {
        &mut self.canvas
    }

    /// What could not be drawn up to here.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).expect("a count fits 64 bits")
}
