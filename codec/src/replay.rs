//! A recording played without waiting: its instructions drawn in order, stopping wherever the screen was seen
//! to change.

use crate::canvas::{Canvas, DrawError};
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

/// Draws a recording as its bytes come.
pub struct Replay {
    parser: Parser,
    time: MediaTime,
    canvas: Canvas,
    frames: usize,
    faults: Faults,
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
        }
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

    /// Bytes of damage that were skipped up to here.
    pub fn skipped_bytes(&self) -> u64 {
        self.parser.skipped_bytes()
    }

    /// What could not be drawn up to here.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}
