//! Asciicast: one event after another, as their bytes come.

use super::error::TerminalError;
use super::event::{TerminalEvent, TerminalRead};
use super::header::{HeaderPlace, header};
use super::json::{self, Line};
use super::splitter::{Splitter, Step};
use super::text::Surrogates;
use crate::limits::Limits;
use serde::{Deserialize, Serialize};

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CastVersion {
    /// One object; pairs of a delay and a text in the list `stdout`.
    V1,
    /// A line each, with the time since the beginning.
    V2,
    /// A line each, with the time since the event before.
    V3,
}

/// Between two events: all that is needed to read on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CastPlace {
    pub(crate) version: CastVersion,
    pub(crate) position: u64,
    pub(crate) line: u64,
    /// The time of the event before, in microseconds.
    pub(crate) time_us: i64,
    /// Whether all events of a version 1 were read.
    pub(crate) is_over: bool,
}

/// What is read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The header, of which this was seen last at the level of its keys.
    Header(Seen),
    Events(CastVersion),
    /// All events of a version 1.
    Over,
}

/// Where the key `stdout` of version 1 stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Key,
    Colon,
}

/// Reads events from bytes that are pushed.
#[derive(Debug)]
pub(crate) struct CastReader {
    limits: Limits,
    buffer: Vec<u8>,
    /// Where what was not read yet begins in the buffer.
    start: usize,
    /// Up to where the splitter has looked.
    scanned: usize,
    splitter: Splitter,
    /// The byte of the recording at `start`.
    position: u64,
    line: u64,
    stage: Stage,
    time_us: i64,
    surrogates: Surrogates,
    ended: Option<TerminalError>,
}

impl CastReader {
    /// Starts at byte 0.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            splitter: Splitter::default(),
            position: 0,
            line: 1,
            stage: Stage::Header(Seen::Nothing),
            time_us: 0,
            surrogates: Surrogates::default(),
            ended: None,
        }
    }

    /// Goes on between two events.
    pub(crate) fn at(place: CastPlace, limits: Limits) -> Self {
        let CastPlace { version, position, line, time_us, is_over } = place;
        let stage = if is_over { Stage::Over } else { Stage::Events(version) };
        Self { position, line, time_us, stage, ..Self::new(limits) }
    }

    /// Where it stands, if that is between two events.
    pub(crate) fn place(&self) -> Option<CastPlace> {
        let Self { position, line, time_us, .. } = *self;
        let version = self.version()?;
        Some(CastPlace { version, position, line, time_us, is_over: self.is_over() })
    }

    /// How events are written, once the header was read.
    pub(crate) fn version(&self) -> Option<CastVersion> {
        match self.stage {
            Stage::Events(version) => Some(version),
            Stage::Over => Some(CastVersion::V1),
            Stage::Header(_) => None,
        }
    }

    /// Whether all events of a version 1 were read.
    pub(crate) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// The byte behind what was read.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// How many pushed bytes are behind that.
    pub(crate) fn pending_bytes(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// About how much memory it takes, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    /// Adds the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.ended.is_none() {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next event, if it is whole.
    pub(crate) fn read(&mut self) -> Result<Option<TerminalRead>, TerminalError> {
        Ok(self.read_raw()?.map(|(read, _)| read))
    }

    /// The next event and the bytes that hold it.
    pub(crate) fn read_raw(&mut self) -> Result<Option<(TerminalRead, &[u8])>, TerminalError> {
        if let Some(error) = self.ended {
            return Err(error);
        }
        match self.find() {
            Ok(Some((read, raw))) => Ok(Some((read, self.buffer.get(raw).unwrap_or_default()))),
            Ok(None) => Ok(None),
            Err(error) => {
                self.ended = Some(error);
                Err(error)
            }
        }
    }

    /// The recording ends here: an error if that cuts an event.
    pub(crate) fn finish(&self) -> Result<(), TerminalError> {
        if let Some(error) = self.ended {
            return Err(error);
        }
        let is_whole = match self.stage {
            Stage::Over => true,
            // A comment may be the end.
            Stage::Events(CastVersion::V2 | CastVersion::V3) => {
                matches!(self.buffer.get(self.start), None | Some(b'#'))
            }
            Stage::Events(CastVersion::V1) | Stage::Header(_) => false,
        };
        let (position, line) = (self.position, self.line);
        if is_whole { Ok(()) } else { Err(TerminalError::Truncated { position, line }) }
    }

    fn find(&mut self) -> Result<Option<(TerminalRead, std::ops::Range<usize>)>, TerminalError> {
        loop {
            self.skip_between();
            let Some(&first) = self.buffer.get(self.start) else { return Ok(None) };
            match self.stage {
                Stage::Header(_) if first != b'{' => return Err(self.malformed("a header in braces")),
                Stage::Header(seen) => {
                    return match self.scan_header(seen)? {
                        Some(end) => self.begin(end).map(Some),
                        None => Ok(None),
                    };
                }
                Stage::Events(CastVersion::V1) if first == b']' => {
                    self.consume(self.start + 1);
                    self.stage = Stage::Over;
                }
                Stage::Events(CastVersion::V2 | CastVersion::V3) if first == b'#' => {
                    let Some(end) = self.scan_comment()? else { return Ok(None) };
                    self.consume(end);
                }
                Stage::Events(_) if first != b'[' => {
                    return Err(self.malformed("an event in square brackets"));
                }
                Stage::Events(version) => {
                    let Some(end) = self.scan_event(version)? else { return Ok(None) };
                    return self.event(version, end).map(Some);
                }
                Stage::Over => {}
            }
        }
    }

    /// Passes over what is no event: space, commas of version 1, and all behind a version 1.
    fn skip_between(&mut self) {
        while let Some(&byte) = self.buffer.get(self.start) {
            match (self.stage, byte) {
                (Stage::Over, _) | (_, b' ' | b'\t' | b'\r' | b'\n') => {}
                (Stage::Events(CastVersion::V1), b',') => {}
                _ => return,
            }
            self.line += u64::from(byte == b'\n');
            self.start += 1;
            self.position += 1;
            self.scanned = self.start;
        }
    }

    /// Looks for the end of the header, or of its part before the events.
    fn scan_header(&mut self, mut seen: Seen) -> Result<Option<usize>, TerminalError> {
        while let Some(&byte) = self.buffer.get(self.scanned) {
            let is_space = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            seen = match seen {
                Seen::Key if byte == b':' => Seen::Colon,
                Seen::Colon if byte == b'[' => {
                    self.stage = Stage::Events(CastVersion::V1);
                    return Ok(Some(self.scanned + 1));
                }
                seen if is_space => seen,
                Seen::Nothing | Seen::Key | Seen::Colon => Seen::Nothing,
            };
            let step = self.splitter.step(byte);
            self.scanned += 1;
            match step {
                Step::End => return Ok(Some(self.scanned)),
                Step::Word if self.scanned_bytes().ends_with(b"\"stdout\"") => seen = Seen::Key,
                Step::Word | Step::On => {}
            }
            self.check_length()?;
        }
        self.stage = Stage::Header(seen);
        Ok(None)
    }

    /// Looks for the end of a line that is a comment.
    fn scan_comment(&mut self) -> Result<Option<usize>, TerminalError> {
        while let Some(&byte) = self.buffer.get(self.scanned) {
            self.scanned += 1;
            if byte == b'\n' {
                return Ok(Some(self.scanned));
            }
            self.check_length()?;
        }
        Ok(None)
    }

    /// Looks for the end of an event.
    fn scan_event(&mut self, version: CastVersion) -> Result<Option<usize>, TerminalError> {
        while let Some(&byte) = self.buffer.get(self.scanned) {
            if byte == b'\n' && version != CastVersion::V1 {
                return Err(self.malformed("a whole event on its line"));
            }
            self.scanned += 1;
            if self.splitter.step(byte) == Step::End {
                return Ok(Some(self.scanned));
            }
            self.check_length()?;
        }
        Ok(None)
    }

    fn begin(&mut self, end: usize) -> Result<(TerminalRead, std::ops::Range<usize>), TerminalError> {
        let place =
            HeaderPlace { position: self.position, line: self.line, side_max: self.limits.terminal_side };
        let raw = self.start..end;
        let is_first = self.stage == Stage::Events(CastVersion::V1);
        let mut json = self.buffer.get(raw.clone()).unwrap_or_default().to_vec();
        if is_first {
            json.extend_from_slice(b"]}");
        }
        let (version, event) = header(&json, place)?;
        self.stage = Stage::Events(match (version, is_first) {
            (1, true) => CastVersion::V1,
            (1, false) => return Err(self.malformed("the list `stdout` in version 1")),
            (_, true) => return Err(self.malformed("events on lines of their own")),
            (2, false) => CastVersion::V2,
            (_, false) => CastVersion::V3,
        });
        self.consume(end);
        Ok((TerminalRead { event, timestamp_ms: 0, end_byte: self.position }, raw))
    }

    fn event(
        &mut self,
        version: CastVersion,
        end: usize,
    ) -> Result<(TerminalRead, std::ops::Range<usize>), TerminalError> {
        let raw = self.start..end;
        let bytes = self.buffer.get(raw.clone()).unwrap_or_default();
        let written = json::line(bytes, version != CastVersion::V1);
        let Line { time_us, code, text, .. } = written.map_err(|expected| self.malformed(expected))?;
        let event = understood(code, text, &mut self.surrogates);
        let event = event.ok_or_else(|| self.malformed("characters in UTF-8 and escapes of JSON"))?;
        self.time_us = match version {
            CastVersion::V2 => time_us,
            CastVersion::V1 | CastVersion::V3 => self.time_us.saturating_add(time_us),
        };
        self.consume(end);
        let timestamp_ms = self.time_us.div_euclid(1_000);
        Ok((TerminalRead { event, timestamp_ms, end_byte: self.position }, raw))
    }

    fn consume(&mut self, end: usize) {
        let read = self.buffer.get(self.start..end).unwrap_or_default();
        let lines = read.iter().filter(|&&byte| byte == b'\n').count();
        self.line += u64::try_from(lines).unwrap_or(0);
        self.position += u64::try_from(read.len()).unwrap_or(0);
        self.start = end;
        self.scanned = end;
        self.splitter = Splitter::default();
    }

    fn scanned_bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.scanned).unwrap_or_default()
    }

    fn check_length(&self) -> Result<(), TerminalError> {
        let limit_bytes = self.limits.line_bytes;
        let (position, line) = (self.position, self.line);
        match self.scanned - self.start > limit_bytes {
            true => Err(TerminalError::LineTooLong { position, line, limit_bytes }),
            false => Ok(()),
        }
    }

    fn malformed(&self, expected: &'static str) -> TerminalError {
        TerminalError::Malformed { position: self.position, line: self.line, expected }
    }
}

/// What an event says. `None` when its text cannot be read.
fn understood(code: Option<&[u8]>, text: &[u8], surrogates: &mut Surrogates) -> Option<TerminalEvent> {
    let whole = || {
        let mut surrogates = Surrogates::default();
        let mut text = json::unescape(text, &mut surrogates)?;
        surrogates.flush(&mut text);
        Some(text)
    };
    Some(match code {
        None | Some(b"o") => TerminalEvent::Output(json::unescape(text, surrogates)?),
        Some(b"i") => TerminalEvent::Input(whole()?),
        Some(b"r") => resize(&whole()?),
        Some(b"m") => TerminalEvent::Marker(whole()?),
        Some(b"x") => TerminalEvent::Exit(whole()?),
        Some(_) => TerminalEvent::Other,
    })
}

/// A size such as `80x24`.
fn resize(text: &str) -> TerminalEvent {
    let sides = text.split_once('x').and_then(|(columns, rows)| {
        let side = |text: &str| text.parse::<u64>().ok();
        Some((side(columns)?, side(rows)?))
    });
    match sides {
        Some((columns, rows)) => TerminalEvent::Resize { columns, rows },
        None => TerminalEvent::Other,
    }
}

#[cfg(test)]
mod tests;
