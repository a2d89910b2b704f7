//! Agreement between the members: openraft behind our own log, state machine and network.

mod commits;
mod files;
mod log;
mod message;
mod network;
mod receive;
mod runtime;
mod snapshot;
mod state_machine;
mod types;

pub use log::{
    Damage, FrameError, LogFailure, LogOptions, OpenError, ReadError as LogReadError, TornTail, WriteError,
};
pub use snapshot::{SnapshotDamage, SnapshotError};

pub(crate) use commits::Commit;
pub(crate) use files::create_folders;
pub(crate) use log::{LogStore, RaftLog};
pub(crate) use message::RaftRequest;
pub(crate) use network::RaftPeers;
pub(crate) use receive::RaftDoor;
pub(crate) use runtime::{ELECTION_MAX, ENTRIES_KEPT, Raft, config};
pub(crate) use snapshot::SnapshotStore;
pub(crate) use state_machine::StateMachine;
pub(crate) use types::{Proposal, REQUESTS_BYTES_MAX, StoredMembership, WriteAnswer, entry_bytes};

#[cfg(test)]
mod tests;
