//! The seam before a byte is durable: whoever knows formats looks at what a recorder sends.

use cluster::catalog::Format;

/// Looks inside recorder bytes before they are stored. Implemented where formats are known; this crate knows none.
pub trait Intake: Send + Sync {
    /// How many of `bytes`, which follow `accepted` earlier ones of the same recording, are accepted: the longest
    /// prefix that is whole as far as its format tells. What is left over is offered again with more behind it, up to
    /// [`PIECE_BYTES_MAX`] at once, so that the smallest part that is judged as one must be shorter than that.
    fn accept(&self, format: Format, accepted: u64, bytes: &[u8]) -> Result<usize, IntakeRefusal>;
}

/// The most bytes that are offered, and appended, at once.
pub const PIECE_BYTES_MAX: usize = 1 << 20;

/// Bytes that a recording of its format must not hold. Nothing of the piece is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset} of the recording: {reason}")]
pub struct IntakeRefusal {
    /// Where in the recording the first refused byte, or the line that holds it, stands.
    pub offset: u64,
    /// The line, counted from 1 within what was offered, for formats of lines. Whoever offered it adds the lines before.
    pub line: Option<u64>,
    /// Why, for a person; never with bytes of the recording, which may be a user's secrets.
    pub reason: String,
}
