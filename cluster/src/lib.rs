//! Keeps bytes and facts, and proves that neither was altered.
//!
//! [`Cluster`] is the door. Bytes never go through Raft; facts never go around it. This crate never looks inside a
//! record, never reads the time of day and never picks its own randomness: randomness, disk and network are
//! arguments.

pub mod catalog;
pub mod chunk;
pub mod cluster;
pub mod facts;
pub mod id;
pub mod joining;
pub mod raft;
pub mod rpc;
mod runtime;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
pub mod tail;

pub use cluster::{
    APPEND_BYTES_MAX, AppendError, Cluster, ClusterOptions, FatalError, MemberStatus, NewSession, ObjectRead,
    OpenSessionError, ReadError, SealError, Sealed, StartError, StartReport, StopError, WriteFailure,
};
pub use facts::Facts;
