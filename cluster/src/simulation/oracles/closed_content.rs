use crate::chunk::{ChunkStore, ClosedChunk};
use crate::id::{ChunkNumber, MemberId, ObjectId};
use std::collections::BTreeMap;

/// A chunk of an object has one closed content: in the log, and as a file on every member.
#[derive(Debug, Default)]
pub(crate) struct ClosedContent {
    committed: BTreeMap<(ObjectId, ChunkNumber), ClosedChunk>,
}

impl ClosedContent {
    /// A member has applied the end of a chunk.
    pub(crate) fn committed(&mut self, object: ObjectId, chunk: ClosedChunk) -> Result<(), String> {
        let first = *self.committed.entry((object, chunk.number)).or_insert(chunk);
        match first == chunk {
            true => Ok(()),
            false => Err(format!("chunk {} of {object} is {first:?} and {chunk:?}", chunk.number)),
        }
    }

    /// How many chunks were closed.
    pub(crate) fn count(&self) -> usize {
        self.committed.len()
    }

    /// All closed files of a member are committed chunks, byte for byte.
    pub(crate) fn files(&self, member: MemberId, store: &ChunkStore) -> Result<(), String> {
        let mut recordings: Vec<_> = self.committed.keys().map(|(object, _)| object.recording).collect();
        recordings.dedup();
        for recording in recordings {
            for id in store.list_closed(recording).map_err(|error| error.to_string())? {
                let fact = self.committed.get(&(id.object, id.number)).filter(|fact| fact.epoch == id.epoch);
                let Some(fact) = fact else {
                    return Err(format!("member {member} closed {id}, which is not committed"));
                };
                store.whole(id.object, fact).map_err(|error| format!("member {member}: {error}"))?;
            }
        }
        Ok(())
    }
}
