//! A recording played without waiting: its instructions drawn in order, stopping wherever the screen was seen
//! to change.

mod guac;
mod terminal;

use crate::canvas::{self, Canvas, Decoders, DrawError, Packing};
use crate::cost::Cost;
use crate::key_states::{HeadError, KeyState};
use crate::limits::Limits;
use crate::source::ReadError;
use crate::source::guac::{MediaTime, ParserPlace};
use crate::source::terminal::TerminalFormat;
use crate::terminal::Fonts;
use guac::GuacReplay;
use std::sync::Arc;
use terminal::TerminalReplay;

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

/// Draws a recording as its bytes come; the first of them tells its format.
///
/// What reading and drawing cost up to a media time is bounded by [`Limits::cost_max`]. A recording that costs more
/// ends there, on every machine at the same instruction or event.
pub struct Replay {
    limits: Limits,
    fonts: Arc<Fonts>,
    stage: Stage,
}

enum Stage {
    /// Of guacd, as long as nothing else is known.
    Guac(Box<GuacReplay>),
    Terminal(Box<TerminalReplay>),
}

impl Replay {
    /// Starts at byte 0 with an empty canvas.
    pub fn new(limits: Limits) -> Self {
        Self { limits, fonts: Fonts::bundled(), stage: Stage::Guac(Box::new(GuacReplay::new(limits))) }
    }

    /// Starts where a key state was made; then push the recording's bytes from [`Self::position`] on. The limits are
    /// those under which it was made.
    pub fn restore(key_state: &[u8], limits: Limits) -> Result<Self, RestoreError> {
        let stage = Stage::Guac(Box::new(GuacReplay::restore(key_state, limits)?));
        Ok(Self { limits, fonts: Fonts::bundled(), stage })
    }

    /// The fonts of a terminal; to be said before the first byte.
    pub fn set_fonts(&mut self, fonts: Arc<Fonts>) {
        self.fonts = fonts;
    }

    /// This replay in bytes, as it stands behind a frame; `None` when they would be more than `limit_bytes`, or the recording
    /// is a terminal's, which is read faster than a key state.
    pub fn key_state(&self, packing: Packing, limit_bytes: usize) -> Option<KeyState> {
        match &self.stage {
            Stage::Guac(replay) => replay.key_state(packing, limit_bytes),
            Stage::Terminal(_) => None,
        }
    }

    /// Whether the recording is a terminal's.
    pub fn is_terminal(&self) -> bool {
        matches!(self.stage, Stage::Terminal(_))
    }

    /// The byte of the recording behind the last instruction or event that was drawn.
    pub fn position(&self) -> u64 {
        match &self.stage {
            Stage::Guac(replay) => replay.position(),
            Stage::Terminal(replay) => replay.position(),
        }
    }

    /// Frames up to here.
    pub(crate) fn frames(&self) -> usize {
        match &self.stage {
            Stage::Guac(replay) => replay.frames(),
            Stage::Terminal(replay) => replay.frames(),
        }
    }

    /// The media time up to here, of a recording of guacd.
    pub(crate) fn time(&self) -> MediaTime {
        match &self.stage {
            Stage::Guac(replay) => replay.time(),
            Stage::Terminal(_) => MediaTime::new(self.limits.gap_ms),
        }
    }

    /// Where the parser of a recording of guacd stands.
    pub(crate) fn place(&self) -> ParserPlace {
        match &self.stage {
            Stage::Guac(replay) => replay.place(),
            Stage::Terminal(replay) => ParserPlace { position: replay.position(), ..ParserPlace::default() },
        }
    }

    /// Of a terminal, nothing later than a media time is drawn.
    pub(crate) fn end_at(&mut self, until_ms: i64) {
        match &mut self.stage {
            Stage::Guac(_) => {}
            Stage::Terminal(replay) => replay.end_at(until_ms),
        }
    }

    /// Whether something later than that was read.
    pub(crate) fn is_past(&self) -> bool {
        match &self.stage {
            Stage::Guac(_) => false,
            Stage::Terminal(replay) => replay.is_past(),
        }
    }

    /// Whether more than half of what it may cost up to here is spent.
    pub(crate) fn is_dear(&self) -> bool {
        match &self.stage {
            Stage::Guac(replay) => replay.is_dear(),
            Stage::Terminal(_) => false,
        }
    }

    /// From here on, images of what is announced are decoded by other threads. Nothing else changes.
    pub fn decode_ahead(&mut self, decoders: Arc<Decoders>) {
        match &mut self.stage {
            Stage::Guac(replay) => replay.decode_ahead(decoders),
            Stage::Terminal(_) => {}
        }
    }

    /// Tells that these bytes will be pushed, behind those that were announced before.
    pub fn announce(&mut self, bytes: &[u8]) {
        self.begin(bytes);
        match &mut self.stage {
            Stage::Guac(replay) => replay.announce(bytes),
            Stage::Terminal(_) => {}
        }
    }

    /// Adds the next bytes of the recording; then call [`Replay::step`] until it gives `None`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.begin(bytes);
        match &mut self.stage {
            Stage::Guac(replay) => replay.push(bytes),
            Stage::Terminal(replay) => replay.push(bytes),
        }
    }

    /// The next bytes, if any come, belong to another frame: what was drawn up to here is the next moment.
    pub fn release(&mut self) {
        match &mut self.stage {
            Stage::Guac(_) => {}
            Stage::Terminal(replay) => replay.release(),
        }
    }

    /// Draws up to the next moment, or as far as the bytes reach.
    pub fn step(&mut self) -> Result<Option<Moment>, ReadError> {
        match &mut self.stage {
            Stage::Guac(replay) => replay.step().map_err(ReadError::from),
            Stage::Terminal(replay) => replay.step().map_err(ReadError::from),
        }
    }

    /// The recording ends here: an error if that cuts an instruction or event.
    pub fn finish(&self) -> Result<(), ReadError> {
        match &self.stage {
            Stage::Guac(replay) => replay.finish().map_err(ReadError::from),
            Stage::Terminal(replay) => replay.finish().map_err(ReadError::from),
        }
    }

    /// What it has cost up to here to read and draw the recording.
    pub fn cost(&self) -> Cost {
        match &self.stage {
            Stage::Guac(replay) => replay.cost(),
            Stage::Terminal(replay) => replay.cost(),
        }
    }

    /// The canvas as drawn up to here.
    pub fn canvas(&mut self) -> &mut Canvas {
        match &mut self.stage {
            Stage::Guac(replay) => replay.canvas(),
            Stage::Terminal(replay) => replay.canvas(),
        }
    }

    /// Bytes of damage that were skipped up to here.
    pub fn skipped_bytes(&self) -> u64 {
        match &self.stage {
            Stage::Guac(replay) => replay.skipped_bytes(),
            Stage::Terminal(_) => 0,
        }
    }

    /// What could not be drawn up to here.
    pub fn faults(&self) -> &Faults {
        match &self.stage {
            Stage::Guac(replay) => replay.faults(),
            Stage::Terminal(replay) => replay.faults(),
        }
    }

    /// The first byte tells the format.
    fn begin(&mut self, bytes: &[u8]) {
        if let Stage::Guac(replay) = &self.stage
            && replay.is_new()
            && let Some(format) = bytes.first().copied().and_then(TerminalFormat::of)
        {
            let replay = TerminalReplay::new(format, self.limits, Arc::clone(&self.fonts));
            self.stage = Stage::Terminal(Box::new(replay));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::guac::ParseError;

    /// What it costs to fill a screen of 4096x4096 with a translucent colour, and to show it.
    const FILL: &str = "4.rect,1.0,1.0,1.0,4.4096,4.4096;5.cfill,2.14,1.0,1.9,1.9,1.9,3.128;";

    /// Frames until the end, and the end.
    fn play(recording: &str, piece_bytes: usize) -> (usize, Option<ReadError>, Cost) {
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
        let Some(ReadError::Guacamole(ParseError::TimeBudget { position, limit_ms: 2_000 })) = end else {
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
