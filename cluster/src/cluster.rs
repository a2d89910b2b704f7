//! The door: commands, facts and bytes of one member.
//!
//! Whoever holds a [`Cluster`] needs nothing else of this crate's halves: [`Cluster::submit`] and
//! [`Cluster::catalog`] for facts, [`Cluster::append`], [`Cluster::seal`] and [`Cluster::read`] for bytes.
//! The chunks of an object and their facts are the door's own: OpenSession, OpenStream, TakeOver, OpenChunk,
//! CloseChunk, Interrupt and Seal are not to be submitted by others.

mod errors;

pub use errors::{
    AppendError, FatalError, OpenSessionError, ReadError, SealError, StartError, StopError, WriteFailure,
};

use crate::catalog::{Catalog, Command, Engine, Outcome, SealFacts, SessionInfo};
use crate::chunk::Hash;
use crate::chunk::disk::Disk;
use crate::chunk::journal::JournalLimits;
use crate::chunk::key::{Kek, Random};
use crate::facts::{self, Facts, FactsOptions, NotReady, ReadIndexError, SubmitError};
use crate::id::{ChunkId, MemberId, ObjectId, RecordingId};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Most bytes of one append.
pub const APPEND_BYTES_MAX: usize = 8 << 20;

/// Where a member keeps everything, and how.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// This member.
    pub member: MemberId,
    /// Its folder, which it makes when it is not there.
    pub dir: PathBuf,
    /// Names this start of the machine (on Linux the text of `/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
    /// Whether a member without any facts is a new cluster of one.
    pub is_new_cluster: bool,
    /// When the journal does what.
    pub journal: JournalLimits,
    /// After so many bytes of log a snapshot of the facts is taken.
    pub snapshot_after_bytes: u64,
    /// After so long without an append an object's open chunk is closed, which frees its file and its memory.
    pub idle_after: Duration,
    /// Threads that encrypt and write.
    pub write_threads: usize,
    /// Threads that read and decrypt.
    pub read_threads: usize,
}

impl ClusterOptions {
    /// The usual sizes.
    pub fn new(member: MemberId, dir: PathBuf, boot_id: String) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            member,
            snapshot_after_bytes: FactsOptions::new(member, dir.clone()).snapshot_after_bytes,
            dir,
            boot_id,
            is_new_cluster: false,
            journal: JournalLimits::default(),
            idle_after: Duration::from_secs(60),
            write_threads: cores.max(2),
            read_threads: cores.max(2),
        }
    }
}

/// What was found at a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartReport {
    /// What the facts say.
    pub facts: facts::StartReport,
    /// Open chunks of the last run, whole: [`Cluster::ready`] closes them.
    pub recovered: Vec<ChunkId>,
    /// Open chunks of the last run that are damaged or missing. Their objects refuse appends, and reads end
    /// before them.
    pub damaged: Vec<ChunkId>,
}

/// A session that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// What is known at the start.
    pub info: SessionInfo,
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

/// What a seal has made final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// The object's bytes before encryption.
    pub length: u64,
    /// The Merkle root over all leaves, as RFC 6962 defines it.
    pub root: Hash,
    /// SHA-256 of the manifest's file.
    pub manifest_hash: Hash,
    /// The object's chunks, without the manifest.
    pub chunk_count: u32,
}

impl From<SealFacts> for Sealed {
    fn from(facts: SealFacts) -> Self {
        let SealFacts { manifest_hash, root, length, chunk_count } = facts;
        Self { length, root, manifest_hash, chunk_count }
    }
}

/// A range that is being read: pieces of up to 64 KiB, none of them empty. It ends after the first error.
#[derive(Debug)]
pub struct ObjectRead {}

impl ObjectRead {
    /// The next piece; none at the end. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, ReadError>> {
        Some(Err(ReadError::Stopped))
    }
}

/// One member's door to facts and bytes.
///
/// All methods may be called from any task, many at once. Those that change something run to their end also when
/// the caller's future is dropped; what the caller then does not learn, a retry does.
pub struct Cluster {
    facts: Facts,
}

impl Cluster {
    /// Opens a member's folder. Must be called in a tokio runtime, which must outlive what is returned. Nothing is
    /// answered before [`Cluster::ready`].
    pub async fn start(
        options: ClusterOptions,
        kek: Kek,
        disk: Arc<dyn Disk>,
        random: Arc<dyn Random>,
    ) -> Result<(Self, StartReport), StartError> {
        let dir = options.dir.join("catalog");
        let (engine, _) = crate::catalog::SledEngine::open(&dir, &options.boot_id)?;
        Self::start_on(options, kek, disk, random, Arc::new(engine)).await
    }

    /// As [`Cluster::start`], with the catalog in an engine of the caller's choice and without a lock on the
    /// folder: what a simulation needs.
    pub async fn start_on(
        options: ClusterOptions,
        kek: Kek,
        disk: Arc<dyn Disk>,
        random: Arc<dyn Random>,
        engine: Arc<dyn Engine>,
    ) -> Result<(Self, StartReport), StartError> {
        let _ = (kek, random);
        let is_new_cluster = options.is_new_cluster;
        let dir = options.dir.join("facts");
        let options = FactsOptions { is_new_cluster, ..FactsOptions::new(options.member, dir) };
        let (facts, report) = Facts::start(options, disk, engine).await?;
        Ok((Self { facts }, StartReport { facts: report, recovered: Vec::new(), damaged: Vec::new() }))
    }

    /// Waits until this member knows what is committed, then closes what the last run left open.
    pub async fn ready(&self, deadline: Duration) -> Result<(), ReadIndexError> {
        self.facts.ready(deadline).await
    }

    /// Submits a command and waits until it is committed on a majority and applied here.
    pub async fn submit(&self, command: Command) -> Result<Outcome, SubmitError> {
        self.facts.submit(command).await
    }

    /// Waits until all that was committed anywhere before this call is applied here.
    pub async fn read_index(&self) -> Result<(), ReadIndexError> {
        self.facts.read_index().await
    }

    /// The catalog as applied here. Refused until [`Cluster::ready`].
    pub fn catalog(&self) -> Result<&Catalog, NotReady> {
        self.facts.catalog()
    }

    /// This member.
    pub fn member(&self) -> MemberId {
        self.facts.member()
    }

    /// The members of the cluster, by number.
    pub fn members(&self) -> Vec<MemberStatus> {
        Vec::new()
    }

    /// Resolves when the process must end. Cancel-safe.
    pub async fn fatal(&self) -> FatalError {
        std::future::pending().await
    }

    /// Opens a session: makes the recording's keys, wraps them with the KEK, and commits both. The recording's
    /// bytes are the object `ObjectId::from(recording)`.
    pub async fn open_session(&self, session: NewSession) -> Result<RecordingId, OpenSessionError> {
        let _ = session;
        Err(SubmitError::Stopped.into())
    }

    /// A further stream of a recording, for what derives from it: its index, packets, a video.
    pub async fn open_stream(&self, recording: RecordingId) -> Result<ObjectId, SubmitError> {
        let _ = recording;
        Err(SubmitError::Stopped)
    }

    /// Appends bytes at an offset of an object. When this returns, they and all before them are durable; the answer
    /// is the durable offset behind them. At most [`APPEND_BYTES_MAX`] bytes.
    ///
    /// Bytes that the object holds already are compared, so that a retry is harmless.
    pub async fn append(&self, object: ObjectId, offset: u64, bytes: Vec<u8>) -> Result<u64, AppendError> {
        let _ = (object, offset, bytes);
        Err(AppendError::Stopped)
    }

    /// Up to where an object's bytes are durable; waits for appends under way.
    pub async fn durable_offset(&self, object: ObjectId) -> Result<u64, AppendError> {
        let _ = object;
        Err(AppendError::Stopped)
    }

    /// Closes the open chunk of an object whose recorder is away, and says so in the catalog. The next append
    /// resumes it.
    pub async fn interrupt(&self, object: ObjectId) -> Result<(), SealError> {
        let _ = object;
        Err(SealError::Stopped)
    }

    /// Makes an object final. One that is sealed already gives the same answer.
    pub async fn seal(&self, object: ObjectId) -> Result<Sealed, SealError> {
        let _ = object;
        Err(SealError::Stopped)
    }

    /// Reads a range of an object, sealed or growing, checked and decrypted. It must end at or before
    /// [`Cluster::length`].
    pub async fn read(&self, object: ObjectId, range: Range<u64>) -> Result<ObjectRead, ReadError> {
        let _ = (object, range);
        Err(ReadError::Stopped)
    }

    /// How many bytes of an object may be read; grows while the object does, and does not wait for appends.
    pub async fn length(&self, object: ObjectId) -> Result<u64, ReadError> {
        let _ = object;
        Err(ReadError::Stopped)
    }

    /// Ends in order: operations, threads, journal, facts, the lock on the folder.
    pub async fn stop(self) -> Result<(), StopError> {
        Ok(self.facts.stop().await?)
    }
}
