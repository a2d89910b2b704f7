//! The door: commands, facts and bytes of one member.
//!
//! Whoever holds a [`Cluster`] needs nothing else of this crate's halves: [`Cluster::submit`] and
//! [`Cluster::catalog`] for facts, [`Cluster::append`], [`Cluster::seal`] and [`Cluster::read`] for bytes.
//! The chunks of an object and their facts are the door's own: OpenSession, OpenStream, OpenTextStream, TakeOver,
//! OpenChunk, CloseChunk, Interrupt and Seal are not to be submitted by others.

mod answer;
mod append;
mod errors;
mod folder;
mod object;
mod operations;
mod options;
mod owner;
mod pool;
mod purged;
mod read;
mod recovery;
mod seal;
mod shared;
mod threads;

#[cfg(test)]
mod tests;

pub use crate::facts::MemberStatus;
pub use errors::{
    AppendError, FatalError, OpenSessionError, ReadError, SealError, StartError, StopError, WriteFailure,
};
pub use options::{ClusterOptions, NewSession, Sealed, StartReport};
pub use purged::DeletePurgedError;
pub use read::ObjectRead;

use crate::catalog::{Catalog, Command, Engine, OpenSession, Outcome, SledEngine, WrappedKeys};
use crate::chunk::disk::{Disk, Fatal};
use crate::chunk::journal::{
    Committer, Journal, JournalHandle, JournalLimits, Recovered, Retirer, group_commit,
};
use crate::chunk::key::{DataKey, Kek, KeyPurpose, Random};
use crate::chunk::{ChunkStore, FileError};
use crate::facts::{Facts, FactsOptions, NotReady, ReadIndexError, SubmitError};
use crate::id::{ChunkId, MemberId, ObjectId, RecordingId};
use crate::rpc::{Handler, Peers};
use answer::Answers;
use append::Append;
use errors::Halt;
use object::{Object, View, Writer};
use pool::{Pool, join_all};
use recovery::Recovery;
use shared::{Parts, Shared};
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use threads::Clock;
use tokio::sync::watch;

/// Most bytes of one append.
pub const APPEND_BYTES_MAX: usize = 8 << 20;
/// How long a stop waits for the operations under way.
const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// One member's door to facts and bytes.
///
/// All methods may be called from any task, many at once. Those that change something run to their end also when
/// the caller's future is dropped; what the caller then does not learn, a retry does.
pub struct Cluster {
    shared: Arc<Shared>,
    clock: Clock,
    journal_threads: Vec<JoinHandle<()>>,
    /// What the last run left open, until [`Cluster::ready`] looks at it.
    recovery: tokio::sync::Mutex<Recovery>,
    fatal: watch::Receiver<Option<Fatal>>,
    lock: Option<File>,
}

/// The bytes of a member, as they were found.
struct Bytes {
    store: ChunkStore,
    journal: JournalHandle,
    committer: Committer,
    retirer: Retirer,
    recovered: Vec<Recovered>,
}

impl Cluster {
    /// Opens a member's folder, which no other process may have open. Must be called in a tokio runtime, which must
    /// outlive what is returned. Nothing is answered before [`Cluster::ready`].
    pub async fn start(
        options: ClusterOptions,
        kek: Kek,
        disk: Arc<dyn Disk>,
        random: Arc<dyn Random>,
        peers: Arc<dyn Peers>,
    ) -> Result<(Self, StartReport), StartError> {
        let lock = folder::lock(&options.dir)?;
        let (dir, boot_id) = (options.dir.join("catalog"), options.boot_id.clone());
        let (engine, _) = blocking(move || SledEngine::open(&dir, &boot_id)).await??;
        let (mut cluster, report) =
            Self::start_on(options, kek, disk, random, Arc::new(engine), peers).await?;
        cluster.lock = Some(lock);
        Ok((cluster, report))
    }

    /// As [`Cluster::start`], with the catalog in an engine of the caller's choice and without a lock on the
    /// folder: what a simulation needs.
    pub async fn start_on(
        options: ClusterOptions,
        kek: Kek,
        disk: Arc<dyn Disk>,
        random: Arc<dyn Random>,
        engine: Arc<dyn Engine>,
        peers: Arc<dyn Peers>,
    ) -> Result<(Self, StartReport), StartError> {
        let (bytes_disk, dir, limits) = (Arc::clone(&disk), options.dir.join("bytes"), options.journal);
        let (bytes, kek) =
            blocking(move || open_bytes(bytes_disk, &dir, limits, &kek).map(|bytes| (bytes, kek))).await??;
        let Bytes { store, journal, committer, retirer, recovered } = bytes;
        let thread = |source| StartError::Thread { source };
        let facts_options = FactsOptions {
            founders: options.founders.clone(),
            snapshot_after_bytes: options.snapshot_after_bytes,
            ..FactsOptions::new(options.member, options.dir.join("facts"))
        };
        let writers = Pool::start("cluster-write", options.write_threads).map_err(thread)?;
        let readers = Pool::start("cluster-read", options.read_threads).map_err(thread)?;
        let (facts, facts_report) = Facts::start(facts_options, disk, engine, peers).await?;
        let (tell_fatal, fatal) = watch::channel(None);
        let journal_threads = threads::start_journal(committer, retirer, &tell_fatal).map_err(thread)?;
        let parts = Parts { facts, store, journal, kek, random, writers, readers, fatal: tell_fatal };
        let shared = Arc::new(Shared::new(parts));
        let clock = Clock::start(&shared, options.idle_after).map_err(thread)?;
        let report = StartReport {
            facts: facts_report,
            recovered: chunks(&recovered, |recovered| recovered.outcome.is_ok()),
            damaged: chunks(&recovered, |recovered| matches!(recovered.outcome, Err(FileError::Damaged(_)))),
        };
        let recovery = tokio::sync::Mutex::new(Recovery::Found(recovered));
        Ok((Self { shared, clock, journal_threads, recovery, fatal, lock: None }, report))
    }

    /// Waits until this member knows what is committed, then closes what the last run left open.
    pub async fn ready(&self, deadline: Duration) -> Result<(), ReadIndexError> {
        let until = tokio::time::Instant::now() + deadline;
        let recover = async {
            let mut recovery = self.recovery.lock().await;
            self.shared.facts.ready(deadline).await?;
            recovery.run(&self.shared).await
        };
        tokio::time::timeout_at(until, recover).await.map_err(|_| ReadIndexError::NoLeader)?
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

    /// Chunks of the last run whose acknowledged bytes are damaged or missing on this member. Their objects refuse
    /// appends and seals, and reads end before them.
    pub fn lost(&self) -> Vec<ChunkId> {
        let mut lost: Vec<ChunkId> =
            self.shared.all().iter().filter_map(|object| object.view().lost).collect();
        lost.sort_unstable();
        lost
    }

    /// What answers other members; see [`crate::rpc::serve`]. End the server before [`Cluster::stop`].
    pub fn handler(&self) -> Arc<dyn Handler> {
        Arc::new(Answers(Arc::downgrade(&self.shared)))
    }

    /// Changes of objects that are under way.
    pub fn operations(&self) -> usize {
        self.shared.operations.count()
    }

    /// Resolves when the process must end. Cancel-safe.
    pub async fn fatal(&self) -> FatalError {
        let mut told = self.fatal.clone();
        let bytes = async move {
            match told.wait_for(Option::is_some).await.map(|fatal| fatal.clone()) {
                Ok(Some(fatal)) => FatalError::Bytes(fatal),
                Ok(None) | Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            fatal = bytes => fatal,
            reason = self.shared.facts.failed() => FatalError::Facts { reason },
        }
    }

    /// Opens a session: makes the recording's keys, wraps them with the KEK, and commits both. The recording's
    /// bytes are the object `ObjectId::from(recording)`.
    pub async fn open_session(&self, session: NewSession) -> Result<RecordingId, OpenSessionError> {
        let NewSession { info } = session;
        let (recording, keys) = new_keys(&self.shared.kek, &*self.shared.random)?;
        let owner = self.member();
        self.submit(Command::OpenSession(OpenSession { recording, info, keys, owner })).await?;
        self.keep_new(recording.into());
        Ok(recording)
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
        self.keep_new(object);
        Ok(object)
    }

    /// Appends bytes at an offset of an object. When this returns, they and all before them are durable; the answer
    /// is the object's durable offset. At most [`APPEND_BYTES_MAX`] bytes.
    ///
    /// Bytes that the object holds already are compared, so that a retry is harmless. Appends to one object are
    /// done one after the other, in the order in which they came.
    pub async fn append(&self, object: ObjectId, offset: u64, bytes: Vec<u8>) -> Result<u64, AppendError> {
        if bytes.len() > APPEND_BYTES_MAX {
            return Err(AppendError::TooLong { bytes: bytes.len(), limit_bytes: APPEND_BYTES_MAX });
        }
        let append = Append { object, offset, bytes: Arc::new(bytes) };
        self.run(|shared| shared.append(append)).await
    }

    /// Up to where an object's bytes are durable: where its recorder goes on. Does not wait for appends under way.
    pub async fn durable_offset(&self, object: ObjectId) -> Result<u64, AppendError> {
        match self.shared.object(object).await {
            Ok(object) => Ok(object.view().durable_offset()?),
            Err(Halt::Sealed { facts, .. }) => Ok(facts.length),
            Err(halt) => Err(halt.into()),
        }
    }

    /// Closes the open chunk of an object whose recorder is away, and says so in the catalog. The next append
    /// resumes it.
    pub async fn interrupt(&self, object: ObjectId) -> Result<(), SealError> {
        self.run(|shared| shared.interrupt(object)).await
    }

    /// Makes an object final. One that is sealed already gives the same answer.
    pub async fn seal(&self, object: ObjectId) -> Result<Sealed, SealError> {
        self.run(|shared| shared.seal(object)).await.map(Sealed::from)
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

    /// Ends in order: operations, threads, journal, facts, the lock on the folder.
    pub async fn stop(self) -> Result<(), StopError> {
        let Self { shared, clock, journal_threads, recovery, fatal, lock } = self;
        drop(recovery);
        let clock = clock.stop();
        join_all(vec![clock]).await;
        let all_ended = shared.operations.stop(STOP_DEADLINE).await;
        shared.writers.stop().await;
        shared.readers.stop().await;
        // Operations, pools and clock have ended: nobody else has it.
        let shared = Arc::into_inner(shared).ok_or(StopError::Busy)?;
        let facts = shared.end();
        join_all(journal_threads).await;
        let stopped = facts.stop().await;
        drop(lock);
        if let Some(fatal) = fatal.borrow().clone() {
            return Err(fatal.into());
        }
        stopped?;
        if all_ended { Ok(()) } else { Err(StopError::Busy) }
    }

    /// Runs an operation to its end.
    async fn run<T, E, F>(&self, operation: impl FnOnce(Arc<Shared>) -> F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Halt> + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let operation = operation(Arc::clone(&shared));
        let told = async move {
            let done = operation.await;
            shared.tell_fatal();
            done
        };
        self.shared.operations.run(told).await
    }

    /// This very process has just made the object and owns it.
    fn keep_new(&self, object: ObjectId) {
        self.shared.keep(Object::new(object, Writer::new(crate::id::Epoch(1), true), View::default()));
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
    kek: &Kek,
) -> Result<Bytes, StartError> {
    let volume = folder::volume(disk, dir)?;
    folder::check_kek(&volume, kek)?;
    let store = ChunkStore::open(volume)?;
    let (journal, recovered) = Journal::open(&store, limits)?;
    let (journal, committer, retirer) = group_commit(journal);
    Ok(Bytes { store, journal, committer, retirer, recovered })
}

fn chunks(recovered: &[Recovered], is_wanted: impl Fn(&Recovered) -> bool) -> Vec<ChunkId> {
    recovered.iter().filter(|one| is_wanted(one)).map(|one| one.chunk).collect()
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
