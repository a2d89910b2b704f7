//! The log as openraft asks for it.

#![expect(clippy::result_large_err, reason = "openraft fixes the error of its storage traits")]

use super::log::{RaftLog, ReadError};
use super::writer::{Done, LogFailure};
use crate::catalog::LogPosition;
use crate::raft::state_machine;
use crate::raft::types::{Entry, LogId, NodeId, StorageError, TypeConfig, Vote};
use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{AnyError, LogState, OptionalSend, RaftLogId as _, RaftLogReader, StorageIOError};
use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Entries of one write; what openraft hands over beyond them goes into further frames.
const WRITE_BYTES_MAX: usize = 1 << 20;
/// Entries of one answer to a reader.
const READ_BYTES_MAX: usize = 1 << 20;

/// An entry, for what a simulation compares.
#[cfg(any(test, feature = "simulation"))]
#[derive(Debug)]
pub(crate) struct StoredEntry {
    pub(crate) bytes: Arc<[u8]>,
    /// The names of its requests.
    pub(crate) requests: Vec<crate::catalog::RequestId>,
    /// The voters, if it changes them.
    pub(crate) voters: Option<Vec<crate::id::MemberId>>,
}

/// The log in openraft's hands: core and replication each hold one.
#[derive(Clone)]
pub(crate) struct LogStore {
    log: Arc<RaftLog>,
    member: NodeId,
}

impl LogStore {
    pub(crate) fn new(log: Arc<RaftLog>, member: NodeId) -> Self {
        Self { log, member }
    }

    /// The log id of an entry, if it is there.
    pub(crate) fn position(log: &RaftLog, index: u64) -> Result<Option<LogPosition>, ReadError> {
        let found = log.read(index, index + 1, 1)?;
        let entry = found.first().and_then(|bytes| postcard::from_bytes::<Entry>(bytes).ok());
        Ok(entry.map(|entry| state_machine::position(entry.log_id)))
    }

    /// Begins a new segment; waits until it is durable.
    pub(crate) async fn roll(log: &RaftLog) -> Result<(), LogFailure> {
        let (done, waiting) = oneshot::channel();
        log.roll(Box::new(move |result| {
            let _: Result<(), _> = done.send(result);
        }));
        waiting.await.unwrap_or(Err(LogFailure::Closed))
    }

    /// An entry as it is stored, the requests in it, and the voters that it makes.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn stored(log: &RaftLog, index: u64) -> Result<Option<StoredEntry>, ReadError> {
        let found = log.read(index, index + 1, 1)?;
        let Some(bytes) = found.into_iter().next() else { return Ok(None) };
        let entry = postcard::from_bytes::<Entry>(&bytes).ok();
        let (mut requests, mut voters) = (Vec::new(), None);
        match entry.map(|entry| entry.payload) {
            Some(openraft::EntryPayload::Normal(proposal)) => {
                requests = proposal.requests.into_iter().filter_map(|request| request.id).collect();
            }
            Some(openraft::EntryPayload::Membership(membership)) => {
                voters = Some(membership.voter_ids().map(crate::id::MemberId).collect());
            }
            Some(openraft::EntryPayload::Blank) | None => {}
        }
        Ok(Some(StoredEntry { bytes, requests, voters }))
    }

    /// Orders and waits until it is durable.
    async fn durable(&self, order: impl FnOnce(&RaftLog, Done)) -> Result<(), LogFailure> {
        let (done, waiting) = oneshot::channel();
        order(
            &self.log,
            Box::new(move |result| {
                let _: Result<(), _> = done.send(result);
            }),
        );
        waiting.await.unwrap_or(Err(LogFailure::Closed))
    }

    fn read(&self, first: u64, end: u64, bytes_max: usize) -> Result<Vec<Entry>, StorageError> {
        let found = self.log.read(first, end, bytes_max).map_err(|error| unreadable(&error))?;
        found.iter().map(|bytes| decode(bytes)).collect()
    }

    fn log_id(&self, index: u64) -> Result<Option<LogId>, StorageError> {
        Ok(self.read(index, index + 1, 1)?.first().map(|entry| *entry.get_log_id()))
    }
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, StorageError> {
        let first = match range.start_bound() {
            Bound::Included(first) => *first,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => u64::MAX,
        };
        self.read(first, end, usize::MAX)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, StorageError> {
        let found = self.read(start, end, READ_BYTES_MAX)?;
        // What replication is given goes to another member as what follows the entry before `start`.
        match start >= end || found.first().is_some_and(|first| first.log_id.index == start) {
            true => Ok(found),
            false => Err(unreadable(&ReadError::Purged { index: start })),
        }
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, StorageError> {
        let purged = self.log.purged();
        let last_purged_log_id = purged.as_ref().map(|(_, id)| decode(id)).transpose()?;
        let last_log_id = match self.log.last() {
            Some(last) if purged.is_none_or(|(index, _)| last > index) => self.log_id(last)?,
            Some(_) | None => last_purged_log_id,
        };
        Ok(LogState { last_purged_log_id, last_log_id })
    }

    async fn get_log_reader(&mut self) -> Self::LogReader {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        let vote = encode(vote)?;
        let saved = self.durable(|log, done| log.vote(vote, done)).await;
        saved.map_err(|failure| StorageIOError::write_vote(AnyError::new(&failure)).into())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        let vote: Option<Vote> = self.log.newest_vote().map(|vote| decode(&vote)).transpose()?;
        // openraft would have a leader that starts again lead on at once. But it does not know what it had committed,
        // of which the note in the log may be old, and would answer read indexes with that. So it only has its own vote,
        // as a candidate has, and is elected anew.
        Ok(vote.map(|vote| match vote.leader_id.voted_for() == Some(self.member) {
            true => Vote::new(vote.leader_id.term, self.member),
            false => vote,
        }))
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError> {
        if let Some(committed) = committed {
            self.log.commit(encode(&committed)?);
        }
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, StorageError> {
        self.log.newest_committed().map(|committed| decode(&committed)).transpose()
    }

    async fn append<I>(&mut self, entries: I, callback: LogFlushed<TypeConfig>) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut group: Vec<Vec<u8>> = Vec::new();
        let (mut first, mut bytes) = (None, 0);
        for entry in entries {
            let encoded = encode(&entry)?;
            if bytes + encoded.len() > WRITE_BYTES_MAX
                && let Some(first) = first.take()
            {
                // A failure shows at the write behind it, since the log takes nothing after one.
                self.log.append(first, std::mem::take(&mut group), Box::new(|_| ()));
                bytes = 0;
            }
            first = first.or(Some(entry.log_id.index));
            bytes += encoded.len();
            group.push(encoded);
        }
        let flushed =
            move |result: Result<(), LogFailure>| callback.log_io_completed(result.map_err(Into::into));
        match first {
            Some(first) => self.log.append(first, group, Box::new(flushed)),
            None => flushed(Ok(())),
        }
        Ok(())
    }

    async fn truncate(&mut self, log_id: LogId) -> Result<(), StorageError> {
        let truncated = self.durable(|log, done| log.truncate(log_id.index, done)).await;
        truncated.map_err(|failure| StorageIOError::write_logs(AnyError::new(&failure)).into())
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        let id = encode(&log_id)?;
        let purged = self.durable(|log, done| log.purge(log_id.index, id, done)).await;
        purged.map_err(|failure| StorageIOError::write_logs(AnyError::new(&failure)).into())
    }
}

fn encode<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, StorageError> {
    postcard::to_stdvec(value)
        .map_err(|error| StorageIOError::<NodeId>::write_logs(AnyError::new(&error)).into())
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, StorageError> {
    postcard::from_bytes(bytes)
        .map_err(|error| StorageIOError::<NodeId>::read_logs(AnyError::new(&error)).into())
}

fn unreadable(error: &ReadError) -> StorageError {
    StorageIOError::read_logs(AnyError::new(error)).into()
}
