//! The picture of one moment: drawn as fast as can be, because nothing before it is shown.

use crate::canvas::Decoders;
use crate::limits::Limits;
use crate::refusal::RefusalCode;
use crate::replay::{Faults, Moment, Replay, RestoreError};
use crate::screen::Screen;
use crate::source::ReadError;
use crate::source::guac::{Instruction, MediaTime, ParseError, Parser};
use crate::terminal::Fonts;
use std::sync::Arc;

/// Bytes that are read before they are drawn; each such part shows at most one frame.
const WAITING_BYTES: usize = 1 << 20;

/// Plays a recording up to a media time and shows the last frame that is not later.
///
/// The bytes are read twice: first for the times alone, so that of many frames at most one is flattened, and nothing
/// behind the wanted one is drawn. Of a terminal nothing is drawn but the wanted picture anyway. A damaged recording has the last picture before the damage.
pub struct Seek {
    limits: Limits,
    at_ms: i64,
    scout: Scout,
    replay: Replay,
    screen: Screen,
    shown_ms: i64,
    /// Frames up to the one that is shown, that one included.
    shown_frames: usize,
    /// Bytes that are read, but not drawn.
    waiting: Vec<u8>,
    is_done: bool,
    /// Who decodes images while others are drawn.
    decoders: Option<Arc<Decoders>>,
}

/// Reads ahead for the times of frames.
struct Scout {
    parser: Parser,
    time: MediaTime,
    frames: usize,
}

impl Seek {
    /// Looks for the picture of `at_ms`, from byte 0 of the recording on.
    pub fn new(at_ms: i64, limits: Limits) -> Self {
        let replay = Replay::new(limits);
        let (scout, screen) = (Scout::beside(&replay, limits), Screen::default());
        Self {
            limits,
            at_ms,
            scout,
            replay,
            screen,
            shown_ms: 0,
            shown_frames: 0,
            waiting: Vec::new(),
            is_done: false,
            decoders: None,
        }
    }

    /// The fonts of a terminal; to be said before the first byte.
    pub fn set_fonts(&mut self, fonts: Arc<Fonts>) {
        self.replay.set_fonts(fonts);
    }

    /// From here on, images are decoded by other threads.
    pub fn decode_ahead(&mut self, decoders: &Arc<Decoders>) {
        self.replay.decode_ahead(Arc::clone(decoders));
        self.decoders = Some(Arc::clone(decoders));
    }

    /// Starts anew at a key state that is not later; push the recording's bytes from that one's position on.
    pub fn resume(&mut self, key_state: &[u8]) -> Result<(), RestoreError> {
        self.replay = Replay::restore(key_state, self.limits)?;
        if let Some(decoders) = &self.decoders {
            self.replay.decode_ahead(Arc::clone(decoders));
        }
        self.scout = Scout::beside(&self.replay, self.limits);
        (self.waiting, self.is_done) = (Vec::new(), false);
        self.shown_ms = self.replay.time().now_ms();
        self.shown_frames = self.replay.frames();
        self.screen = Screen::default();
        self.screen.show_frame(self.replay.canvas());
        Ok(())
    }

    /// Adds the next bytes. After `true`, or an error of the recording, no more are needed: the picture is drawn.
    pub fn push(&mut self, bytes: &[u8]) -> Result<bool, ReadError> {
        if self.is_done {
            return Ok(true);
        }
        self.replay.announce(bytes);
        if self.replay.is_terminal() {
            self.replay.end_at(self.at_ms);
            self.replay.push(bytes);
            return self.play(false);
        }
        let ended = self.scout.read(bytes, self.at_ms);
        self.is_done = !matches!(ended, Ok(false));
        self.waiting.extend_from_slice(bytes);
        if (self.is_done || self.waiting.len() >= WAITING_BYTES)
            && let Err(error) = self.draw()
        {
            self.is_done = true;
            return Err(error);
        }
        ended.map_err(ReadError::from)
    }

    /// The recording ends here: draws the picture, if that is not done. An error if this cuts an instruction.
    pub fn finish(&mut self) -> Result<(), ReadError> {
        if self.is_done {
            return Ok(());
        }
        if self.replay.is_terminal() {
            self.replay.release();
            self.play(true)?;
            return self.replay.finish();
        }
        self.is_done = true;
        self.draw()?;
        self.scout.parser.finish().map_err(ReadError::from)
    }

    /// Plays a terminal up to the wanted time, or as far as the bytes reach, and draws the picture once.
    fn play(&mut self, is_end: bool) -> Result<bool, ReadError> {
        let (mut newest, mut ended) = (None, Ok(()));
        loop {
            match self.replay.step() {
                Ok(Some(Moment::Frame { at_ms, index })) => newest = Some((at_ms, index)),
                Ok(Some(Moment::Pointer { .. })) => {}
                Ok(None) => break,
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            }
        }
        if let Some((at_ms, index)) = newest {
            (self.shown_ms, self.shown_frames) = (at_ms, index + 1);
        }
        self.is_done = is_end || self.replay.is_past() || ended.is_err();
        // What costs too much was drawn in part: the picture before it is not there any more.
        let is_whole = !matches!(&ended, Err(error) if error.code() == RefusalCode::TimeBudget);
        if !is_whole {
            self.shown_frames = 0;
        } else if self.is_done {
            self.screen.show_frame(self.replay.canvas());
        }
        ended.map(|()| self.is_done)
    }

    /// Draws what waits: all of it, or up to the picture that was looked for.
    fn draw(&mut self) -> Result<(), ReadError> {
        self.replay.push(&self.waiting);
        self.waiting.clear();
        while !self.is_done || self.replay.frames() < self.scout.frames {
            let Some(moment) = self.replay.step()? else { break };
            // Drawing what is dear may end before the frame that is looked for.
            if let Moment::Frame { at_ms, index } = moment
                && (index + 1 == self.scout.frames || self.replay.is_dear())
            {
                self.shown_ms = at_ms;
                self.shown_frames = index + 1;
                self.screen.show_frame(self.replay.canvas());
            }
        }
        Ok(())
    }

    /// Whether frames were drawn behind the one that is shown: an error came before the one that was looked for.
    pub fn is_behind(&self) -> bool {
        self.replay.frames() > self.shown_frames
    }

    /// The screen with the newest picture that was found; without size, if there was none.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// The same; nothing else is kept.
    pub fn into_screen(self) -> Screen {
        self.screen
    }

    /// What could not be drawn up to that picture.
    pub fn faults(&self) -> &Faults {
        self.replay.faults()
    }

    /// Bytes of damage that were skipped up to that picture.
    pub fn skipped_bytes(&self) -> u64 {
        self.replay.skipped_bytes()
    }

    /// When that picture came on screen, in milliseconds of media time.
    pub fn shown_ms(&self) -> i64 {
        self.shown_ms
    }
}

impl Scout {
    /// Where the replay stands.
    fn beside(replay: &Replay, limits: Limits) -> Self {
        let parser = Parser::at(limits, replay.place());
        Self { parser, time: replay.time(), frames: replay.frames() }
    }

    /// Counts the frames up to a media time; `true` when a later moment stands in these bytes.
    fn read(&mut self, bytes: &[u8], at_ms: i64) -> Result<bool, ParseError> {
        self.parser.push(bytes);
        while let Some(instruction) = self.parser.read()? {
            // Until the first frame the time may still be set back to zero.
            if self.time.follow(&instruction) > at_ms && self.time.is_synced() {
                return Ok(true);
            }
            self.frames += usize::from(matches!(instruction, Instruction::Sync { .. }));
        }
        Ok(false)
    }
}
