//! Where events come from: one module a recording format. Sources are pushed bytes, so that a growing
//! recording can be followed as well as a finished one.

pub mod db_lines;
mod error;
pub mod guac;
mod probe;
pub mod terminal;

pub use error::ReadError;
pub use probe::{Format, ProbeError, probe};
