//! What the person at a terminal saw: characters in, pixels out.
//!
//! The `emulator` keeps the cells (its crate avt follows xterm); the `painter` draws on a canvas those that changed, so that
//! whatever shows recordings of guacd shows terminals too. Nothing is drawn until somebody looks.

mod bounds;
mod emulator;
mod escape;
mod fonts;
mod glyphs;
mod keys;
mod look;
mod painter;
mod scroll;
mod shapes;
mod square;
mod styles;
mod underline;

pub(crate) use emulator::{Emulator, within};
pub use fonts::{FontError, Fonts};
pub(crate) use keys::keys;
pub(crate) use look::cell_size;
pub(crate) use painter::Painter;
