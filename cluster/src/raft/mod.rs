//! Agreement between the members: openraft behind our own log, state machine and network.

mod files;
mod log;
mod network;
mod runtime;
mod snapshot;
mod state_machine;
mod types;

pub use log::{Damage, FrameError, LogFailure, LogOptions, OpenError, ReadError, TornTail, WriteError};
pub use snapshot::SnapshotError;

pub(crate) use log::RaftLog;
pub(crate) use runtime::{Raft, config};

#[cfg(test)]
mod tests;
