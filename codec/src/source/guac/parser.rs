//! The streaming parser: bytes in as they come, whole instructions out.

use super::instruction::{Arguments, Instruction};
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
            | Self::Truncated { position } => position,
        }
    }
}

/// A push parser. It keeps at most one unfinished instruction and what was pushed last.
///
/// Lengths count Unicode code points. Values may hold any character, separators included, so nothing is ever
/// found by splitting.
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
        Self::at(limits, 0)
    }

    /// Starts at the first byte of an instruction, at `position` of a recording.
    pub fn at(limits: Limits, position: u64) -> Self {
        Self {
            limits,
            buffer: Vec::new(),
            base: position,
            instruction: 0,
            elements: Vec::new(),
            scan: 0,
            value: None,
            failed: None,
        }
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
        if let Some(error) = self.failed {
            return Err(error);
        }
        match self.scan_instruction() {
            Ok(true) => self.take().map(Some),
            Ok(false) => Ok(None),
            Err(error) => {
                self.failed = Some(error);
                Err(error)
            }
        }
    }

    /// The end of the recording: an error if it cuts an instruction.
    pub fn finish(&self) -> Result<(), ParseError> {
        match self.failed {
            Some(error) => Err(error),
            None if self.instruction < self.buffer.len() => {
                Err(ParseError::Truncated { position: self.position() })
            }
            None => Ok(()),
        }
    }

    /// The byte of the recording after the last whole instruction.
    pub fn position(&self) -> u64 {
        self.position_of(self.instruction)
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
            let Some(&separator) = self.buffer.get(end) else { return Ok(false) };
            if separator != b',' && separator != b';' {
                return Err(ParseError::Separator { position: self.position_of(end), found: separator });
            }
            self.elements.push(value.start..end);
            self.value = None;
            self.scan = end + 1;
            self.check_length()?;
            if separator == b';' {
                return Ok(true);
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

    /// Hands out the instruction whose elements are complete.
    fn take(&mut self) -> Result<(Instruction<'_>, u64), ParseError> {
        let mut texts = [""; ARGUMENTS_KEPT + 1];
        for (text, range) in texts.iter_mut().zip(&self.elements) {
            let Ok(valid) = std::str::from_utf8(&self.buffer[range.clone()]) else {
                let error = ParseError::Encoding { position: self.position_of(range.start) };
                self.failed = Some(error);
                return Err(error);
            };
            *text = valid;
        }
        let count = self.elements.len().min(texts.len());
        self.elements.clear();
        self.instruction = self.scan;
        let end = self.base + u64::try_from(self.scan).expect("a buffer's length fits 64 bits");
        Ok((Instruction::read(texts[0], Arguments(&texts[1..count])), end))
    }
}

#[cfg(test)]
mod tests;
