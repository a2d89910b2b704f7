//! Events in media time, divided into frames.
//!
//! What comes to a terminal within a few milliseconds is one frame, so that a flood of output costs no more than a film. All
//! passes over a recording divide it alike: only events and their times count, never how the bytes came.

use super::error::TerminalError;
use super::event::{TerminalEvent, TerminalRead};
use super::reader::{TerminalFormat, TerminalReader};
use crate::limits::Limits;
use crate::source::guac::MediaTime;

/// Output that follows the first of a frame within this time belongs to it.
const FRAME_MS: i64 = 10;

/// The next thing that happens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// An event.
    Event(TimedEvent),
    /// All that came before is seen.
    Frame {
        /// When its first event was, in media time.
        at_ms: i64,
        /// The byte behind its last event.
        end_byte: u64,
    },
}

/// An event in media time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimedEvent {
    pub(crate) event: TerminalEvent,
    pub(crate) at_ms: i64,
    /// When the frame began that it belongs to; the same if it belongs to none.
    pub(crate) frame_ms: i64,
    /// Where the byte in front of it and the one behind it are.
    pub(crate) start_byte: u64,
    pub(crate) end_byte: u64,
    /// The true times before and here, where media time does not follow them.
    pub(crate) jump: Option<(i64, i64)>,
}

/// Reads events and tells where frames end.
#[derive(Debug)]
pub(crate) struct Frames {
    reader: TerminalReader,
    time: MediaTime,
    timestamp_ms: i64,
    end_byte: u64,
    /// When the frame began that is not yet complete, and the byte behind it.
    open: Option<(i64, u64)>,
    /// What follows the frame that was told last.
    waiting: Option<TimedEvent>,
    is_released: bool,
    /// What is later is not looked at.
    until_ms: i64,
}

impl Frames {
    /// Starts at byte 0.
    pub(crate) fn new(format: TerminalFormat, limits: Limits) -> Self {
        Self {
            reader: TerminalReader::new(format, limits),
            time: MediaTime::new(limits.gap_ms),
            timestamp_ms: 0,
            end_byte: 0,
            open: None,
            waiting: None,
            is_released: false,
            until_ms: i64::MAX,
        }
    }

    /// Adds the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
        self.is_released = false;
    }

    /// No bytes come that belong to the frame that is not yet complete: it ends here.
    pub(crate) fn release(&mut self) {
        self.is_released = true;
    }

    /// Nothing later than a media time is told: a frame in which it lies ends there.
    pub(crate) fn end_at(&mut self, until_ms: i64) {
        self.until_ms = until_ms;
    }

    /// Whether something later than that was read.
    pub(crate) fn is_past(&self) -> bool {
        self.waiting.as_ref().is_some_and(|event| event.at_ms > self.until_ms)
    }

    /// The media time up to here.
    pub(crate) fn now_ms(&self) -> i64 {
        self.time.now_ms()
    }

    /// The byte behind what was read.
    pub(crate) fn position(&self) -> u64 {
        self.reader.position()
    }

    /// The recording ends here: an error if that cuts an event.
    pub(crate) fn finish(&self) -> Result<(), TerminalError> {
        self.reader.finish()
    }

    /// The next step, as far as the bytes reach. A frame that is begun is told before the damage behind it.
    pub(crate) fn step(&mut self) -> Result<Option<Step>, TerminalError> {
        let mut event = match self.waiting.take() {
            Some(event) => event,
            None => match self.reader.read() {
                Ok(Some(read)) => self.timed(read),
                Ok(None) if !self.is_released => return Ok(None),
                Ok(None) => return Ok(self.end_frame()),
                Err(error) => return self.end_frame().map_or(Err(error), |frame| Ok(Some(frame))),
            },
        };
        if event.at_ms > self.until_ms {
            self.waiting = Some(event);
            return Ok(self.end_frame());
        }
        let draws = match &event.event {
            TerminalEvent::Begin { .. } | TerminalEvent::Output(_) | TerminalEvent::Resize { .. } => true,
            TerminalEvent::Input(_)
            | TerminalEvent::Marker(_)
            | TerminalEvent::Exit(_)
            | TerminalEvent::Other => false,
        };
        let belongs = draws && self.open.is_none_or(|(at_ms, _)| event.at_ms - at_ms < FRAME_MS);
        if !belongs && let Some(frame) = self.end_frame() {
            self.waiting = Some(event);
            return Ok(Some(frame));
        }
        if draws {
            let (at_ms, _) = self.open.unwrap_or((event.at_ms, 0));
            self.open = Some((at_ms, event.end_byte));
            event.frame_ms = at_ms;
        }
        Ok(Some(Step::Event(event)))
    }

    fn end_frame(&mut self) -> Option<Step> {
        self.open.take().map(|(at_ms, end_byte)| Step::Frame { at_ms, end_byte })
    }

    fn timed(&mut self, read: TerminalRead) -> TimedEvent {
        let TerminalRead { event, timestamp_ms, end_byte } = read;
        let jumps = self.time.jumps();
        let at_ms = match event {
            TerminalEvent::Begin { .. } => self.time.sync(timestamp_ms),
            TerminalEvent::Output(_)
            | TerminalEvent::Input(_)
            | TerminalEvent::Resize { .. }
            | TerminalEvent::Marker(_)
            | TerminalEvent::Exit(_)
            | TerminalEvent::Other => self.time.event(timestamp_ms),
        };
        let before_ms = std::mem::replace(&mut self.timestamp_ms, timestamp_ms);
        let jump = (self.time.jumps() > jumps).then_some((before_ms, timestamp_ms));
        let start_byte = std::mem::replace(&mut self.end_byte, end_byte);
        TimedEvent { event, at_ms, frame_ms: at_ms, start_byte, end_byte, jump }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frames of a recording by time and end, with the names of the events before each.
    fn frames(recording: &str, piece_bytes: usize) -> Vec<(String, i64, u64)> {
        let mut frames = Frames::new(TerminalFormat::Asciicast, Limits::default());
        let (mut told, mut names) = (Vec::new(), String::new());
        let mut follow = |frames: &mut Frames| {
            while let Ok(Some(step)) = frames.step() {
                match step {
                    Step::Event(event) => names.push(event.event.name().chars().next().unwrap()),
                    Step::Frame { at_ms, end_byte } => {
                        told.push((std::mem::take(&mut names), at_ms, end_byte));
                    }
                }
            }
        };
        for piece in recording.as_bytes().chunks(piece_bytes) {
            frames.push(piece);
            follow(&mut frames);
        }
        frames.release();
        follow(&mut frames);
        told
    }

    #[test]
    fn a_burst_is_one_frame_and_a_key_ends_it() {
        let head = "{\"version\":2,\"width\":9,\"height\":9}\n";
        let lines = [
            "[0.006,\"o\",\"a\"]\n",
            "[0.02,\"o\",\"b\"]\n",
            "[0.029,\"r\",\"8x8\"]\n",
            "[0.03,\"o\",\"c\"]\n",
            "[0.031,\"i\",\"d\"]\n",
            "[0.032,\"o\",\"e\"]\n",
        ];
        let recording = format!("{head}{}", lines.concat());
        let end = |lines_read: usize| {
            let bytes = head.len() + lines[..lines_read].concat().len() - 1;
            u64::try_from(bytes).unwrap()
        };
        let expected = [("bo", 0, end(1)), ("or", 20, end(3)), ("o", 30, end(4)), ("io", 32, end(6))];
        let expected = expected.map(|(names, at_ms, end)| (names.to_owned(), at_ms, end));
        assert_eq!(frames(&recording, 1 << 20), expected);
        assert_eq!(frames(&recording, 1), expected);
        // What was drawn before damage is seen.
        let damaged = frames(&format!("{recording}[1,\n"), 7);
        assert_eq!(damaged, expected);
    }

    #[test]
    fn a_gap_beyond_the_limit_keeps_the_true_times() {
        let recording = "{\"version\":2,\"width\":9,\"height\":9}\n[1,\"o\",\"\"]\n[1e7,\"o\",\"\"]\n[2,\"o\",\"\"]\n[3,\"o\",\"\"]\n";
        let mut frames = Frames::new(TerminalFormat::Asciicast, Limits::default());
        frames.push(recording.as_bytes());
        let mut jumps = Vec::new();
        while let Ok(Some(step)) = frames.step() {
            if let Step::Event(event) = step {
                jumps.push((event.at_ms, event.jump));
            }
        }
        let far = 10_000_000_000;
        assert_eq!(
            jumps,
            [
                (0, None),
                (1_000, None),
                (1_000, Some((1_000, far))),
                (1_000, Some((far, 2_000))),
                (2_000, None)
            ]
        );
    }
}
