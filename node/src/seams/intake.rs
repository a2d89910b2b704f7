//! Looks at what recorders send, before it is stored.

use api::{Intake, IntakeRefusal};
use cluster::catalog::Format;

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
            Format::Guacamole if accepted == 0 && !bytes.is_empty() => {
                let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
                let refused = |error| IntakeRefusal {
                    offset: 0,
                    line: None,
                    reason: format!("expected a Guacamole recording: {error}"),
                };
                codec::source::probe(head).map(|_| bytes.len()).map_err(refused)
            }
            Format::Guacamole => Ok(bytes.len()),
            Format::DbLines => codec::source::db_lines::accepted(bytes).map_err(|refused| IntakeRefusal {
                offset: accepted.saturating_add(u64::try_from(refused.offset).unwrap_or(u64::MAX)),
                line: Some(refused.line),
                reason: refused.error.to_string(),
            }),
            Format::Asciicast | Format::Typescript => {
                let reason = format!("recordings in {format} are not read by this version");
                Err(IntakeRefusal { offset: accepted, line: None, reason })
            }
        }
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
}
