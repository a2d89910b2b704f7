//! The recording format of Apache guacd: a stream of protocol instructions without header or end mark.
//!
//! Source: guacamole-server `src/libguac/parser.c` and `protocol.c`; guacamole-common-js `Parser.js`.

mod instruction;
mod keysym;
mod parser;
mod resync;
mod stream_step;
mod time;
mod vector;

pub use instruction::{Color, Instruction, OtherStreamKind};
pub use keysym::Key;
pub(crate) use parser::ParserPlace;
pub use parser::{ParseError, Parser, Read, Skipped};
pub use resync::OnDamage;
pub use stream_step::StreamStep;
pub use time::MediaTime;
pub(crate) use time::MediaTimeState;
pub use vector::{Arc, LineCap, LineJoin, Pen, Vector};
