//! Key states: where a replay can start without all that came before.
//!
//! A key state is a small head and the instructions that draw the canvas again; see [`Canvas::key_state`]. Replaying
//! from it gives the same moments and pictures as replaying from the first byte.
//!
//! [`Canvas::key_state`]: crate::canvas::Canvas::key_state

mod cast_join;
mod fold;
mod head;
mod index;
mod key_state;

pub use cast_join::{CastJoin, CastJoinFold};
pub use fold::{KeyStateFold, Spacing};
pub(crate) use head::Head;
pub use head::HeadError;
pub use index::{IndexError, KeyStateIndex, KeyStatePlace};
pub use key_state::{KeyPoint, KeyState};
