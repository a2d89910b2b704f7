//! The audit log: what views and refusals leave in it, and how it is shown.

mod checkpoint;
mod format;
mod refusals;
mod tally;
mod trail;
mod view;

pub use checkpoint::{CheckpointKey, CheckpointKeyError};
pub use trail::Trail;

pub(crate) use checkpoint::{Log, verifier_key};
pub(crate) use format::{Format, json};
pub(crate) use refusals::Refused;
pub(crate) use view::{Shown, View};

/// Who did something, as a leaf names them; empty texts for what is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Who {
    pub(crate) user: String,
    pub(crate) service: String,
    pub(crate) address: String,
}
