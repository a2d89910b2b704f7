//! The catalog as openraft asks for it.

#![expect(clippy::result_large_err, reason = "openraft fixes the error of its storage traits")]

use super::commits::{self, Commit, Commits};
use super::snapshot::{SnapshotError, SnapshotFile, SnapshotStore};
use super::types::{
    Entry, LogId, NodeId, Reply, Snapshot, SnapshotMeta, StorageError, StoredMembership, TypeConfig,
};
use crate::catalog::{
    Catalog, CatalogError, CommandEntry, Frozen, KeyAndRow, LogPosition, MembershipRow, ROWS_AT_ONCE, Tree,
};
use crate::id::MemberId;
use openraft::storage::RaftStateMachine;
use openraft::{
    AnyError, CommittedLeaderId, EntryPayload, ErrorSubject, ErrorVerb, OptionalSend, RaftSnapshotBuilder,
    StorageIOError,
};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Applies entries to the catalog and keeps its snapshots.
#[derive(Clone)]
pub(crate) struct StateMachine {
    catalog: Catalog,
    snapshots: Arc<SnapshotStore>,
    /// Held while entries are applied, and while rows are read that belong together.
    quiet: Arc<Mutex<Quiet>>,
    /// Entries that wait because too much has changed since a snapshot was begun go on.
    rows_read: Arc<Condvar>,
    /// Held while a snapshot is written and while one is installed.
    snapshotting: Arc<tokio::sync::Mutex<()>>,
    commits: Commits,
}

/// Whether the catalog takes entries, and who reads it as it was.
#[derive(Debug, Default)]
struct Quiet {
    is_closed: bool,
    frozen: Option<Frozen>,
}

impl StateMachine {
    pub(crate) fn new(catalog: Catalog, snapshots: Arc<SnapshotStore>) -> Self {
        Self {
            catalog,
            snapshots,
            quiet: Arc::default(),
            rows_read: Arc::default(),
            snapshotting: Arc::default(),
            commits: Commits::default(),
        }
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
        let is_full = |quiet: &mut Quiet| quiet.frozen.as_ref().is_some_and(Frozen::is_full);
        let waited = self.rows_read.wait_while(lock(&self.quiet), is_full);
        let mut quiet = waited.unwrap_or_else(PoisonError::into_inner);
        if quiet.is_closed {
            return Err(failed(&Closed));
        }
        let chunks = commits::chunks(&entries);
        let answers = self
            .catalog
            .apply_beside(entries, quiet.frozen.as_mut())
            .map_err(|error| catalog_failed(&error))?;
        self.commits.tell_all(chunks, &answers);
        Ok(answers.into_iter().map(|applied| Reply { applied }).collect())
    }

    /// Writes the catalog down as it is now, while entries go on being applied.
    fn write_snapshot(&self) -> Result<(SnapshotMeta, SnapshotFile), StorageError> {
        let meta = self.freeze()?;
        let written = self.snapshots.write_rows(&meta, || self.frozen_rows(ROWS_AT_ONCE));
        self.thaw();
        Ok((meta, written.map_err(|error| snapshot_failed(&error))?))
    }

    /// From here on [`StateMachine::frozen_rows`] gives the rows as they are at this moment.
    fn freeze(&self) -> Result<SnapshotMeta, StorageError> {
        let mut quiet = lock(&self.quiet);
        quiet.frozen = Some(Frozen::default());
        self.snapshot_meta()
    }

    fn frozen_rows(&self, limit: usize) -> Result<Option<Vec<(Tree, KeyAndRow)>>, CatalogError> {
        let rows = lock(&self.quiet).frozen.as_mut().expect("frozen").next(&self.catalog, limit);
        self.rows_read.notify_all();
        rows
    }

    fn thaw(&self) {
        lock(&self.quiet).frozen = None;
        self.rows_read.notify_all();
    }

    fn snapshot_meta(&self) -> Result<SnapshotMeta, StorageError> {
        let (last_log_id, last_membership) = self.applied()?;
        let snapshot_id = last_log_id.map_or_else(|| "empty".to_owned(), |id| id.to_string());
        Ok(SnapshotMeta { last_log_id, last_membership, snapshot_id })
    }

    /// The same in a simulation, where one thread does everything: entries are applied between two reads of rows. A control
    /// reads them without before-images.
    #[cfg(any(test, feature = "simulation"))]
    async fn write_simulated_snapshot(&self) -> Result<(SnapshotMeta, SnapshotFile), StorageError> {
        const ROWS_AT_ONCE: usize = 3;
        let meta = self.freeze()?;
        let (mut all, mut after): (Vec<(Tree, KeyAndRow)>, Option<crate::catalog::RowPlace>) =
            (Vec::new(), None);
        loop {
            let rows = match crate::simulation::runtime::tears_snapshots() {
                true => {
                    let torn = self.catalog.dump_some(after.as_ref(), ROWS_AT_ONCE);
                    torn.map(|rows| (!rows.is_empty()).then_some(rows))
                }
                false => self.frozen_rows(ROWS_AT_ONCE),
            };
            let Some(rows) = rows.map_err(|error| catalog_failed(&error))? else { break };
            after = rows.last().map(|(tree, (key, _))| (*tree, key.clone())).or(after);
            all.extend(rows);
            crate::simulation::runtime::disk_pause().await;
        }
        self.thaw();
        let mut all = Some(all);
        let written = self.snapshots.write_rows(&meta, || Ok(all.take()));
        Ok((meta, written.map_err(|error| snapshot_failed(&error))?))
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
        let _snapshotting = self.snapshotting.lock().await;
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
        let _snapshotting = self.snapshotting.lock().await;
        #[cfg(any(test, feature = "simulation"))]
        if crate::simulation::runtime::is_simulated() {
            let (meta, file) = self.write_simulated_snapshot().await?;
            return Ok(Snapshot { meta, snapshot: Box::new(file) });
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
