//! Agreement between the members: openraft behind our own log, state machine and network.

mod files;
mod log;
mod network;
mod runtime;
mod snapshot;
mod state_machine;
mod types;

pub use log::{
    Damage, FrameError, LogFailure, LogOptions, OpenError, ReadError as LogReadError, TornTail, WriteError,
};
pub use snapshot::{SnapshotDamage, SnapshotError};

pub(crate) use files::create_folders;
pub(crate) use log::{LogStore, RaftLog};
pub(crate) use network::NoPeers;
pub(crate) use runtime::{Raft, config};
pub(crate) use snapshot::SnapshotStore;
pub(crate) use state_machine::StateMachine;
pub(crate) use types::{ENTRY_BYTES_MAX, Proposal, WriteAnswer, entry_bytes};

#[cfg(test)]
mod tests;
