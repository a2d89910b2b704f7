//! What happens when in a recording: one pass over its instructions, no pixels.

mod activity;
mod fold;
#[expect(clippy::module_inception, reason = "the main type of the module")]
mod timeline;

pub use fold::TimelineFold;
pub use timeline::{Ending, SessionError, SizeChange, SyncPoint, Timeline};
