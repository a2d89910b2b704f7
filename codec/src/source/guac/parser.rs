//! The streaming parser: bytes in as they come, whole instructions out.

use super::instruction::{Arguments, Instruction};
use super::resync::{self, Candidate, OnDamage};
use crate::limits::Limits;
use std::ops::Range;

/// Arguments beyond these are read past; no instruction that is drawn or heard has as many.
const ARGUMENTS_KEPT: usize = 16;

/// Why a recording cannot be read on. Positions are bytes from the start of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Something else than the digits of a length and a dot.
    #[error("byte {position}: expected the length of an element, found byte 0x{found:02x}")]
    Length {
        /// Where.
        position: u64,
        /// What stands there.
        found: u8,
    },
    /// A length with too many digits, or above the limit of an element.
    #[error("byte {position}: an element is longer than the limit of {limit_chars} characters")]
    ElementTooLong {
        /// Where its length stands.
        position: u64,
        /// The limit.
        limit_chars: usize,
    },
    /// An element that is not followed by a comma or a semicolon: its length lies.
    #[error("byte {position}: expected a comma or semicolon after an element, found byte 0x{found:02x}")]
    Separator {
        /// Where.
        position: u64,
        /// What stands there.
        found: u8,
    },
    /// Too many elements.
    #[error("byte {position}: an instruction has more than the limit of {limit} elements")]
    TooManyElements {
        /// Where the instruction starts.
        position: u64,
        /// The limit.
        limit: usize,
    },
    /// Too many bytes.
    #[error("byte {position}: an instruction is longer than the limit of {limit_bytes} bytes")]
    InstructionTooLong {
        /// Where the instruction starts.
        position: u64,
        /// The limit.
        limit_bytes: usize,
    },
    /// Bytes that are no UTF-8.
    #[error("byte {position}: an element is not valid UTF-8")]
    Encoding {
        /// Where the element starts.
        position: u64,
    },
    /// Reading and drawing the next instruction would be more work in all than the duration up to it allows.
    #[error("byte {position}: reading and drawing up to here takes the limit of {limit_ms} ms")]
    TimeBudget {
        /// Where that instruction starts.
        position: u64,
        /// The limit at this point.
        limit_ms: u64,
    },
    /// The last instruction is cut.
    #[error("byte {position}: the recording ends inside an instruction")]
    Truncated {
        /// Where that instruction starts.
        position: u64,
    },
}

impl ParseError {
    /// The byte of the recording that this error is about.
    pub fn position(&self) -> u64 {
        match *self {
            Self::Length { position, .. }
            | Self::ElementTooLong { position, .. }
            | Self::Separator { position, .. }
            | Self::TooManyElements { position, .. }
            | Self::InstructionTooLong { position, .. }
            | Self::Encoding { position }
            | Self::TimeBudget { position, .. }
            | Self::Truncated { position } => position,
        }
    }
}

/// A whole instruction, and where it stands.
#[derive(Debug, PartialEq)]
pub struct Read<'a> {
    /// The instruction.
    pub instruction: Instruction<'a>,
    /// The byte of the recording after it.
    pub end_byte: u64,
    /// What was read past in front of it; only with [`OnDamage::Resync`].
    pub skipped: Option<Skipped>,
}

/// Bytes that are no instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// Where they start, in bytes from the start of the recording.
    pub position: u64,
    /// How many there are.
    pub bytes: u64,
    /// What was wrong first.
    pub error: ParseError,
}

/// A push parser. It keeps at most one unfinished instruction and what was pushed last.
///
/// Lengths count Unicode code points. Values may hold any character, separators included, so nothing is ever
/// found by splitting. Only behind damage, and only with [`OnDamage::Resync`], is the start of an instruction
/// looked for; what is found depends on the bytes alone, not on the pieces in which they are pushed.
#[derive(Debug)]
pub struct Parser {
    limits: Limits,
    buffer: Vec<u8>,
    /// Position of `buffer[0]` in the recording.
    base: u64,
    /// Start of the unfinished instruction in `buffer`.
    instruction: usize,
    /// Elements of the unfinished instruction, as ranges of `buffer`.
    elements: Vec<Range<usize>>,
    /// Next byte of `buffer` to look at.
    scan: usize,
    /// An element whose end has not come yet.
    value: Option<OpenValue>,
    failed: Option<ParseError>,
    /// Whether the elements so far are known to be ASCII.
    is_ascii: bool,
    /// Damage behind which no whole instruction was found yet: where it starts, and what is wrong.
    damage: Option<(u64, ParseError)>,
    /// Whether the next start is still to be found.
    is_searching: bool,
    /// Bytes that were skipped up to here.
    skipped_bytes: u64,
    /// Bytes that were looked at for instructions that turned out to be none.
    wasted_bytes: u64,
}

/// Between two instructions of a recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ParserPlace {
    /// The byte behind the first of them.
    pub(crate) position: u64,
    /// Bytes that were skipped up to here.
    pub(crate) skipped_bytes: u64,
    /// Bytes that were looked at in vain behind damage.
    pub(crate) wasted_bytes: u64,
}

/// An element of which `scan` has passed the start.
#[derive(Debug, Clone, Copy)]
struct OpenValue {
    start: usize,
    chars_left: usize,
}

impl Parser {
    /// Starts at byte 0 of a recording.
    pub fn new(limits: Limits) -> Self {
        Self::at(limits, ParserPlace::default())
    }

    /// Starts between two instructions of a recording.
    pub(crate) fn at(limits: Limits, place: ParserPlace) -> Self {
        let ParserPlace { position, skipped_bytes, wasted_bytes } = place;
        Self {
            limits,
            buffer: Vec::new(),
            base: position,
            instruction: 0,
            elements: Vec::new(),
            scan: 0,
            value: None,
            failed: None,
            is_ascii: true,
            damage: None,
            is_searching: false,
            skipped_bytes,
            wasted_bytes,
        }
    }

    /// Where it stands behind the last whole instruction.
    pub(crate) fn place(&self) -> ParserPlace {
        let Self { skipped_bytes, wasted_bytes, .. } = *self;
        ParserPlace { position: self.position(), skipped_bytes, wasted_bytes }
    }

    /// Adds the next bytes of the recording. Read all instructions out before the next push: that keeps the
    /// buffer small.
    pub fn push(&mut self, bytes: &[u8]) {
        let done = self.instruction;
        self.buffer.drain(..done);
        self.base += u64::try_from(done).expect("a buffer's length fits 64 bits");
        self.scan -= done;
        self.instruction = 0;
        for element in &mut self.elements {
            *element = element.start - done..element.end - done;
        }
        if let Some(value) = &mut self.value {
            value.start -= done;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole instruction, or `None` until more is pushed. After an error it stays at that error.
    pub fn read(&mut self) -> Result<Option<Instruction<'_>>, ParseError> {
        Ok(self.read_with_end()?.map(|(instruction, _)| instruction))
    }

    /// Like [`Parser::read`], with the byte of the recording after the instruction.
    pub fn read_with_end(&mut self) -> Result<Option<(Instruction<'_>, u64)>, ParseError> {
        Ok(self.read_on()?.map(|read| (read.instruction, read.end_byte)))
    }

    /// Like [`Parser::read`], with all that is known of the place.
    pub fn read_on(&mut self) -> Result<Option<Read<'_>>, ParseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        loop {
            if self.is_searching && !self.find_candidate() {
                return Ok(None);
            }
            match self.scan_instruction() {
                Ok(true) => return Ok(Some(self.take())),
                Ok(false) => return Ok(None),
                Err(error) => self.look_behind(error)?,
            }
        }
    }

    /// The end of the recording: an error if it cuts an instruction, or if there is nothing behind damage.
    pub fn finish(&self) -> Result<(), ParseError> {
        match (self.failed, self.damage) {
            (Some(error), _) | (None, Some((_, error))) => Err(error),
            (None, None) if self.instruction < self.buffer.len() => {
                Err(ParseError::Truncated { position: self.position() })
            }
            (None, None) => Ok(()),
        }
    }

    /// Whether it stands at byte 0 and nothing was pushed.
    pub(crate) fn is_new(&self) -> bool {
        self.base == 0 && self.buffer.is_empty()
    }

    /// The byte of the recording after the last whole instruction.
    pub fn position(&self) -> u64 {
        self.damage.map_or_else(|| self.position_of(self.instruction), |(position, _)| position)
    }

    /// Bytes that were skipped in front of the instructions read so far.
    pub fn skipped_bytes(&self) -> u64 {
        self.skipped_bytes
    }

    /// Forgets the instruction that cannot be read; the error again if nothing is to be looked for behind it.
    fn look_behind(&mut self, error: ParseError) -> Result<(), ParseError> {
        // How far the scan went beyond the limit depends on the pieces, and must not matter.
        let bound = if self.is_inline_image() { usize::MAX } else { self.limits.instruction_bytes };
        let looked_at = (self.scan - self.instruction).min(bound);
        let looked_at = u64::try_from(looked_at).expect("a buffer's length fits 64 bits");
        self.wasted_bytes = self.wasted_bytes.saturating_add(looked_at);
        let start = self.position_of(self.instruction);
        let (_, first) = *self.damage.get_or_insert((start, error));
        if self.limits.on_damage == OnDamage::Stop || resync::is_exhausted(self.wasted_bytes, start) {
            self.failed = Some(first);
            return Err(first);
        }
        self.start_at(self.instruction + 1);
        self.is_searching = true;
        Ok(())
    }

    /// Goes to the next place where an instruction may start; `false` if that has not come yet.
    fn find_candidate(&mut self) -> bool {
        let (start, is_found) = match resync::candidate(&self.buffer, self.instruction) {
            Candidate::At(start) => (start, true),
            Candidate::NotBefore(start) => (start, false),
        };
        self.start_at(start);
        self.is_searching = !is_found;
        is_found
    }

    fn start_at(&mut self, index: usize) {
        self.elements.clear();
        self.is_ascii = true;
        self.value = None;
        self.instruction = index;
        self.scan = index;
    }

    fn position_of(&self, index: usize) -> u64 {
        self.base + u64::try_from(index).expect("a buffer's length fits 64 bits")
    }

    /// Scans on to the end of the instruction; `false` if that has not come yet.
    fn scan_instruction(&mut self) -> Result<bool, ParseError> {
        loop {
            let Some(value) = self.open_value()? else { return Ok(false) };
            let Some(end) = self.scan_value(value) else {
                self.check_length()?;
                return Ok(false);
            };
            self.check_length()?;
            let Some(&separator) = self.buffer.get(end) else { return Ok(false) };
            if separator != b',' && separator != b';' {
                return Err(ParseError::Separator { position: self.position_of(end), found: separator });
            }
            self.elements.push(value.start..end);
            self.value = None;
            self.scan = end + 1;
            self.check_length()?;
            if separator == b';' {
                return self.check_encoding().map(|()| true);
            }
            if self.elements.len() == self.limits.elements {
                return Err(ParseError::TooManyElements {
                    position: self.position(),
                    limit: self.limits.elements,
                });
            }
        }
    }

    /// The element being scanned; reads its length first where that is still to come.
    fn open_value(&mut self) -> Result<Option<OpenValue>, ParseError> {
        if self.value.is_some() {
            return Ok(self.value);
        }
        let inline = self.is_inline_image();
        let (limit_chars, limit_digits) = if inline {
            (self.limits.inline_image_chars, self.limits.inline_length_digits)
        } else {
            (self.limits.element_chars, self.limits.length_digits)
        };
        let mut chars = 0_usize;
        for (digits, index) in (self.scan..self.buffer.len()).enumerate() {
            let byte = self.buffer[index];
            match byte {
                b'0'..=b'9' if digits < limit_digits => chars = chars * 10 + usize::from(byte - b'0'),
                b'.' if digits > 0 && chars <= limit_chars => {
                    self.value = Some(OpenValue { start: index + 1, chars_left: chars });
                    self.scan = index + 1;
                    return Ok(self.value);
                }
                b'0'..=b'9' | b'.' if digits > 0 => {
                    return Err(ParseError::ElementTooLong {
                        position: self.position_of(self.scan),
                        limit_chars,
                    });
                }
                _ => return Err(ParseError::Length { position: self.position_of(index), found: byte }),
            }
        }
        Ok(None)
    }

    /// The end of the element, if its last character is complete.
    fn scan_value(&mut self, value: OpenValue) -> Option<usize> {
        let rest = &self.buffer[self.scan..];
        if let Some(bytes) = rest.get(..value.chars_left)
            && bytes.is_ascii()
        {
            self.scan += value.chars_left;
            self.value = Some(OpenValue { chars_left: 0, ..value });
        }
        let mut chars_left = self.value?.chars_left;
        let mut end = self.scan;
        // A character is complete when the byte after it is there and begins another one.
        while let Some(&byte) = self.buffer.get(end) {
            let continues = byte & 0xC0 == 0x80;
            if !continues && chars_left == 0 {
                self.value = Some(OpenValue { chars_left, ..value });
                self.scan = end;
                return Some(end);
            }
            self.is_ascii &= byte.is_ascii();
            chars_left -= usize::from(!continues);
            end += 1;
        }
        self.value = Some(OpenValue { chars_left, ..value });
        self.scan = end;
        None
    }

    fn is_inline_image(&self) -> bool {
        self.elements.first().is_some_and(|opcode| {
            let opcode = &self.buffer[opcode.clone()];
            opcode == b"png" || opcode == b"jpeg"
        })
    }

    fn check_length(&self) -> Result<(), ParseError> {
        // Inline images are bounded by their elements.
        if self.scan - self.instruction > self.limits.instruction_bytes && !self.is_inline_image() {
            return Err(ParseError::InstructionTooLong {
                position: self.position(),
                limit_bytes: self.limits.instruction_bytes,
            });
        }
        Ok(())
    }

    /// Whether the elements that are handed out are text.
    fn check_encoding(&self) -> Result<(), ParseError> {
        if self.is_ascii {
            return Ok(());
        }
        for range in self.elements.iter().take(ARGUMENTS_KEPT + 1) {
            if std::str::from_utf8(&self.buffer[range.clone()]).is_err() {
                return Err(ParseError::Encoding { position: self.position_of(range.start) });
            }
        }
        Ok(())
    }

    /// Hands out the instruction whose elements are complete and checked.
    fn take(&mut self) -> Read<'_> {
        let start = self.position_of(self.instruction);
        let skipped = self.damage.take().map(|(position, error)| {
            let bytes = start - position;
            self.skipped_bytes += bytes;
            Skipped { position, bytes, error }
        });
        let mut texts = [""; ARGUMENTS_KEPT + 1];
        for (text, range) in texts.iter_mut().zip(&self.elements) {
            *text = std::str::from_utf8(&self.buffer[range.clone()]).unwrap_or_default();
        }
        let count = self.elements.len().min(texts.len());
        let end_byte = self.position_of(self.scan);
        self.elements.clear();
        self.is_ascii = true;
        self.instruction = self.scan;
        let instruction = Instruction::read(texts[0], Arguments(&texts[1..count]));
        Read { instruction, end_byte, skipped }
    }
}

#[cfg(test)]
mod tests;
