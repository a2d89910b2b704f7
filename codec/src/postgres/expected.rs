//! What was asked and is not answered yet.

use super::text::Text;
use crate::source::db_lines::Outcome;

/// A message of the client that the server answers, in order.
#[derive(Debug)]
pub(super) enum Expected {
    /// Statements in one text, or a function that is called: all until the server is ready again.
    Simple(Simple),
    /// A statement is parsed under a name.
    Parse { name: Vec<u8>, text: Text, t_ms: u64 },
    /// A portal is bound to a statement.
    Bind { portal: Vec<u8>, statement: Vec<u8>, t_ms: u64 },
    /// Columns are described.
    Describe,
    /// A name is given up.
    Close { is_statement: bool, name: Vec<u8> },
    /// A portal is run.
    Execute { portal: Vec<u8>, t_ms: u64, seen_rows: u64 },
    /// The end of what is skipped after an error.
    Sync { t_ms: u64 },
    /// The end of data to copy; it has no answer of its own.
    CopyEnd,
}

/// What is known of a simple query so far.
#[derive(Debug)]
pub(super) struct Simple {
    pub(super) text: Text,
    pub(super) t_ms: u64,
    /// The rows of all its statements together.
    pub(super) rows: Option<u64>,
    pub(super) error: Option<Outcome>,
}

impl Expected {
    /// A simple query that begins.
    pub(super) fn simple(text: Text, t_ms: u64) -> Self {
        Self::Simple(Simple { text, t_ms, rows: None, error: None })
    }

    /// About how much memory it takes, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let texts = match self {
            Self::Simple(simple) => simple.text.text.len(),
            Self::Parse { name, text, .. } => name.len() + text.text.len(),
            Self::Bind { portal, statement, .. } => portal.len() + statement.len(),
            Self::Close { name, .. } | Self::Execute { portal: name, .. } => name.len(),
            Self::Describe | Self::Sync { .. } | Self::CopyEnd => 0,
        };
        size_of::<Self>() + texts
    }
}

/// The rows that a command's tag counts, such as `INSERT 0 5`.
pub(super) fn rows_of(tag: &[u8]) -> Option<u64> {
    let tag = std::str::from_utf8(tag).ok()?.trim_end_matches('\0');
    tag.rsplit_once(' ')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_what_a_tag_ends_with() {
        assert_eq!(rows_of(b"INSERT 0 5\0"), Some(5));
        assert_eq!(rows_of(b"SELECT 0\0"), Some(0));
        for none in [&b"CREATE TABLE\0"[..], b"BEGIN\0", b"", b"SELECT x\0", b"\xff 1\0"] {
            assert_eq!(rows_of(none), None);
        }
    }
}
