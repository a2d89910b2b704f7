//! Why the door refuses, one enum per operation.

use crate::catalog::{CatalogError, SledOpenError};
use crate::chunk::disk::{DiskError, Fatal};
use crate::chunk::journal::JournalError;
use crate::chunk::key::{KekId, NoRandomness, UnwrapError};
use crate::chunk::{self, ReaderError};
use crate::facts::{self, NotReady, ReadIndexError, SubmitError};
use crate::id::{ChunkId, MemberId, ObjectId};
use std::io;
use std::path::PathBuf;

/// Why a member did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder is another process's.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The folder could not be prepared.
    #[error("cannot prepare {}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder was written under another KEK: this one opens none of its recordings.
    #[error("this folder belongs to KEK {expected}, and the KEK given as {actual} is another one")]
    OtherKek {
        /// The number of the KEK of this folder.
        expected: KekId,
        /// The number of the KEK that was given; it may be the same when the key differs.
        actual: KekId,
    },
    /// What says which KEK the folder belongs to is damaged or of another version.
    #[error("the KEK's check value in this folder is malformed")]
    KekCheck,
    /// The catalog's store could not be opened.
    #[error(transparent)]
    Engine(#[from] SledOpenError),
    /// The facts could not be opened.
    #[error(transparent)]
    Facts(#[from] facts::StartError),
    /// The journal could not be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread {
        /// Why.
        source: io::Error,
    },
}

/// Why a session was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenSessionError {
    /// This member has only just started.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The catalog's store failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// This member does not hold the current KEK.
    #[error("KEK {kek}, which wraps new keys, is not held here")]
    KekMissing {
        /// Which.
        kek: KekId,
    },
    /// No keys could be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// It was not committed.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// Too many members have no room for new sessions.
    #[error("the disks of {full} member(s) are too full for new sessions")]
    StorageFull {
        /// How many.
        full: usize,
    },
}

/// Why bytes were not appended. Of the bytes given, those up to the durable offset may have been.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// This member has only just started.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// There is no such object.
    #[error("there is no object {object}")]
    ObjectUnknown {
        /// Which.
        object: ObjectId,
    },
    /// The object is final.
    #[error("object {object} is sealed")]
    Sealed {
        /// Which.
        object: ObjectId,
    },
    /// Other bytes are durable at this offset.
    #[error("object {object} holds other bytes at {offset}")]
    Conflict {
        /// Which.
        object: ObjectId,
        /// Where the append began.
        offset: u64,
    },
    /// Bytes between are missing.
    #[error("object {object} continues at byte {durable_offset}, not {offset}")]
    Gap {
        /// Which.
        object: ObjectId,
        /// Where the append would begin.
        offset: u64,
        /// Where the next append begins.
        durable_offset: u64,
    },
    /// One append has a limit: send it in pieces.
    #[error("an append has at most {limit_bytes} bytes, this one has {bytes}")]
    TooLong {
        /// As it is.
        bytes: usize,
        /// As it may be.
        limit_bytes: usize,
    },
    /// The object has as many chunks as a manifest may list.
    #[error("object {object} takes no further bytes: it has {limit} chunks")]
    ObjectFull {
        /// Which.
        object: ObjectId,
        /// The most chunks.
        limit: usize,
    },
    /// The disk is full. What was acknowledged is safe; the same append may be sent again.
    #[error("the disk is full")]
    DiskFull,
    /// Too many operations wait, on this object or in all.
    #[error("more than {limit} operations wait")]
    Busy {
        /// The most that may.
        limit: usize,
    },
    /// It takes longer than anybody should wait. Nothing is known to be lost; it may yet be done.
    #[error("not done after {after_s} s")]
    TimedOut {
        /// How long that was.
        after_s: u64,
    },
    /// The member stops, or a disk has failed.
    #[error("the member takes no more bytes")]
    Stopped,
    /// Anything else, after which the same append may be sent again.
    #[error(transparent)]
    Failed(#[from] WriteFailure),
}

/// Why an object was not sealed. It may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// This member has only just started.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// There is no such object.
    #[error("there is no object {object}")]
    ObjectUnknown {
        /// Which.
        object: ObjectId,
    },
    /// The object is final: it can be sealed again, but not interrupted.
    #[error("object {object} is sealed")]
    Sealed {
        /// Which.
        object: ObjectId,
    },
    /// The object has as many chunks as a manifest may list.
    #[error("object {object} has {limit} chunks")]
    ObjectFull {
        /// Which.
        object: ObjectId,
        /// The most chunks.
        limit: usize,
    },
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// Too many operations wait, on this object or in all.
    #[error("more than {limit} operations wait")]
    Busy {
        /// The most that may.
        limit: usize,
    },
    /// It takes longer than anybody should wait. Nothing is known to be lost; it may yet be done.
    #[error("not done after {after_s} s")]
    TimedOut {
        /// How long that was.
        after_s: u64,
    },
    /// The member stops, or a disk has failed.
    #[error("the member seals no more objects")]
    Stopped,
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] WriteFailure),
}

/// What went wrong inside while an object was written. A person should look at the member.
#[derive(Debug, thiserror::Error)]
pub enum WriteFailure {
    /// Acknowledged bytes of the object's open chunk are damaged or missing on so many members that nobody can end it.
    #[error("acknowledged bytes of the open chunk {chunk} are damaged or missing")]
    Lost {
        /// Which.
        chunk: ChunkId,
    },
    /// Too few members' disks take what is to be written.
    #[error("too few disks take what is to be written")]
    NotTaken,
    /// What is durable already could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why bytes were not read. What was given out before is right.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// This member has only just started.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// There is no such object.
    #[error("there is no object {object}")]
    ObjectUnknown {
        /// Which.
        object: ObjectId,
    },
    /// The range ends behind what may be read.
    #[error("bytes {start}..{end} of {object} were asked for, which has {available}")]
    OutOfRange {
        /// The object.
        object: ObjectId,
        /// The first byte asked for.
        start: u64,
        /// The byte behind the last one asked for.
        end: u64,
        /// How many bytes may be read.
        available: u64,
    },
    /// The catalog's store failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The recording's key is missing from the catalog.
    #[error("the catalog has no key for object {object}")]
    KeyMissing {
        /// Which.
        object: ObjectId,
    },
    /// The recording's key does not unwrap.
    #[error(transparent)]
    Key(#[from] UnwrapError),
    /// The catalog's chunks are no object.
    #[error(transparent)]
    Chunks(#[from] ReaderError),
    /// A chunk is missing, damaged, or does not decrypt.
    #[error(transparent)]
    Chunk(chunk::ReadError),
    /// The member stops.
    #[error("the member reads no more")]
    Stopped,
}

impl From<chunk::ReadError> for ReadError {
    fn from(error: chunk::ReadError) -> Self {
        match error {
            chunk::ReadError::OutOfRange { object, start, end, available } => {
                Self::OutOfRange { object, start, end, available }
            }
            error @ (chunk::ReadError::File(_) | chunk::ReadError::Undecipherable(_)) => Self::Chunk(error),
        }
    }
}

/// Why a member did not end in order. What was acknowledged is durable all the same.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The facts did not end in order.
    #[error(transparent)]
    Facts(#[from] facts::StopError),
    /// The member had failed before.
    #[error(transparent)]
    Fatal(#[from] FatalError),
    /// Operations were still under way after the deadline.
    #[error("operations were still under way")]
    Busy,
}

/// Why the process must end: nothing more is acknowledged, and what was is found at the next start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FatalError {
    /// Bytes could not be made durable.
    #[error(transparent)]
    Bytes(#[from] Fatal),
    /// The facts have ended: their log failed, or their catalog cannot be read.
    #[error("the facts have ended: {reason}")]
    Facts {
        /// What Raft says.
        reason: String,
    },
    /// The same on a full disk.
    #[error("the disk is full ({free_bytes} bytes are free), make room and start again: {reason}")]
    DiskFull {
        /// What is left.
        free_bytes: u64,
        /// What Raft says.
        reason: String,
    },
}

/// Why the work on an object ended, whatever the work was.
#[derive(Debug)]
pub(super) enum Halt {
    NotReady,
    ObjectUnknown { object: ObjectId },
    Sealed { object: ObjectId },
    ObjectFull { object: ObjectId, limit: usize },
    DiskFull,
    Busy { limit: usize },
    TimedOut { after_s: u64 },
    Stopped,
    Failed(WriteFailure),
}

impl From<ReadError> for Halt {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotReady(_) => Self::NotReady,
            ReadError::Stopped => Self::Stopped,
            ReadError::ObjectUnknown { .. }
            | ReadError::OutOfRange { .. }
            | ReadError::Catalog(_)
            | ReadError::KeyMissing { .. }
            | ReadError::Key(_)
            | ReadError::Chunks(_)
            | ReadError::Chunk(_) => Self::Failed(error.into()),
        }
    }
}

impl From<Halt> for AppendError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::NotReady => Self::NotReady(NotReady),
            Halt::ObjectUnknown { object } => Self::ObjectUnknown { object },
            Halt::Sealed { object } => Self::Sealed { object },
            Halt::ObjectFull { object, limit } => Self::ObjectFull { object, limit },
            Halt::DiskFull => Self::DiskFull,
            Halt::Busy { limit } => Self::Busy { limit },
            Halt::TimedOut { after_s } => Self::TimedOut { after_s },
            Halt::Stopped => Self::Stopped,
            Halt::Failed(failure) => Self::Failed(failure),
        }
    }
}

impl From<Halt> for SealError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::NotReady => Self::NotReady(NotReady),
            Halt::ObjectUnknown { object } => Self::ObjectUnknown { object },
            Halt::Sealed { object } => Self::Sealed { object },
            Halt::ObjectFull { object, limit } => Self::ObjectFull { object, limit },
            Halt::DiskFull => Self::DiskFull,
            Halt::Busy { limit } => Self::Busy { limit },
            Halt::TimedOut { after_s } => Self::TimedOut { after_s },
            Halt::Stopped => Self::Stopped,
            Halt::Failed(failure) => Self::Failed(failure),
        }
    }
}

/// Why the layout is not told.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// This member has only just started.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// What is committed is not known.
    #[error(transparent)]
    ReadIndex(#[from] ReadIndexError),
    /// The catalog does not answer.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The member is stopping.
    #[error("this member is stopping")]
    Stopped,
}

/// Why nobody knows what each member has of an object.
#[derive(Debug, thiserror::Error)]
pub enum ReplicationError {
    /// This member has only just started.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// What is committed is not known.
    #[error(transparent)]
    ReadIndex(#[from] ReadIndexError),
    /// There is no such object.
    #[error("there is no object {object}")]
    ObjectUnknown {
        /// The object.
        object: ObjectId,
    },
    /// The catalog does not answer.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The member is stopping.
    #[error("this member is stopping")]
    Stopped,
}

/// Why the scrub does not go on. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ScrubError {
    /// This member has only just started.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The catalog does not say what is committed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The member is stopping.
    #[error("this member is stopping")]
    Stopped,
}

/// Why a worker was not told anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// There is no such worker.
    #[error("there is no worker {worker}")]
    WorkerUnknown {
        /// Its name.
        worker: String,
    },
    /// There is no such member.
    #[error("there is no member {member}")]
    MemberUnknown {
        /// Which.
        member: MemberId,
    },
}
