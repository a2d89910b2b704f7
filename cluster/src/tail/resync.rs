//! Closed chunks that this member is to hold and does not: asked of one member after the other.

use super::message::Message;
use super::shelf::Shelf;
use super::turn::Turn;
use crate::catalog::ChunkRow;
use crate::chunk::{ClosedChunk, DiskError, FileError};
use crate::id::{ChunkId, MemberId, ObjectId};
use std::collections::BTreeMap;

/// Chunks that are asked for at once.
const AT_ONCE: usize = 4;

/// What is missing here.
#[derive(Debug, Default)]
pub(crate) struct Resync {
    wanted: BTreeMap<ChunkId, Wanted>,
}

#[derive(Debug)]
struct Wanted {
    chunk: ClosedChunk,
    set: Vec<MemberId>,
    /// How many members were asked, and when the last one was.
    asked: usize,
    asked_ms: Option<u64>,
}

impl Resync {
    /// Wants a committed chunk, until it is here.
    pub(crate) fn want(&mut self, object: ObjectId, row: &ChunkRow) {
        let wanted = Wanted { chunk: row.chunk, set: row.members.clone(), asked: 0, asked_ms: None };
        self.wanted.entry(row.chunk.id(object)).or_insert(wanted);
    }

    /// Is nothing missing?
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// A member sends a chunk.
    pub(crate) fn copied(
        &mut self,
        shelf: &mut Shelf,
        chunk: ChunkId,
        bytes: &[u8],
    ) -> Result<(), DiskError> {
        let Some(wanted) = self.wanted.get_mut(&chunk) else { return Ok(()) };
        match shelf.receive(chunk.object, &wanted.chunk, bytes) {
            Ok(()) => drop(self.wanted.remove(&chunk)),
            Err(FileError::Disk(fatal @ DiskError::Fatal(_))) => return Err(fatal),
            // A bad copy, or a full disk: the next member is asked when it is time.
            Err(
                FileError::Disk(DiskError::Io { .. }) | FileError::Damaged(_) | FileError::Missing { .. },
            ) => {}
        }
        Ok(())
    }

    /// A member has no such chunk.
    pub(crate) fn missed(&mut self, chunk: ChunkId) {
        if let Some(wanted) = self.wanted.get_mut(&chunk) {
            wanted.asked_ms = wanted.asked_ms.map(|_| 0);
        }
    }

    pub(crate) fn tick(&mut self, turn: &mut Turn<'_>) {
        let (patience_ms, now_ms) = (turn.around.options.patience_ms, turn.now_ms);
        for (chunk, wanted) in self.wanted.iter_mut().take(AT_ONCE) {
            let is_due =
                wanted.asked_ms.is_none_or(|asked_ms| now_ms.saturating_sub(asked_ms) >= patience_ms);
            let sources = turn.around.sources(&wanted.set);
            if let Some(source) = sources.get(wanted.asked % sources.len().max(1)).filter(|_| is_due) {
                (wanted.asked, wanted.asked_ms) = (wanted.asked + 1, Some(now_ms));
                turn.send(*source, Message::AskCopy { chunk: *chunk });
            }
        }
    }
}
