//! Recordings of terminals: asciicast version 1, 2 and 3, and script(1)'s typescript with its timing.
//!
//! Source: asciinema's documents of the three versions; util-linux `scriptreplay(1)` and `script(1)`.

mod cast;
mod error;
mod event;
mod frames;
mod header;
mod json;
mod reader;
mod splitter;
mod text;
mod timing;
mod typescript;

pub(crate) use cast::{CastPlace, CastReader, CastVersion};
pub use error::TerminalError;
pub use event::{TerminalEvent, TerminalRead};
pub(crate) use frames::{Frames, Step, TimedEvent};
pub use header::{Rgb, Theme};
pub(crate) use json::time_of;
pub use reader::{TerminalFormat, TerminalReader};
pub use typescript::{TypescriptHead, typescript_head};
pub(crate) use typescript::{head_timing_bytes, is_input};
