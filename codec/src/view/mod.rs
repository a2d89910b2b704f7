//! A recording as those may see it who lack the permission Keystrokes: the same stream of instructions without
//! keys and clipboards.
//!
//! [`View`] filters bytes as they come, for live sessions; [`ViewIndex`] tells where to begin for a range of the
//! filtered stream, and [`ViewRange`] reads it from there, so that ranges and live are the same bytes.

mod cast;
mod guac;
mod index;
mod owner;
mod range;
mod typescript;
#[expect(clippy::module_inception, reason = "the main type of the module")]
mod view;

pub use cast::CastPoint;
pub use index::{ViewIndex, ViewIndexFold, ViewPoint};
pub use owner::Owner;
pub use range::ViewRange;
pub use typescript::TypescriptPoint;
pub use view::{TerminalPoint, View, ViewError};
