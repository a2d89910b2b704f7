//! Looks at what recorders send, before it is stored.

use api::{Intake, IntakeRefusal};
use cluster::catalog::Format;
use codec::source::terminal::TerminalFormat;
use codec::source::{self, ProbeError, probe};

/// Bytes at the beginning of a recording that tell what it is.
const HEAD_BYTES: usize = 512;

/// Refuses what plainly is no recording of its format.
///
/// A recording that is damaged further on is kept as it was received: what can be read of it is worth more than
/// nothing, and its index says where it ends.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FormatIntake;

impl Intake for FormatIntake {
    fn accept(&self, format: Format, accepted: u64, bytes: &[u8]) -> Result<usize, IntakeRefusal> {
        match format {
            Format::Guacamole | Format::Asciicast | Format::Typescript => match accepted {
                0 if !bytes.is_empty() => begins(format, bytes.get(..HEAD_BYTES).unwrap_or(bytes)),
                _ => Ok(()),
            }
            .map(|()| bytes.len()),
            Format::DbLines => codec::source::db_lines::accepted(bytes).map_err(|refused| IntakeRefusal {
                offset: accepted.saturating_add(u64::try_from(refused.offset).unwrap_or(u64::MAX)),
                line: Some(refused.line),
                reason: refused.error.to_string(),
            }),
        }
    }
}

/// Whether a recording begins as one of its format.
fn begins(format: Format, head: &[u8]) -> Result<(), IntakeRefusal> {
    let expected = match format {
        Format::Guacamole => "a Guacamole recording",
        Format::Asciicast => "an asciicast",
        Format::Typescript => "a typescript behind its timing",
        Format::DbLines => "statements of a database",
    };
    let refusal = |line, reason: String| IntakeRefusal { offset: 0, line, reason };
    let found = probe(head).map_err(|error| {
        let line = match &error {
            ProbeError::Damaged(error) => error.line(),
            ProbeError::Empty | ProbeError::Known(_) => None,
        };
        refusal(line, format!("expected {expected}: {error}"))
    })?;
    let found = match found {
        source::Format::Guacamole => Format::Guacamole,
        source::Format::Terminal(TerminalFormat::Asciicast) => Format::Asciicast,
        source::Format::Terminal(TerminalFormat::Typescript) => Format::Typescript,
        source::Format::DbLines => Format::DbLines,
    };
    match found == format {
        true => Ok(()),
        false => Err(refusal(None, format!("expected {expected}, found {found}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_told_by_its_first_bytes_and_no_other() {
        let accept = |accepted, bytes| FormatIntake.accept(Format::Guacamole, accepted, bytes);
        assert_eq!(accept(0, b"4.size,1.0,4.1280,3.720;"), Ok(24));
        assert_eq!(accept(0, b"4.si"), Ok(4));
        assert_eq!(accept(0, b""), Ok(0));
        let refusal = accept(0, b"\x89PNG\r\n").unwrap_err();
        assert_eq!(refusal.reason, "expected a Guacamole recording: it looks like a PNG image");
        assert_eq!(accept(9, b"\x89PNG\r\n"), Ok(6));
        assert!(FormatIntake.accept(Format::Asciicast, 0, b"{}").is_err());
    }

    #[test]
    fn of_a_database_session_whole_lines_are_accepted_and_no_rows() {
        let accept = |bytes: &[u8]| FormatIntake.accept(Format::DbLines, 70, bytes);
        let line = "{\"v\":1,\"t_ms\":0,\"database\":\"d\",\"statement\":\"select 1\",\"outcome\":\"ok\",\"rows\":1}\n";
        assert_eq!(accept(format!("{line}{line}{{").as_bytes()), Ok(2 * line.len()));
        let with_rows = line.replace("\"rows\":1", "\"rows\":1,\"picked\":[[\"secret\"]]");
        let refusal = accept(with_rows.as_bytes()).unwrap_err();
        assert_eq!((refusal.offset, refusal.line), (70, Some(1)));
        assert!(!refusal.reason.contains("secret") && !refusal.reason.contains("picked"), "{refusal}");
        assert_eq!(accept(format!("{line}{with_rows}").as_bytes()), Ok(line.len()));
    }

    #[test]
    fn a_terminal_is_told_by_its_header() {
        let accept = |format, bytes| FormatIntake.accept(format, 0, bytes);
        let cast = b"{\"version\":2,\"width\":80,\"height\":24}\n";
        assert_eq!(accept(Format::Asciicast, cast), Ok(cast.len()));
        let typescript = b"#custody-typescript 1 timing=9 size=80x24\n";
        assert_eq!(accept(Format::Typescript, typescript), Ok(typescript.len()));
        let other = accept(Format::Guacamole, cast).unwrap_err();
        assert_eq!(other.reason, "expected a Guacamole recording, found asciicast");
        let wide = accept(Format::Asciicast, b"\n{\"version\":2,\"width\":0,\"height\":24}\n").unwrap_err();
        assert_eq!(wide.line, None);
        let wide = accept(Format::Asciicast, b"{\"version\":2,\"width\":0,\"height\":24}\n").unwrap_err();
        assert_eq!((wide.line, wide.offset), (Some(1), 0));
    }
}
