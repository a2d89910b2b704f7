//! What each member has of an object's closed chunks.

use super::Cluster;
use super::errors::ReplicationError;
use super::shared::Shared;
use crate::catalog::{Catalog, CatalogError, ChunkRow, ObjectState};
use crate::chunk::{ClosedChunk, CopyState, DiskError};
use crate::id::{ChunkId, ChunkNumber, MemberId, ObjectId};
use crate::rpc::{self, Asked};
use crate::tail::homes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Chunks that a member is asked about at once.
const ASKED_MAX: usize = 4096;
/// Rows of chunks read at once.
const CHUNKS_AT_ONCE: usize = 512;
/// How long to wait before asking again: at first, and at most.
const AGAIN_FIRST: Duration = Duration::from_millis(25);
const AGAIN_MAX: Duration = Duration::from_secs(1);

/// A member's copy of a chunk, as far as the member says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberCopy {
    /// What it says.
    Told(CopyState),
    /// It does not answer.
    Unreachable,
}

/// A closed chunk, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkCopies {
    /// The committed chunk.
    pub chunk: ClosedChunk,
    /// The members that are to hold it, and others that have a file of it.
    pub copies: BTreeMap<MemberId, MemberCopy>,
    /// How many of those that are to hold it have not said that they have a good copy.
    pub lacking: usize,
}

/// An object's closed chunks, its manifest last, and who has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replication {
    /// Whether it grows: its open chunk is on its members by the rules of appends, and not told here.
    pub is_open: bool,
    /// Its chunks.
    pub chunks: Vec<ChunkCopies>,
}

impl Replication {
    /// Whether it has stopped growing and each member that is to hold a chunk says that it has a good copy.
    pub fn is_synced(&self) -> bool {
        !self.is_open && self.chunks.iter().all(|chunk| chunk.lacking == 0)
    }

    /// The fewest good copies of a chunk; none without chunks.
    pub fn copies_min(&self) -> Option<usize> {
        self.chunks.iter().map(ChunkCopies::good).min()
    }
}

impl ChunkCopies {
    /// How many members say that they have a good copy.
    pub fn good(&self) -> usize {
        self.copies.values().filter(|copy| copy.is_good()).count()
    }
}

impl MemberCopy {
    fn is_good(&self) -> bool {
        matches!(self, Self::Told(CopyState::Verified { .. }))
    }
}

impl Cluster {
    /// What each member has of an object's closed chunks. Nothing is read again for it: each member tells when it compared
    /// its copy with the hash last. A member that does not answer within two seconds is told as such.
    pub async fn replication(&self, object: ObjectId) -> Result<Replication, ReplicationError> {
        self.read_index().await?;
        let shared = Arc::clone(&self.shared);
        let look = move || -> Result<_, ReplicationError> {
            let catalog = shared.catalog()?;
            let row = catalog.object(object)?.ok_or(ReplicationError::ObjectUnknown { object })?;
            let rows = chunks_of(catalog, object)?;
            let asked: Vec<Asked> = rows.iter().map(|row| asked(&row.chunk)).collect();
            let here = shared.copies(object, &asked)?;
            let homes = homes(object, &catalog.layout()?, catalog.replicas()?);
            Ok((row, rows, asked, here, homes))
        };
        let looked = self.shared.readers.run(look).await.ok_or(ReplicationError::Stopped)?;
        let (row, rows, asked, here, homes) = looked?;
        let mut copies: BTreeMap<MemberId, Option<Vec<CopyState>>> = BTreeMap::new();
        for (some, here) in asked.chunks(ASKED_MAX).zip(here.chunks(ASKED_MAX)) {
            let request = rpc::Request::Copies { object, chunks: some.to_vec() };
            let read = |answer: &[u8]| rpc::decode::<Option<Vec<CopyState>>>(answer)?;
            for (member, told) in self.shared.ask_all(&request, here.to_vec(), read).await {
                let told = told.filter(|told| told.len() == some.len());
                let so_far = copies.entry(member).or_insert_with(|| Some(Vec::new()));
                match (so_far.as_mut(), told) {
                    (Some(so_far), Some(told)) => so_far.extend(told),
                    (Some(_) | None, _) => *so_far = None,
                }
            }
        }
        let chunks = rows.iter().enumerate().map(|(at, row)| copies_of(row, at, &homes, &copies));
        let is_open = matches!(row.state, ObjectState::Open);
        Ok(Replication { is_open, chunks: chunks.collect() })
    }

    /// The same, as soon as it is synced, or as it is when the time is over. Cancel-safe.
    pub async fn replication_synced(
        &self,
        object: ObjectId,
        deadline: Duration,
    ) -> Result<Replication, ReplicationError> {
        let until = Instant::now() + deadline;
        let mut again = AGAIN_FIRST;
        loop {
            let replication = self.replication(object).await?;
            if replication.is_synced() || Instant::now() + again > until {
                return Ok(replication);
            }
            sleep(again).await;
            again = (again * 2).min(AGAIN_MAX);
        }
    }
}

impl Shared {
    /// What the copies of this member are worth. Looks at the disk: not for async threads.
    pub(super) fn copies(&self, object: ObjectId, asked: &[Asked]) -> Result<Vec<CopyState>, DiskError> {
        let state = |asked: &Asked| {
            let chunk = ChunkId { object, number: asked.number, epoch: asked.epoch };
            self.store.copy_state(chunk, asked.length_bytes)
        };
        asked.iter().map(state).collect()
    }
}

fn asked(chunk: &ClosedChunk) -> Asked {
    Asked { number: chunk.number, epoch: chunk.epoch, length_bytes: chunk.length_bytes }
}

/// Who has one chunk.
fn copies_of(
    row: &ChunkRow,
    at: usize,
    homes: &[MemberId],
    told: &BTreeMap<MemberId, Option<Vec<CopyState>>>,
) -> ChunkCopies {
    let mut copies: BTreeMap<MemberId, MemberCopy> =
        homes.iter().map(|home| (*home, MemberCopy::Unreachable)).collect();
    for (member, states) in told {
        let Some(state) = states.as_ref().and_then(|states| states.get(at)) else { continue };
        if homes.contains(member) || *state != CopyState::Missing {
            copies.insert(*member, MemberCopy::Told(*state));
        }
    }
    let lacking = homes.iter().filter(|home| !copies.get(home).is_some_and(MemberCopy::is_good)).count();
    ChunkCopies { chunk: row.chunk, copies, lacking }
}

/// The closed chunks of an object, its manifest last.
fn chunks_of(catalog: &Catalog, object: ObjectId) -> Result<Vec<ChunkRow>, CatalogError> {
    let mut rows: Vec<ChunkRow> = Vec::new();
    loop {
        let next = |row: &ChunkRow| row.chunk.number.0.checked_add(1);
        let from = match rows.last() {
            None => ChunkNumber(0),
            Some(last) => match next(last) {
                Some(next) => ChunkNumber(next),
                None => return Ok(rows),
            },
        };
        let found = catalog.chunks(object, from, CHUNKS_AT_ONCE)?;
        let is_last = found.len() < CHUNKS_AT_ONCE;
        rows.extend(found.into_iter().map(|(_, row)| row));
        if is_last {
            return Ok(rows);
        }
    }
}
