//! What the log holds, in memory: where the entries stand and the newest of each other fact.

use super::record::Record;
use std::collections::VecDeque;

/// Consecutive entries in one record of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) at: FrameAt,
    /// Which record of the frame.
    pub(super) record: usize,
    /// The index of the first entry of that record.
    pub(super) record_first: u64,
}

/// A frame's file, place and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameAt {
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) length: usize,
}

/// The newest of each fact that is not an entry. Opaque bytes: the log does not know Raft's types.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) vote: Option<Vec<u8>>,
    pub(super) committed: Option<Vec<u8>>,
    pub(super) purged: Option<Purged>,
}

/// Up to where entries were given up, and the log id of that place.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Purged {
    pub(super) index: u64,
    pub(super) id: Vec<u8>,
}

/// Entries that do not follow those before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) expected: u64,
    pub(super) found: u64,
}

/// What the frames say, applied in order.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) runs: VecDeque<Run>,
    pub(super) facts: Facts,
}

impl Index {
    /// Takes over the records of a frame.
    pub(super) fn apply(&mut self, at: FrameAt, records: &[Record]) -> Result<(), Gap> {
        for (position, record) in records.iter().enumerate() {
            match record {
                Record::Head { vote, committed, purged } => {
                    self.facts =
                        Facts { vote: vote.clone(), committed: committed.clone(), purged: purged.clone() };
                }
                Record::Entries { first, entries } => self.extend(at, position, *first, entries.len())?,
                Record::Truncate { since } => self.truncate(*since),
                Record::Purge(purged) => self.purge(purged.clone()),
                Record::Vote(vote) => self.facts.vote = Some(vote.clone()),
                Record::Committed(committed) => self.facts.committed = Some(committed.clone()),
            }
        }
        Ok(())
    }

    /// The index of the newest entry, or of the place up to which all were given up.
    pub(super) fn last(&self) -> Option<u64> {
        let purged = self.facts.purged.as_ref().map(|purged| purged.index);
        self.runs.back().map(|run| run.last).max(purged)
    }

    /// The run that holds an entry.
    pub(super) fn run(&self, index: u64) -> Option<Run> {
        let after = self.runs.partition_point(|run| run.first <= index);
        self.runs.get(after.checked_sub(1)?).copied().filter(|run| index <= run.last)
    }

    /// The oldest segment that still holds an entry.
    pub(super) fn oldest_segment(&self) -> Option<u64> {
        self.runs.front().map(|run| run.at.segment)
    }

    /// A gap between what was given up and the oldest entry: a file is missing.
    pub(super) fn gap(&self, oldest_segment: u64) -> Option<Gap> {
        let first = self.runs.front()?.first;
        match &self.facts.purged {
            Some(purged) if first <= purged.index.saturating_add(1) => None,
            Some(purged) => Some(Gap { expected: purged.index.saturating_add(1), found: first }),
            None if oldest_segment == 0 => None,
            None => Some(Gap { expected: 0, found: first }),
        }
    }

    fn extend(&mut self, at: FrameAt, record: usize, first: u64, count: usize) -> Result<(), Gap> {
        let Some(last) = u64::try_from(count).ok().and_then(|count| (first + count).checked_sub(1)) else {
            return Ok(());
        };
        if let Some(expected) = self.runs.back().map(|run| run.last + 1).filter(|next| *next != first) {
            return Err(Gap { expected, found: first });
        }
        self.runs.push_back(Run { first, last, at, record, record_first: first });
        Ok(())
    }

    fn truncate(&mut self, since: u64) {
        while self.runs.back().is_some_and(|run| run.first >= since) {
            self.runs.pop_back();
        }
        if let Some(run) = self.runs.back_mut().filter(|run| run.last >= since) {
            run.last = since - 1;
        }
    }

    fn purge(&mut self, purged: Purged) {
        if self.facts.purged.as_ref().is_some_and(|older| older.index >= purged.index) {
            return;
        }
        while self.runs.front().is_some_and(|run| run.last <= purged.index) {
            self.runs.pop_front();
        }
        if let Some(run) = self.runs.front_mut().filter(|run| run.first <= purged.index) {
            run.first = purged.index + 1;
        }
        self.facts.purged = Some(purged);
    }
}
