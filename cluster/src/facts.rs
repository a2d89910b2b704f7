//! The door to the facts: commands go in, the catalog is read.

mod errors;
mod forgetting;
mod handover;
mod leading;
mod membership;
mod message;
mod proposer;
mod rounds;

#[cfg(test)]
mod tests;

pub(crate) use message::FactsRequest;

pub use errors::{
    ForgetError, NotReady, ReadIndexError, StartError, StopError, SubmitError, TakeSnapshotError,
};
pub use membership::{MembershipChange, TendError};

use crate::catalog::{
    Catalog, CatalogError, Command, Engine, Incarnation, Outcome, Refusal, Request, RequestId,
};
use crate::chunk::disk::Disk;
use crate::id::MemberId;
use crate::raft::{
    Commit, ENTRIES_KEPT, LogOptions, LogStore, REQUESTS_BYTES_MAX, Raft, RaftDoor, RaftLog, RaftPeers,
    SnapshotStore, StateMachine, TornTail, config, entry_bytes,
};
use crate::rpc::Peers;
use crate::runtime::{self, Instant};
use message::NotCommitted;
use openraft::error::{InitializeError, RaftError};
use proposer::Proposer;
use rounds::Rounds;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a command may take before its outcome is called unknown.
const SUBMIT_DEADLINE: Duration = Duration::from_secs(10);

/// Where a member's facts are kept, and how.
#[derive(Debug, Clone)]
pub struct FactsOptions {
    /// This member.
    pub member: MemberId,
    /// The folder for log and snapshots on the disk.
    pub dir: PathBuf,
    /// Sizes of the log.
    pub log: LogOptions,
    /// After so many bytes of log a snapshot is taken, or after as many as the one before is long, eight times this at most:
    /// a large catalog is not written down for every little change.
    pub snapshot_after_bytes: u64,
    /// Entries that stay in the log although a snapshot holds them, for members a little behind.
    pub entries_kept: u64,
    /// The voters of a new cluster, which a member without any facts makes; all of them name the same. A member that
    /// joins a cluster names none.
    pub founders: BTreeSet<MemberId>,
}

impl FactsOptions {
    /// The usual sizes.
    pub fn new(member: MemberId, dir: PathBuf) -> Self {
        let log = LogOptions::default();
        let (snapshot_after_bytes, entries_kept) = (256 << 20, ENTRIES_KEPT);
        Self { member, dir, log, snapshot_after_bytes, entries_kept, founders: BTreeSet::new() }
    }
}

/// A member as Raft sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberStatus {
    /// Which.
    pub id: MemberId,
    /// Whether it votes.
    pub is_voter: bool,
    /// Whether it leads.
    pub is_leader: bool,
}

/// What was found at a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartReport {
    /// What was cut at the end of the log; nothing of it was acknowledged.
    pub torn_tail: Option<TornTail>,
    /// Why the catalog was rebuilt from snapshot and log, when it was.
    pub rebuilt: Option<Rebuild>,
}

/// Why a catalog is rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rebuild {
    /// The engine is empty or holds a part only.
    Incomplete,
    /// A row that says how far it is cannot be read.
    Unreadable,
    /// The snapshot is newer.
    BehindSnapshot,
    /// It holds what the log does not.
    BesideLog,
    /// Its indexes are an older Custody's, which say too little.
    OlderIndexes,
}

/// The facts of a member.
pub struct Facts {
    member: MemberId,
    catalog: Catalog,
    engine: Arc<dyn Engine>,
    raft: Raft,
    raft_door: RaftDoor,
    peers: Arc<dyn Peers>,
    log: Arc<RaftLog>,
    snapshots: Arc<SnapshotStore>,
    machine: StateMachine,
    proposer: Proposer,
    incarnation: Mutex<Option<Incarnation>>,
    /// Held while it is begun.
    beginning: tokio::sync::Mutex<()>,
    sequence: AtomicU64,
    has_read_index: AtomicBool,
    /// Takes no requests for the leader, since another member is to lead.
    hands_over: AtomicBool,
    /// Read indexes of this member where it leads, and of the leader where it follows.
    leading_rounds: Rounds<Result<u64, NotCommitted>>,
    following_rounds: Rounds<Result<u64, NotCommitted>>,
}

impl Facts {
    /// Opens log, snapshots and catalog and takes part in Raft. Must be called in a tokio runtime, which must
    /// outlive what is returned. Nothing is answered before [`Facts::ready`].
    pub async fn start(
        options: FactsOptions,
        disk: Arc<dyn Disk>,
        engine: Arc<dyn Engine>,
        peers: Arc<dyn Peers>,
    ) -> Result<(Self, StartReport), StartError> {
        let snapshots = Arc::new(SnapshotStore::open(Arc::clone(&disk), &options.dir.join("snapshots"))?);
        let (log, torn_tail) = RaftLog::open(disk, &options.dir.join("log"), options.log)?;
        let catalog = Catalog::new(Arc::clone(&engine));
        let rebuilt = why_rebuild(&catalog, &log, &snapshots)?;
        if rebuilt.is_some() {
            snapshots.load(&catalog)?;
        }
        check_reach(&catalog, &log)?;
        let log = Arc::new(log);
        let machine = StateMachine::new(catalog.clone(), Arc::clone(&snapshots));
        let settings = config(options.entries_kept).map_err(|source| StartError::Raft { source })?;
        let store = LogStore::new(Arc::clone(&log), options.member.0);
        let raft = Raft::new(
            options.member.0,
            Arc::new(settings),
            RaftPeers(Arc::clone(&peers)),
            store,
            machine.clone(),
        )
        .await;
        let raft = raft.map_err(|error| StartError::Raft { source: Box::new(error) })?;
        if !options.founders.is_empty() {
            initialize(&raft, &options.founders).await?;
        }
        let raft_door = RaftDoor::new(raft.clone(), Arc::clone(&snapshots));
        let snapshots_kept = Arc::clone(&snapshots);
        let proposer =
            Proposer::start(raft.clone(), Arc::clone(&log), snapshots_kept, options.snapshot_after_bytes)
                .map_err(|source| StartError::Thread { source })?;
        let facts = Self {
            member: options.member,
            catalog,
            engine,
            raft,
            raft_door,
            peers,
            log,
            snapshots,
            machine,
            proposer,
            incarnation: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
            sequence: AtomicU64::new(1),
            has_read_index: AtomicBool::new(false),
            hands_over: AtomicBool::new(false),
            leading_rounds: Rounds::default(),
            following_rounds: Rounds::default(),
        };
        Ok((facts, StartReport { torn_tail, rebuilt }))
    }

    /// Waits for a leader, takes a read index and an incarnation, and seeds what a new cluster has.
    pub async fn ready(&self, deadline: Duration) -> Result<(), ReadIndexError> {
        self.read_index_until(Instant::now() + deadline).await?;
        self.begin_incarnation_after(None).await?;
        self.submit(Command::Seed).await.map_err(ReadIndexError::Start)?;
        Ok(())
    }

    /// Submits a command and waits until it is committed on a majority and applied here. Not cancel-safe: a
    /// dropped call may or may not have had its effect.
    pub async fn submit(&self, command: Command) -> Result<Outcome, SubmitError> {
        let id = self.next_request_id()?;
        self.resubmit(id, command).await
    }

    /// A new name for a request. Who keeps it can ask again after an unknown outcome.
    pub fn next_request_id(&self) -> Result<RequestId, NotReady> {
        let incarnation = self.incarnation().ok_or(NotReady)?;
        Ok(RequestId { incarnation, sequence: self.sequence.fetch_add(1, Ordering::Relaxed) })
    }

    /// Submits a command under a name: however often, it has one effect and one outcome.
    pub async fn resubmit(&self, id: RequestId, command: Command) -> Result<Outcome, SubmitError> {
        let submitted = self.propose(Some(id), command).await;
        if let Err(SubmitError::Refused(Refusal::IncarnationGone { member })) = submitted
            && member == self.member
        {
            // A start of this member was committed late: one that was sent twice, or by the process before this one.
            // Whoever asks after this call is not refused for that; who is not answered here asks again as well.
            let _: Result<(), ReadIndexError> = self.begin_incarnation_after(Some(id.incarnation)).await;
        }
        submitted
    }

    /// Waits until all that was committed anywhere before this call is applied here.
    pub async fn read_index(&self) -> Result<(), ReadIndexError> {
        self.read_index_until(Instant::now() + SUBMIT_DEADLINE).await
    }

    /// The catalog as applied here. Refused until a read index taken after the start is applied.
    pub fn catalog(&self) -> Result<&Catalog, NotReady> {
        match self.has_read_index.load(Ordering::Acquire) {
            true => Ok(&self.catalog),
            false => Err(NotReady),
        }
    }

    /// Tells somebody of each chunk that is committed, from here on. It must not block.
    pub(crate) fn watch_commits(&self, watcher: impl Fn(Commit) + Send + Sync + 'static) {
        self.machine.commits().watch(Box::new(watcher));
    }

    /// This member.
    pub fn member(&self) -> MemberId {
        self.member
    }

    /// The leader, if this member knows one.
    pub async fn leader(&self) -> Option<MemberId> {
        self.raft.current_leader().await.map(MemberId)
    }

    /// The members of the cluster, by number, as this member knows them.
    pub fn members(&self) -> Vec<MemberStatus> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        let voters: BTreeSet<u64> = metrics.membership_config.voter_ids().collect();
        let nodes = metrics.membership_config.nodes();
        let status = |(id, _): (&u64, _)| MemberStatus {
            id: MemberId(*id),
            is_voter: voters.contains(id),
            is_leader: metrics.current_leader == Some(*id),
        };
        nodes.map(status).collect()
    }

    /// Resolves when Raft has ended, because a disk failed or by [`Facts::stop`], and says why. Cancel-safe.
    pub async fn failed(&self) -> String {
        let mut metrics = self.raft.metrics();
        loop {
            let state = metrics.borrow_and_update().running_state.clone();
            if let Err(error) = state {
                return error.to_string();
            }
            if metrics.changed().await.is_err() {
                return "raft has ended".to_owned();
            }
        }
    }

    /// Raft itself, for the members that a simulation changes.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn raft(&self) -> &Raft {
        &self.raft
    }

    /// The log, for what a simulation compares.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn log(&self) -> &RaftLog {
        &self.log
    }

    /// The catalog, whether or not it may be read for others yet.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn own_catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The last entry that has left the log.
    #[cfg(test)]
    pub(crate) fn purged(&self) -> Option<u64> {
        self.log.purged().map(|(purged, _)| purged)
    }

    /// Requests that wait to be proposed.
    pub fn waiting(&self) -> usize {
        self.proposer.waiting()
    }

    /// Takes a snapshot now; what it holds can then leave the log.
    pub async fn snapshot(&self, deadline: Duration) -> Result<(), TakeSnapshotError> {
        let applied = self.catalog.applied()?.map(|position| position.index);
        self.raft.trigger().snapshot().await.map_err(|_| TakeSnapshotError::Stopped)?;
        let raft = self.raft.wait(Some(deadline));
        let is_taken = |raft: &openraft::RaftMetrics<u64, _>| raft.snapshot.map(|id| id.index) >= applied;
        let taken = raft.metrics(is_taken, "a snapshot of all that is applied").await;
        taken.map(|_| ()).map_err(|_| TakeSnapshotError::Deadline { deadline })
    }

    /// Ends in order: requests, Raft, log, snapshots, catalog. A catalog that was closed is kept even if the
    /// machine restarts.
    pub async fn stop(self) -> Result<(), StopError> {
        let shut = self.proposer.stop(self.raft.shutdown()).await;
        self.machine.close();
        self.log.close();
        self.snapshots.close();
        self.engine.close().map_err(CatalogError::Engine)?;
        shut.map_err(|_| StopError::Raft)
    }

    fn incarnation(&self) -> Option<Incarnation> {
        *self.incarnation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an incarnation, unless there is another one than that already.
    async fn begin_incarnation_after(&self, gone: Option<Incarnation>) -> Result<(), ReadIndexError> {
        let _beginning = self.beginning.lock().await;
        if self.incarnation() == gone {
            let next = self.begin_incarnation().await?;
            *self.incarnation.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
        }
        Ok(())
    }

    async fn begin_incarnation(&self) -> Result<Incarnation, ReadIndexError> {
        let started = self.propose(None, Command::StartMember { member: self.member }).await;
        let outcome = started.map_err(ReadIndexError::Start)?;
        let Outcome::Started(incarnation) = outcome else {
            return Err(ReadIndexError::Answer { outcome });
        };
        Ok(incarnation)
    }

    async fn read_index_until(&self, until: Instant) -> Result<(), ReadIndexError> {
        self.catch_up(until).await?;
        self.has_read_index.store(true, Ordering::Release);
        Ok(())
    }

    async fn propose(&self, id: Option<RequestId>, command: Command) -> Result<Outcome, SubmitError> {
        let request = Request { id, command };
        let bytes = entry_bytes(&request).ok_or(SubmitError::Unencodable)?;
        if bytes > REQUESTS_BYTES_MAX {
            return Err(SubmitError::TooLong { bytes, limit_bytes: REQUESTS_BYTES_MAX });
        }
        // A start that is committed twice only begins two incarnations, of which the second counts.
        let may_repeat = id.is_some() || matches!(request.command, Command::StartMember { .. });
        let until = Instant::now() + SUBMIT_DEADLINE;
        let committed = runtime::timeout_at(until, self.commit(request, may_repeat, until)).await;
        let applied = committed.ok_or(SubmitError::Unknown { id })??;
        applied.map_err(SubmitError::Refused)
    }
}

/// Begins a new cluster. One that is initialized is left as it is.
async fn initialize(raft: &Raft, founders: &BTreeSet<MemberId>) -> Result<(), StartError> {
    let voters: BTreeSet<u64> = founders.iter().map(|member| member.0).collect();
    match raft.initialize(voters).await {
        Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(()),
        Err(error) => Err(StartError::Initialize { source: Box::new(error) }),
    }
}

/// Whether the engine's rows can be kept.
fn why_rebuild(
    catalog: &Catalog,
    log: &RaftLog,
    snapshots: &SnapshotStore,
) -> Result<Option<Rebuild>, StartError> {
    let applied = match catalog.applied() {
        Ok(Some(applied)) => applied,
        Ok(None) => return Ok(Some(Rebuild::Incomplete)),
        Err(CatalogError::Row(_)) => return Ok(Some(Rebuild::Unreadable)),
        Err(error @ CatalogError::Engine(_)) => return Err(error.into()),
    };
    if !catalog.has_index_rows()? {
        return Ok(Some(Rebuild::OlderIndexes));
    }
    if snapshots.current().is_some_and(|(meta, _)| meta.last_log_id.map(|id| id.index) > Some(applied.index))
    {
        return Ok(Some(Rebuild::BehindSnapshot));
    }
    match LogStore::position(log, applied.index)? {
        Some(position) if position == applied => Ok(None),
        None if log.purged().is_some_and(|(purged, _)| purged >= applied.index) => Ok(None),
        Some(_) | None => Ok(Some(Rebuild::BesideLog)),
    }
}

/// The log must begin where the catalog ends, or before.
fn check_reach(catalog: &Catalog, log: &RaftLog) -> Result<(), StartError> {
    let applied = catalog.applied()?.map(|position| position.index);
    match log.purged() {
        Some((purged, _)) if Some(purged) > applied => Err(StartError::SnapshotMissing { purged, applied }),
        Some(_) | None => Ok(()),
    }
}
