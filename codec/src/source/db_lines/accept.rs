//! Which lines may be stored.

use super::line::{LINE_BYTES_MAX, Line, LineError};

/// The first line that must not be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedLine {
    /// Which, counted from 1 within the bytes.
    pub line: u64,
    /// Where it begins within the bytes.
    pub offset: usize,
    /// Why.
    pub error: LineError,
}

/// How many of `bytes`, which begin with a line, are whole and valid lines. A line that is refused is told when it is
/// the first one; those before it are accepted by themselves.
pub fn accepted(bytes: &[u8]) -> Result<usize, RefusedLine> {
    let mut whole = 0;
    let mut error = None;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.ends_with(b"\n") {
            error = Line::parse(line).err();
        } else {
            // What is not whole may still become a line, but for one that is as long already.
            error = (line.len() >= LINE_BYTES_MAX).then_some(LineError::TooLong);
            break;
        }
        match error {
            Some(_) => break,
            None => whole += line.len(),
        }
    }
    match error {
        Some(error) if whole == 0 => Err(RefusedLine { line: 1, offset: 0, error }),
        Some(_) | None => Ok(whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::db_lines::Outcome;

    fn line(statement: &str) -> String {
        let outcome = Outcome::Ok { rows: None };
        Line { t_ms: 0, database: String::new(), statement: statement.into(), outcome }.to_json()
    }

    #[test]
    fn whole_lines_are_accepted_up_to_the_first_that_is_refused() {
        let good = line("select 1");
        let refused = |error| Err(RefusedLine { line: 1, offset: 0, error });
        assert_eq!(accepted(b""), Ok(0));
        assert_eq!(accepted(good.as_bytes()), Ok(good.len()));
        assert_eq!(accepted(format!("{good}{good}{{\"v\"").as_bytes()), Ok(2 * good.len()));
        assert_eq!(accepted(format!("{good}{{\"rows\":[1]}}\n{good}").as_bytes()), Ok(good.len()));
        assert_eq!(accepted(format!("{{\"rows\":[1]}}\n{good}").as_bytes()), refused(LineError::Fields));
        assert_eq!(accepted(b"\n"), refused(LineError::Json));
        let longest = line(&"x".repeat(LINE_BYTES_MAX - line("").len()));
        assert_eq!(accepted(longest.as_bytes()), Ok(LINE_BYTES_MAX));
        assert_eq!(accepted(&longest.as_bytes()[..LINE_BYTES_MAX - 1]), Ok(0));
        assert_eq!(accepted(&[b' '; LINE_BYTES_MAX]), refused(LineError::TooLong));
    }
}
