//! Records: what a frame says. Variants are only ever added at the end.

use super::index::Purged;
use serde::{Deserialize, Serialize};

/// One fact of the log. Entries, votes and log ids are opaque bytes here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Record {
    /// The first record of a segment: what the segments before it said, so that they can go.
    Head { vote: Option<Vec<u8>>, committed: Option<Vec<u8>>, purged: Option<Purged> },
    /// Consecutive entries from an index on.
    Entries { first: u64, entries: Vec<Vec<u8>> },
    /// All entries from an index on are no more: another leader wrote others.
    Truncate { since: u64 },
    /// All entries up to an index are no more: a snapshot holds them.
    Purge(Purged),
    /// The vote that was given.
    Vote(Vec<u8>),
    /// Up to where entries are known to be committed.
    Committed(Vec<u8>),
}

impl Record {
    /// About as many bytes as it takes in a frame.
    pub(super) fn weight(&self) -> usize {
        const OVERHEAD_BYTES: usize = 32;
        match self {
            Self::Entries { entries, .. } => {
                entries.iter().map(|entry| entry.len() + 4).sum::<usize>() + OVERHEAD_BYTES
            }
            Self::Head { .. }
            | Self::Truncate { .. }
            | Self::Purge(_)
            | Self::Vote(_)
            | Self::Committed(_) => 256,
        }
    }
}
