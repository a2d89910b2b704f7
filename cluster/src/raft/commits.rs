//! Tells of chunks that were committed, as they are applied here.

use crate::catalog::{Applied, Command, CommandEntry, LogPosition};
use crate::id::{ChunkNumber, ObjectId};
use std::sync::{Arc, OnceLock};

/// What was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commit {
    /// A chunk is final.
    Chunk { object: ObjectId, number: ChunkNumber },
    /// The catalog was replaced by a snapshot.
    Snapshot,
}

type Watcher = Box<dyn Fn(Commit) + Send + Sync>;

/// Who is told. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Commits(Arc<OnceLock<Watcher>>);

impl Commits {
    /// Tells somebody from here on; the first one only. It must not block.
    pub(crate) fn watch(&self, watcher: Watcher) {
        // A second watcher is a mistake that loses nothing: all chunks are looked at now and then.
        drop(self.0.set(watcher));
    }

    pub(super) fn tell(&self, commit: Commit) {
        if let Some(watcher) = self.0.get() {
            watcher(commit);
        }
    }

    /// Tells what of the entries was applied.
    pub(super) fn tell_all(&self, chunks: Vec<Vec<Option<Commit>>>, answers: &[Vec<Applied>]) {
        for (chunks, answers) in chunks.into_iter().zip(answers) {
            for (commit, answer) in chunks.into_iter().zip(answers) {
                if let (Some(commit), Ok(_)) = (commit, answer) {
                    self.tell(commit);
                }
            }
        }
    }
}

/// The chunks that each request of each entry makes final.
pub(super) fn chunks(entries: &[(LogPosition, CommandEntry)]) -> Vec<Vec<Option<Commit>>> {
    let of = |command: &Command| {
        if let Command::CloseChunk(close) = command {
            Some(Commit::Chunk { object: close.object, number: close.chunk.number })
        } else if let Command::Seal(seal) = command {
            Some(Commit::Chunk { object: seal.object, number: seal.manifest.number })
        } else {
            None
        }
    };
    let all = |entry: &CommandEntry| match entry {
        CommandEntry::Requests(requests) => requests.iter().map(|request| of(&request.command)).collect(),
        CommandEntry::Membership(_) | CommandEntry::Blank => Vec::new(),
    };
    entries.iter().map(|(_, entry)| all(entry)).collect()
}
