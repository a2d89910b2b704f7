//! The door: commands, facts and bytes of one member.
//!
//! Whoever holds a [`Cluster`] needs nothing else of this crate's halves: [`Cluster::submit`] and
//! [`Cluster::catalog`] for facts, [`Cluster::append`], [`Cluster::seal`] and [`Cluster::read`] for bytes.
//! The chunks of an object and their facts are the door's own: OpenSession, OpenStream, OpenTextStream, TakeOver,
//! OpenChunk, CloseChunk, Interrupt and Seal are not to be submitted by others.

mod answer;
mod append;
mod errors;
mod evidence;
mod folder;
mod forget;
mod inbox;
mod input;
mod kek;
mod layout;
mod machine;
mod member;
mod options;
mod outbox;
mod pool;
mod purged;
mod read;
mod replication;
mod residue;
mod rewrap;
mod scrub;
mod shared;
mod space;
mod threads;
mod worker;

#[cfg(test)]
mod tests;

pub use crate::facts::MemberStatus;
pub use crate::facts::{MembershipChange, TendError};
pub use errors::{
    AppendError, FatalError, LayoutError, OpenSessionError, OrderError, ReadError, ReplicationError,
    ScrubError, SealError, StartError, StopError, WriteFailure,
};
pub use evidence::{Evidence, EvidenceError};
pub use forget::ForgetError;
pub use kek::KekError;
pub use layout::{LayoutMember, LayoutView};
pub use member::MemberView;
pub use options::{ClusterOptions, NewSession, Sealed, StartReport};
pub use purged::DeletePurgedError;
pub use read::ObjectRead;
pub use replication::{ChunkCopies, MemberCopy, Replication};
pub use residue::{Drain, Residue};
pub use worker::{MemberWorkers, Worker, WorkerOrder, WorkerState, WorkerStatus};

use crate::catalog::{
    Catalog, Command, Engine, Once, OnceKey, OpenSession, Outcome, Refusal, SledEngine, WrappedKeys,
};
use crate::chunk::Keks;
use crate::chunk::disk::Disk;
use crate::chunk::journal::JournalLimits;
use crate::chunk::key::{DataKey, Kek, KeyPurpose, Random};
use crate::facts::{Facts, FactsOptions, NotReady, ReadIndexError, SubmitError};
use crate::id::{ChunkId, ChunkNumber, MemberId, ObjectId, RecordingId};
use crate::raft::Commit;
use crate::rpc::{Handler, Peers};
use crate::tail::{Found, Member, MemberParts, Shelf, TailOptions};
use answer::Answers;
use bytes::Bytes;
use inbox::Inbox;
use input::Input;
use machine::{Machine, MachineParts};
use outbox::Outbox;
use pool::{Pool, join_all};
use scrub::Scrub;
use shared::{Parts, Shared};
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use threads::Clock;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout, timeout_at};

/// Most bytes of one append.
pub const APPEND_BYTES_MAX: usize = 8 << 20;
/// How long answers to other members may hold on to the door, and how often is looked.
const RELEASE_DEADLINE: Duration = Duration::from_secs(5);
const RELEASE_PAUSE: Duration = Duration::from_millis(2);
/// Threads that check what other members send.
const TAKE_THREADS: usize = 2;
/// How long a stop waits for the operations under way.
const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// One member's door to facts and bytes.
///
/// All methods may be called from any task, many at once. Those that change something run to their end also when
/// the caller's future is dropped; what the caller then does not learn, a retry does.
pub struct Cluster {
    shared: Arc<Shared>,
    clock: Clock,
    threads: Vec<JoinHandle<()>>,
    /// Whether nothing of the last run is left to be ended by this member alone.
    recovered: watch::Receiver<bool>,
    /// Open chunks that were found damaged or missing.
    damaged: Vec<ChunkId>,
    fatal: watch::Receiver<Option<FatalError>>,
    lock: Option<File>,
}

impl Cluster {
    /// Opens a member's folder, which no other process may have open. Must be called in a tokio runtime, which must
    /// outlive what is returned. Nothing is answered before [`Cluster::ready`].
    pub async fn start(
        options: ClusterOptions,
        keks: impl Into<Keks>,
        disk: Arc<dyn Disk>,
        random: Arc<dyn Random>,
        peers: Arc<dyn Peers>,
    ) -> Result<(Self, StartReport), StartError> {
        let lock = folder::lock(&options.dir)?;
        let (dir, boot_id) = (options.dir.join("catalog"), options.boot_id.clone());
        let (engine, _) = blocking(move || SledEngine::open(&dir, &boot_id)).await??;
        let (mut cluster, report) =
            Self::start_on(options, keks, disk, random, Arc::new(engine), peers).await?;
        cluster.lock = Some(lock);
        Ok((cluster, report))
    }

    /// As [`Cluster::start`], with the catalog in an engine of the caller's choice and without a lock on the
    /// folder: what a simulation needs.
    pub async fn start_on(
        options: ClusterOptions,
        keks: impl Into<Keks>,
        disk: Arc<dyn Disk>,
        random: Arc<dyn Random>,
        engine: Arc<dyn Engine>,
        peers: Arc<dyn Peers>,
    ) -> Result<(Self, StartReport), StartError> {
        let (bytes_disk, dir, limits) = (Arc::clone(&disk), options.dir.join("bytes"), options.journal);
        let keks = Arc::new(keks.into());
        let held = Arc::clone(&keks);
        let opened = move || open_bytes(bytes_disk, &dir, limits, &held);
        let (shelf, found, scrub) = blocking(opened).await??;
        let thread = |source| StartError::Thread { source };
        let facts_options = FactsOptions {
            founders: options.founders.clone(),
            snapshot_after_bytes: options.snapshot_after_bytes,
            ..FactsOptions::new(options.member, options.dir.join("facts"))
        };
        let readers = Pool::start("cluster-read", options.read_threads).map_err(thread)?;
        let takers = Pool::start("cluster-take", TAKE_THREADS).map_err(thread)?;
        let catalog = Catalog::new(Arc::clone(&engine));
        let (facts, facts_report) = Facts::start(facts_options, disk, engine, Arc::clone(&peers)).await?;
        let facts = Arc::new(facts);
        let (inputs_in, inputs) = mpsc::unbounded_channel();
        let inbox = Inbox::new(inputs_in);
        let commits = inbox.clone();
        facts.watch_commits(move |commit| {
            let input = match commit {
                Commit::Chunk { object, number } => Input::Committed { object, number },
                Commit::Snapshot => Input::Replaced,
            };
            commits.tell(input);
        });
        let report = StartReport {
            facts: facts_report,
            recovered: found.whole.clone(),
            damaged: found.damaged.clone(),
        };
        let damaged = found.damaged.iter().chain(&found.missing).copied().collect();
        let (store, tails) = (shelf.store().clone(), shelf.tails());
        let (tell_fatal, fatal) = watch::channel(None);
        let (tell_recovered, recovered) = watch::channel(false);
        let tail = tail_options(&options);
        let parts = MemberParts {
            member: options.member,
            options: tail,
            shelf,
            found,
            catalog,
            keks: Arc::clone(&keks),
        };
        let member = Member::new(parts);
        let shared = Parts {
            facts: Arc::clone(&facts),
            store,
            tails,
            keks,
            random,
            peers: Arc::clone(&peers),
            readers,
            takers,
            inbox: inbox.clone(),
            scrub: Arc::new(scrub),
            repairs: member.repairs(),
            drops: member.drops(),
        };
        let machine = MachineParts {
            me: options.member,
            member,
            facts,
            outbox: Outbox::new(peers, inbox.clone()),
            inputs,
            inbox: inbox.clone(),
            fatal: tell_fatal,
            recovered: tell_recovered,
        };
        let threads = Machine::start(machine).map_err(thread)?;
        let clock = Clock::start(inbox).map_err(thread)?;
        let shared = Arc::new(Shared::new(shared));
        Ok((Self { shared, clock, threads, recovered, damaged, fatal, lock: None }, report))
    }

    /// Waits until this member knows what is committed, and has ended what the last run left open and nobody else can
    /// end. Cancel-safe.
    pub async fn ready(&self, deadline: Duration) -> Result<(), ReadIndexError> {
        let until = Instant::now() + deadline;
        self.shared.facts.ready(deadline).await?;
        self.shared.inbox.tell(Input::Start);
        let mut recovered = self.recovered.clone();
        let waited = timeout_at(until, recovered.wait_for(|recovered| *recovered)).await;
        match waited.map(|recovered| recovered.map(drop)) {
            Ok(Ok(())) => {
                self.tell_keks().await.map_err(ReadIndexError::Keks)?;
                self.shared.be_ready();
                Ok(())
            }
            Ok(Err(_)) => Err(ReadIndexError::Stopped),
            Err(_) => Err(ReadIndexError::NoLeader),
        }
    }

    /// Submits a command and waits until it is committed on a majority and applied here.
    pub async fn submit(&self, command: Command) -> Result<Outcome, SubmitError> {
        self.shared.facts.submit(command).await
    }

    /// Waits until all that was committed anywhere before this call is applied here.
    pub async fn read_index(&self) -> Result<(), ReadIndexError> {
        self.shared.facts.read_index().await
    }

    /// The catalog as applied here. Refused until [`Cluster::ready`].
    pub fn catalog(&self) -> Result<&Catalog, NotReady> {
        self.shared.catalog()
    }

    /// This member.
    pub fn member(&self) -> MemberId {
        self.shared.facts.member()
    }

    /// The members of the cluster, by number.
    pub fn members(&self) -> Vec<MemberStatus> {
        self.shared.facts.members()
    }

    /// Chunks of the last run whose acknowledged bytes are damaged or missing on this member, and which are not closed
    /// yet. When too few other members have them, their objects refuse appends and seals, and reads end before them.
    pub fn lost(&self) -> Vec<ChunkId> {
        let is_open = |chunk: &ChunkId| {
            let row = self.catalog().ok()?.object(chunk.object).ok()??;
            let open = row.open_chunk.filter(|open| open.number != ChunkNumber::MANIFEST)?;
            Some((open.number, open.epoch) == (chunk.number, chunk.epoch))
        };
        let mut lost = self.damaged.clone();
        lost.retain(|chunk| is_open(chunk) == Some(true));
        lost.sort_unstable();
        lost
    }

    /// What answers other members; see [`crate::rpc::serve`]. End the server before [`Cluster::stop`].
    pub fn handler(&self) -> Arc<dyn Handler> {
        Arc::new(Answers(Arc::downgrade(&self.shared)))
    }

    /// Requests for objects that are under way.
    pub fn operations(&self) -> usize {
        self.shared.inbox.requests()
    }

    /// Resolves when the process must end. Cancel-safe.
    pub async fn fatal(&self) -> FatalError {
        let mut told = self.fatal.clone();
        let bytes = async move {
            match told.wait_for(Option::is_some).await.map(|fatal| fatal.clone()) {
                Ok(Some(fatal)) => fatal,
                Ok(None) | Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            fatal = bytes => fatal,
            reason = self.shared.facts.failed() => self.shared.facts_ended(reason),
        }
    }

    /// Opens a session: makes the recording's keys, wraps them with the current KEK, and commits both. The recording's
    /// bytes are the object `ObjectId::from(recording)`.
    ///
    /// Refused while too many members have no room, as far as [`Cluster::look_at_disks`] has heard.
    pub async fn open_session(&self, session: NewSession) -> Result<RecordingId, OpenSessionError> {
        let (recording, _) = self.commit_opening(session, None).await?;
        self.shared.inbox.tell(Input::Begin(recording.into()));
        Ok(recording)
    }

    /// As [`Cluster::open_session`], but the same session however often it is asked for under one key.
    pub async fn open_session_once(
        &self,
        session: NewSession,
        key: OnceKey,
    ) -> Result<RecordingId, OpenSessionError> {
        let (recording, outcome) = self.commit_opening(session, Some(key)).await?;
        if let Outcome::Again { note, .. } = &outcome {
            let unknown = SubmitError::Unknown { id: None };
            return note.as_slice().try_into().map(RecordingId).map_err(|_| unknown.into());
        }
        self.shared.inbox.tell(Input::Begin(recording.into()));
        Ok(recording)
    }

    /// Commits a new recording's keys and its session, once where a key says so.
    async fn commit_opening(
        &self,
        session: NewSession,
        once: Option<OnceKey>,
    ) -> Result<(RecordingId, Outcome), OpenSessionError> {
        if let Some(full) = self.full_members() {
            return Err(OpenSessionError::StorageFull { full });
        }
        let NewSession { info } = session;
        loop {
            let kek = self.shared.current_kek()?;
            let (recording, keys) = new_keys(&kek, &*self.shared.random)?;
            let open = OpenSession { recording, info: info.clone(), keys, owner: self.member() };
            let open = Command::OpenSession(open);
            let command = match once {
                Some(key) => Command::Once(Once { key, note: recording.0.to_vec(), command: Box::new(open) }),
                None => open,
            };
            match self.submit(command).await {
                // Another one has come into use meanwhile, as is known here.
                Err(SubmitError::Refused(Refusal::KekNotCurrent { current })) if current != kek.id() => {}
                outcome => return Ok((recording, outcome?)),
            }
        }
    }

    /// A further stream of a recording, for what derives from it: its index, packets, a video; or, under the second
    /// key, text of its keystrokes.
    pub async fn open_stream(
        &self,
        recording: RecordingId,
        purpose: KeyPurpose,
    ) -> Result<ObjectId, SubmitError> {
        let owner = self.member();
        let open = match purpose {
            KeyPurpose::Bytes => Command::OpenStream { recording, owner },
            KeyPurpose::Text => Command::OpenTextStream { recording, owner },
        };
        let Outcome::Stream(stream) = self.submit(open).await? else {
            return Err(SubmitError::Unknown { id: None });
        };
        let object = ObjectId { recording, stream };
        self.shared.inbox.tell(Input::Begin(object));
        Ok(object)
    }

    /// Appends bytes at an offset of an object. When this returns, they and all before them are durable; the answer
    /// is the object's durable offset. At most [`APPEND_BYTES_MAX`] bytes.
    ///
    /// Bytes that the object holds already are compared, so that a retry is harmless. Appends to one object are
    /// done one after the other, in the order in which they came.
    pub async fn append(
        &self,
        object: ObjectId,
        offset: u64,
        bytes: impl Into<Bytes>,
    ) -> Result<u64, AppendError> {
        let bytes = bytes.into();
        if bytes.len() > APPEND_BYTES_MAX {
            return Err(AppendError::TooLong { bytes: bytes.len(), limit_bytes: APPEND_BYTES_MAX });
        }
        self.shared.append(object, offset, bytes).await
    }

    /// Up to where an object's bytes are durable: where its recorder goes on. Does not wait for appends under way.
    pub async fn durable_offset(&self, object: ObjectId) -> Result<u64, AppendError> {
        Ok(self.shared.durable_offset(object).await?)
    }

    /// Closes the open chunk of an object whose recorder is away, and says so in the catalog. The next append
    /// resumes it.
    pub async fn interrupt(&self, object: ObjectId) -> Result<(), SealError> {
        Ok(self.shared.interrupt(object).await?)
    }

    /// Makes an object final. One that is sealed already gives the same answer.
    pub async fn seal(&self, object: ObjectId) -> Result<Sealed, SealError> {
        Ok(self.shared.seal(object).await?.into())
    }

    /// Reads a range of an object, sealed or growing, checked and decrypted. It must end at or before
    /// [`Cluster::length`].
    pub async fn read(&self, object: ObjectId, range: Range<u64>) -> Result<ObjectRead, ReadError> {
        self.shared.read(object, range).await
    }

    /// How many bytes of an object may be read; grows while the object does, and does not wait for appends.
    pub async fn length(&self, object: ObjectId) -> Result<u64, ReadError> {
        self.shared.length(object).await
    }

    /// Before a stop in order, while other members can still reach this one: another one leads, if this one does, and
    /// what this one owns is owned by whichever member somebody asks for it. Requests are passed on to the others.
    pub async fn hand_over(&self) {
        // Who finds no other to lead leads until it stops.
        let _: bool = self.shared.facts.hand_over().await;
        self.shared.inbox.tell(Input::Leave);
    }

    /// Ends in order: requests, threads, facts, the lock on the folder.
    pub async fn stop(self) -> Result<(), StopError> {
        let Self { shared, clock, threads, recovered, damaged: _, fatal, lock } = self;
        drop(recovered);
        shared.forget_worker.stop();
        let all_ended = timeout(STOP_DEADLINE, shared.inbox.finish()).await.is_ok();
        shared.inbox.close();
        shared.inbox.tell(Input::Stop);
        join_all(vec![clock.stop()]).await;
        join_all(threads).await;
        shared.readers.stop().await;
        shared.takers.stop().await;
        let facts = released(shared).await.map(|shared| shared.facts);
        let facts = facts.and_then(Arc::into_inner).ok_or(StopError::Busy)?;
        let stopped = facts.stop().await;
        drop(lock);
        if let Some(fatal) = fatal.borrow().clone() {
            return Err(fatal.into());
        }
        stopped?;
        if all_ended { Ok(()) } else { Err(StopError::Busy) }
    }
}

/// Requests, threads and reads have ended: only answers to other members that are on their way have it yet.
async fn released(mut shared: Arc<Shared>) -> Option<Shared> {
    let until = Instant::now() + RELEASE_DEADLINE;
    loop {
        match Arc::try_unwrap(shared) {
            Ok(shared) => return Some(shared),
            Err(held) if Instant::now() < until => shared = held,
            Err(_) => return None,
        }
        tokio::time::sleep(RELEASE_PAUSE).await;
    }
}

/// Runs what waits for a disk away from the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StartError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StartError::Thread { source: std::io::Error::other(error) })
}

fn open_bytes(
    disk: Arc<dyn Disk>,
    dir: &Path,
    limits: JournalLimits,
    keks: &Keks,
) -> Result<(Shelf, Found, Scrub), StartError> {
    let volume = folder::volume(disk, dir)?;
    folder::check_kek(&volume, keks)?;
    let scrub = Scrub::open(&volume)?;
    let (shelf, found) = Shelf::open(volume, limits)?;
    Ok((shelf, found, scrub))
}

fn tail_options(options: &ClusterOptions) -> TailOptions {
    let idle_ms = u64::try_from(options.idle_after.as_millis()).unwrap_or(u64::MAX);
    TailOptions { idle_ms, ..TailOptions::default() }
}

/// A new recording's identifier and keys.
fn new_keys(kek: &Kek, random: &dyn Random) -> Result<(RecordingId, WrappedKeys), OpenSessionError> {
    let mut recording = RecordingId([0; 16]);
    random.fill(&mut recording.0)?;
    let wrap = |purpose| -> Result<Vec<u8>, OpenSessionError> {
        let key = DataKey::generate(recording, purpose, random)?;
        Ok(key.wrap(kek, random)?.to_bytes().to_vec())
    };
    let (data, derived) = (wrap(KeyPurpose::Bytes)?, wrap(KeyPurpose::Text)?);
    Ok((recording, WrappedKeys { kek: kek.id(), data, derived }))
}
