//! What a recording is, from its first bytes.

use super::error::ReadError;
use super::terminal::{TerminalFormat, TerminalReader};
use crate::limits::Limits;
use crate::source::db_lines::Line;
use crate::source::guac::Parser;

/// The recording formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Instructions of Apache guacd.
    Guacamole,
    /// Lines of a database session.
    DbLines,
    /// What happened in a terminal.
    Terminal(TerminalFormat),
}

/// Why bytes are not taken for a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// No bytes.
    #[error("it is empty")]
    Empty,
    /// The first bytes are those of another kind of file.
    #[error("it looks like {0}")]
    Known(&'static str),
    /// The first bytes are no beginning of a recording.
    #[error("{0}")]
    Damaged(ReadError),
}

/// First bytes of files that are handed in by mistake.
const KNOWN: [(&[u8], &str); 9] = [
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"RIFF", "a RIFF file (WebP, WAV or AVI)"),
    (b"\x1f\x8b", "a gzip file: decompress it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file within a zstd file: decompress it first"),
    (b"PK\x03\x04", "a zip file"),
    (b"\xff\xfe", "text in UTF-16: recordings are UTF-8"),
    (b"\xfe\xff", "text in UTF-16: recordings are UTF-8"),
    (b"Script started on ", "a typescript: its timing is needed too"),
];

/// Names the format of a recording from its first bytes; 512 are enough. A first instruction or header that is not
/// complete yet counts when all of it that is there is sound.
pub fn probe(head: &[u8]) -> Result<Format, ProbeError> {
    let Some(&first) = head.first() else { return Err(ProbeError::Empty) };
    if let Some((_, name)) = KNOWN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(ProbeError::Known(name));
    }
    if is_line(head) {
        return Ok(Format::DbLines);
    }
    if let Some(format) = TerminalFormat::of(first) {
        let mut reader = TerminalReader::new(format, Limits::default());
        reader.push(head);
        let read = reader.read().map(|_| Format::Terminal(format));
        return read.map_err(|error| ProbeError::Damaged(error.into()));
    }
    let mut parser = Parser::new(Limits::default());
    parser.push(head);
    // One whole instruction, or the sound beginning of one, is what tells it from any other text.
    parser.read().map(|_| Format::Guacamole).map_err(|error| ProbeError::Damaged(error.into()))
}

/// Whether a first line, as far as it is there, is one of db-lines. One that is not whole is told by what begins it.
fn is_line(head: &[u8]) -> bool {
    match head.iter().position(|byte| *byte == b'\n') {
        Some(feed) => head.get(..feed).is_some_and(|line| Line::parse(line).is_ok()),
        None => head.starts_with(b"{\"v\":1,"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::guac::ParseError;
    use crate::source::terminal::TerminalError;

    #[test]
    fn recordings_are_told_from_other_files() {
        for head in
            [&b"4.size,1.1,1.0,1.0;4.move,"[..], b"3.end,1.1;", b"5.mouse,1.0,1.0,1.0,9.123456789;", b"4.si"]
        {
            assert_eq!(probe(head), Ok(Format::Guacamole));
        }
        let line = br#"{"outcome":"ok","t_ms":1,"v":1,"database":"","statement":""}"#;
        assert_eq!(probe(&[&line[..], b"\n"].concat()), Ok(Format::DbLines));
        assert_eq!(probe(b"{\"v\":1,\"t_ms\":0,\"statement\":\"sel"), Ok(Format::DbLines));
        assert!(probe(b"{\"v\":1,\"rows\":[]}\n").is_err());
        for head in [&b"{\"version\": 2, \"width\": 80, \"height\": 24}\n[0"[..], b"{\"version\": 1, \"wid"] {
            assert_eq!(probe(head), Ok(Format::Terminal(TerminalFormat::Asciicast)));
        }
        let typescript = b"#custody-typescript 1 timing=7 size=80x24\n0.1 2\n";
        assert_eq!(probe(typescript), Ok(Format::Terminal(TerminalFormat::Typescript)));
        assert_eq!(probe(b""), Err(ProbeError::Empty));
        assert_eq!(probe(b"\x89PNG\r\n"), Err(ProbeError::Known("a PNG image")));
        let zeros = ParseError::Length { position: 0, found: 0 };
        assert_eq!(probe(&[0; 512]), Err(ProbeError::Damaged(zeros.into())));
        let text = ParseError::Length { position: 0, found: b'H' };
        assert_eq!(probe(b"Hello"), Err(ProbeError::Damaged(text.into())));
        let version = TerminalError::Version { position: 0, line: 1, found: 4 };
        assert_eq!(probe(b"{\"version\":4}"), Err(ProbeError::Damaged(version.into())));
    }
}
