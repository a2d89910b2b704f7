//! Long work, done by whoever holds the claim.

mod claim;
mod convert;
mod failure;
mod growing_video;
mod index;
mod key_states;
mod patience;
mod runner;
mod session_span;
mod stored_output;

pub(crate) use runner::{JobTools, Runner, Work};
