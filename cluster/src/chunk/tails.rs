//! The open chunks of a member, for readers on any thread.

use super::open::Tail;
use crate::id::ChunkId;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// What readers see of the chunks that are open on a member. Clones are the same ones.
///
/// A chunk that was committed stays until its file is the closed one: what it holds can be read all the while.
#[derive(Debug, Clone, Default)]
pub struct Tails(Arc<RwLock<HashMap<ChunkId, Tail>>>);

impl Tails {
    /// An open chunk.
    pub fn get(&self, chunk: ChunkId) -> Option<Tail> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&chunk).cloned()
    }

    pub(crate) fn insert(&self, tail: Tail) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(tail.header().id, tail);
    }

    pub(crate) fn remove(&self, chunk: ChunkId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&chunk);
    }
}
