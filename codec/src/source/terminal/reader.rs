//! One reader for all recordings of terminals.

use super::cast::CastReader;
use super::error::TerminalError;
use super::event::TerminalRead;
use super::typescript::TypescriptReader;
use crate::limits::Limits;

/// How a terminal's recording is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalFormat {
    /// asciinema's file.
    Asciicast,
    /// A timing and its typescript.
    Typescript,
}

impl TerminalFormat {
    /// The format of a recording that begins with this byte; `None` for one that is no terminal's.
    pub fn of(first: u8) -> Option<Self> {
        match first {
            b'{' => Some(Self::Asciicast),
            b'#' => Some(Self::Typescript),
            _ => None,
        }
    }
}

/// Reads the events of a terminal's recording from bytes that are pushed. It ends at damage, whatever the limits say.
#[derive(Debug)]
pub struct TerminalReader {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Cast(Box<CastReader>),
    Typescript(Box<TypescriptReader>),
}

impl TerminalReader {
    /// Starts at byte 0.
    pub fn new(format: TerminalFormat, limits: Limits) -> Self {
        let kind = match format {
            TerminalFormat::Asciicast => Kind::Cast(Box::new(CastReader::new(limits))),
            TerminalFormat::Typescript => Kind::Typescript(Box::new(TypescriptReader::new(limits))),
        };
        Self { kind }
    }

    /// Adds the next bytes; then call [`Self::read`] until it gives `None`.
    pub fn push(&mut self, bytes: &[u8]) {
        match &mut self.kind {
            Kind::Cast(reader) => reader.push(bytes),
            Kind::Typescript(reader) => reader.push(bytes),
        }
    }

    /// The next event, if it is whole.
    pub fn read(&mut self) -> Result<Option<TerminalRead>, TerminalError> {
        match &mut self.kind {
            Kind::Cast(reader) => reader.read(),
            Kind::Typescript(reader) => reader.read(),
        }
    }

    /// The recording ends here: an error if that cuts an event.
    pub fn finish(&self) -> Result<(), TerminalError> {
        match &self.kind {
            Kind::Cast(reader) => reader.finish(),
            Kind::Typescript(reader) => reader.finish(),
        }
    }

    /// The byte of the recording behind what was read.
    pub fn position(&self) -> u64 {
        match &self.kind {
            Kind::Cast(reader) => reader.position(),
            Kind::Typescript(reader) => reader.position(),
        }
    }
}
