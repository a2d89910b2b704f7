//! From bytes to lines.

use super::line::{LINE_BYTES_MAX, Line, LineError};
use crate::refusal::RefusalCode;

/// Reads the lines of a recording as its bytes come. Holds one line at most, beside what was pushed last.
#[derive(Debug, Default)]
pub struct LineReader {
    pending: Vec<u8>,
    /// Bytes of `pending` that were read.
    read: usize,
    position: u64,
    lines: u64,
    error: Option<ReadError>,
}

/// A line, and the byte of the recording behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLine {
    /// What it says.
    pub line: Line,
    /// Where the next one begins.
    pub end_byte: u64,
}

/// Why reading ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A line is refused.
    #[error("byte {position}: line {line}: {error}")]
    Line {
        /// Where it begins.
        position: u64,
        /// Which, counted from 1.
        line: u64,
        /// Why.
        error: LineError,
    },
    /// The recording ends without a line feed.
    #[error("byte {position}: the recording ends inside line {line}")]
    Truncated {
        /// Where it begins.
        position: u64,
        /// Which, counted from 1.
        line: u64,
    },
    /// Reading costs more than the time that it covers allows.
    #[error("byte {position}: reading takes more than the limit of {limit_ms} ms")]
    TimeBudget {
        /// Where the line begins that is too much.
        position: u64,
        /// The limit.
        limit_ms: u64,
    },
}

impl ReadError {
    /// What kind of refusal it is.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Line { error: LineError::TooLong, .. } => RefusalCode::Limit,
            Self::Line { error: LineError::Version, .. } => RefusalCode::Unsupported,
            Self::Line { .. } => RefusalCode::Malformed,
            Self::Truncated { .. } => RefusalCode::Truncated,
            Self::TimeBudget { .. } => RefusalCode::TimeBudget,
        }
    }

    /// The byte of the recording that it is about.
    pub fn position(&self) -> u64 {
        match self {
            Self::Line { position, .. }
            | Self::Truncated { position, .. }
            | Self::TimeBudget { position, .. } => *position,
        }
    }
}

impl LineReader {
    /// Adds the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.error.is_some() {
            return;
        }
        self.pending.drain(..self.read);
        self.read = 0;
        self.pending.extend_from_slice(bytes);
    }

    /// The next line; `None` when more bytes are needed. After an error nothing more is read.
    pub fn read(&mut self) -> Result<Option<ReadLine>, ReadError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let rest = self.pending.get(self.read..).unwrap_or_default();
        // No line is longer, so that no byte is looked at more often than the pieces that hold it.
        let rest = rest.get(..LINE_BYTES_MAX).unwrap_or(rest);
        let result = match rest.iter().position(|byte| *byte == b'\n') {
            Some(feed) => {
                Line::parse(rest.get(..=feed).unwrap_or_default()).map(|line| Some((line, feed + 1)))
            }
            None if rest.len() >= LINE_BYTES_MAX => Err(LineError::TooLong),
            None => Ok(None),
        };
        match result {
            Ok(None) => Ok(None),
            Ok(Some((line, length))) => {
                self.read += length;
                self.position += u64::try_from(length).expect("a line's length fits 64 bits");
                self.lines += 1;
                Ok(Some(ReadLine { line, end_byte: self.position }))
            }
            Err(error) => {
                let error = ReadError::Line { position: self.position, line: self.lines + 1, error };
                (self.error, self.pending, self.read) = (Some(error), Vec::new(), 0);
                Err(error)
            }
        }
    }

    /// How many bytes the lines have that were read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether the recording may end here.
    pub fn finish(&self) -> Result<(), ReadError> {
        match self.error {
            Some(error) => Err(error),
            None if self.read == self.pending.len() => Ok(()),
            None => Err(ReadError::Truncated { position: self.position, line: self.lines + 1 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::db_lines::Outcome;

    #[test]
    fn lines_are_read_from_any_pieces_up_to_the_first_that_is_refused() {
        let outcome = Outcome::Ok { rows: Some(3) };
        let line = Line { t_ms: 4, database: "d".into(), statement: "select".into(), outcome };
        let json = line.to_json();
        let length = u64::try_from(json.len()).unwrap();
        let bytes = format!("{json}{json}{{\"v\":1,\"row\":2}}\n{json}");
        let read = |end_byte| ReadLine { line: line.clone(), end_byte };
        for piece in [1, 7, bytes.len()] {
            let (mut reader, mut lines, mut end) = (LineReader::default(), Vec::new(), Ok(()));
            for piece in bytes.as_bytes().chunks(piece) {
                reader.push(piece);
                loop {
                    match reader.read() {
                        Ok(Some(line)) => lines.push(line),
                        Ok(None) => break,
                        Err(error) => {
                            end = Err(error);
                            break;
                        }
                    }
                }
            }
            assert_eq!(lines, [read(length), read(2 * length)]);
            let error = ReadError::Line { position: 2 * length, line: 3, error: LineError::Fields };
            assert_eq!((end, reader.finish(), reader.position()), (Err(error), Err(error), 2 * length));
        }
        let mut reader = LineReader::default();
        reader.push(b"{\"v\"");
        assert_eq!(
            (reader.read(), reader.finish()),
            (Ok(None), Err(ReadError::Truncated { position: 0, line: 1 }))
        );
        let mut reader = LineReader::default();
        reader.push(&[b' '; LINE_BYTES_MAX]);
        let error = ReadError::Line { position: 0, line: 1, error: LineError::TooLong };
        assert_eq!((reader.read(), error.code()), (Err(error), RefusalCode::Limit));
    }
}
