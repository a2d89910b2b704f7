//! The catalog as openraft asks for it.

#![expect(clippy::result_large_err, reason = "openraft fixes the error of its storage traits")]

use super::commits::{self, Commit, Commits};
use super::snapshot::{SnapshotError, SnapshotFile, SnapshotStore};
use super::types::{
    Entry, LogId, NodeId, Reply, Snapshot, SnapshotMeta, StorageError, StoredMembership, TypeConfig,
};
use crate::catalog::{Catalog, CatalogError, CommandEntry, LogPosition, MembershipRow};
use crate::id::MemberId;
use openraft::storage::RaftStateMachine;
use openraft::{
    AnyError, CommittedLeaderId, EntryPayload, ErrorSubject, ErrorVerb, OptionalSend, RaftSnapshotBuilder,
    StorageIOError,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Applies entries to the catalog and keeps its snapshots.
#[derive(Clone)]
pub(crate) struct StateMachine {
    catalog: Catalog,
    snapshots: Arc<SnapshotStore>,
    /// Held while entries are applied and while the catalog is written down.
    quiet: Arc<Mutex<Quiet>>,
    commits: Commits,
}

/// Whether the catalog takes entries.
#[derive(Debug, Default)]
struct Quiet {
    is_closed: bool,
}

impl StateMachine {
    pub(crate) fn new(catalog: Catalog, snapshots: Arc<SnapshotStore>) -> Self {
        Self { catalog, snapshots, quiet: Arc::default(), commits: Commits::default() }
    }

    /// Who is told of chunks that are committed.
    pub(crate) fn commits(&self) -> &Commits {
        &self.commits
    }

    /// Waits for what is under way and lets nothing change the catalog any more.
    pub(crate) fn close(&self) {
        lock(&self.quiet).is_closed = true;
    }

    fn applied(&self) -> Result<(Option<LogId>, StoredMembership), StorageError> {
        let position = self.catalog.applied().map_err(|error| catalog_failed(&error))?;
        let membership = self.catalog.membership().map_err(|error| catalog_failed(&error))?;
        let membership = match membership {
            Some(row) => postcard::from_bytes(&row.raft).map_err(|error| failed(&error))?,
            None => StoredMembership::default(),
        };
        Ok((position.map(log_id), membership))
    }

    fn apply_all(&self, entries: impl Iterator<Item = Entry>) -> Result<Vec<Reply>, StorageError> {
        let entries = entries.map(command_entry).collect::<Result<Vec<_>, _>>()?;
        let quiet = lock(&self.quiet);
        if quiet.is_closed {
            return Err(failed(&Closed));
        }
        let chunks = commits::chunks(&entries);
        let answers = self.catalog.apply(entries).map_err(|error| catalog_failed(&error))?;
        self.commits.tell_all(chunks, &answers);
        Ok(answers.into_iter().map(|applied| Reply { applied }).collect())
    }

    /// Writes the catalog down as it is now; entries wait meanwhile.
    fn write_snapshot(&self) -> Result<(SnapshotMeta, SnapshotFile), StorageError> {
        let _quiet = lock(&self.quiet);
        let meta = self.snapshot_meta()?;
        let written = self.snapshots.write(&self.catalog, &meta);
        Ok((meta, written.map_err(|error| snapshot_failed(&error))?))
    }

    fn snapshot_meta(&self) -> Result<SnapshotMeta, StorageError> {
        let (last_log_id, last_membership) = self.applied()?;
        let snapshot_id = last_log_id.map_or_else(|| "empty".to_owned(), |id| id.to_string());
        Ok(SnapshotMeta { last_log_id, last_membership, snapshot_id })
    }

    /// A control of the simulation: entries are applied while the catalog is written down.
    #[cfg(any(test, feature = "simulation"))]
    async fn tear_snapshot(&self) -> Result<Snapshot, StorageError> {
        const TORN_ROWS: usize = 3;
        let meta = self.snapshot_meta()?;
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let some = self.catalog.dump_some(after.as_ref(), TORN_ROWS);
            let some = some.map_err(|error| catalog_failed(&error))?;
            let Some((tree, (key, _))) = some.last() else { break };
            after = Some((*tree, key.clone()));
            rows.extend(some);
            crate::simulation::runtime::disk_pause().await;
        }
        let written = self.snapshots.write_rows(&meta, |_| Ok(std::mem::take(&mut rows)));
        let file = written.map_err(|error| snapshot_failed(&error))?;
        Ok(Snapshot { meta, snapshot: Box::new(file) })
    }
}

/// The catalog is closed; the entry is in the log and is applied after the next start.
#[derive(Debug, thiserror::Error)]
#[error("the catalog is closed")]
struct Closed;

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotBuilder = Self;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), StorageError> {
        self.applied()
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Reply>, StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        #[cfg(any(test, feature = "simulation"))]
        crate::simulation::runtime::apply_late().await;
        self.apply_all(entries.into_iter())
    }

    async fn get_snapshot_builder(&mut self) -> Self::SnapshotBuilder {
        self.clone()
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<SnapshotFile>, StorageError> {
        Ok(Box::new(self.snapshots.receiving()))
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: Box<SnapshotFile>,
    ) -> Result<(), StorageError> {
        let (machine, meta) = (self.clone(), meta.clone());
        let installed = self.snapshots.on_thread(move || {
            let _quiet = lock(&machine.quiet);
            let installed = machine.snapshots.install(&machine.catalog, &meta, &snapshot);
            machine.commits.tell(Commit::Snapshot);
            installed
        });
        installed.await.map_err(|error| snapshot_failed(&error))
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, StorageError> {
        let current = self.snapshots.current();
        Ok(current.map(|(meta, file)| Snapshot { meta, snapshot: Box::new(file) }))
    }
}

impl RaftSnapshotBuilder<TypeConfig> for StateMachine {
    async fn build_snapshot(&mut self) -> Result<Snapshot, StorageError> {
        #[cfg(any(test, feature = "simulation"))]
        if crate::simulation::runtime::tears_snapshots() {
            return self.tear_snapshot().await;
        }
        let machine = self.clone();
        let built = self.snapshots.on_thread(move || Ok(machine.write_snapshot())).await;
        let (meta, file) = built.map_err(|error| snapshot_failed(&error))??;
        Ok(Snapshot { meta, snapshot: Box::new(file) })
    }
}

fn command_entry(entry: Entry) -> Result<(LogPosition, CommandEntry), StorageError> {
    let command = match entry.payload {
        EntryPayload::Blank => CommandEntry::Blank,
        EntryPayload::Normal(proposal) => CommandEntry::Requests(proposal.requests),
        EntryPayload::Membership(membership) => {
            let voters = membership.voter_ids().map(MemberId).collect();
            let stored = StoredMembership::new(Some(entry.log_id), membership);
            let raft = postcard::to_stdvec(&stored).map_err(|error| failed(&error))?;
            CommandEntry::Membership(MembershipRow { voters, raft })
        }
    };
    Ok((position(entry.log_id), command))
}

pub(crate) fn position(id: LogId) -> LogPosition {
    LogPosition { term: id.leader_id.term, leader: MemberId(id.leader_id.node_id), index: id.index }
}

fn log_id(position: LogPosition) -> LogId {
    LogId::new(CommittedLeaderId::new(position.term, position.leader.0), position.index)
}

fn catalog_failed(error: &CatalogError) -> StorageError {
    failed(error)
}

fn snapshot_failed(error: &SnapshotError) -> StorageError {
    StorageIOError::<NodeId>::new(ErrorSubject::Snapshot(None), ErrorVerb::Write, AnyError::new(error)).into()
}

fn failed(error: &(impl std::error::Error + 'static)) -> StorageError {
    StorageIOError::<NodeId>::new(ErrorSubject::StateMachine, ErrorVerb::Write, AnyError::new(error)).into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
