//! Sessions of databases: one line of JSON a statement, and how it went. The form is described in DESIGN.md.
//!
//! There is no place in it for a result row, and whoever reads it refuses all that it does not know.

mod accept;
mod line;
mod reader;
mod transcript;

pub use accept::{RefusedLine, accepted};
pub use line::{LINE_BYTES_MAX, Line, LineError, Outcome};
pub use reader::{LineReader, ReadError, ReadLine};
pub use transcript::Transcript;
