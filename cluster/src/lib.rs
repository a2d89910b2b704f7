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
pub mod raft;

pub use cluster::{Cluster, ClusterOptions};
pub use facts::Facts;
