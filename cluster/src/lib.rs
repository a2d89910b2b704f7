//! Keeps bytes and facts, and proves that neither was altered.
//!
//! Bytes never go through Raft; facts never go around it. This crate never looks inside a record, never reads a
//! clock and never picks its own randomness: time, randomness, disk and network are arguments.

pub mod catalog;
pub mod chunk;
pub mod facts;
pub mod id;
pub mod raft;

pub use facts::Facts;
