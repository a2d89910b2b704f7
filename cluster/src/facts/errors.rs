use crate::catalog::{CatalogError, EngineError, Outcome, Refusal, RequestId};
use crate::id::MemberId;
use crate::raft::{LogFailure, LogReadError, OpenError, SnapshotError};
use std::error::Error;
use std::io;
use std::time::Duration;

/// The catalog cannot be read yet: this member has not applied a read index since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this member has started and does not know yet what is committed")]
pub struct NotReady;

/// Why facts cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log cannot be read, or is damaged.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// An entry of the log cannot be read back.
    #[error(transparent)]
    LogRead(#[from] LogReadError),
    /// A snapshot cannot be read, or is damaged.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The catalog's store failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The log begins after what snapshot and catalog hold.
    #[error("the raft log begins after entry {purged}, but snapshot and catalog end at {applied:?}")]
    SnapshotMissing {
        /// Up to where the log was given up.
        purged: u64,
        /// Up to where the rest reaches.
        applied: Option<u64>,
    },
    /// Raft refuses its settings, or what is stored.
    #[error("raft cannot start")]
    Raft {
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Raft refuses to be a cluster of one.
    #[error("raft cannot make a cluster of this member")]
    Initialize {
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A thread cannot be started.
    #[error("cannot start a thread")]
    Thread {
        /// Why.
        source: io::Error,
    },
}

/// Who leads instead of this member, in words.
fn elsewhere(leader: Option<MemberId>) -> String {
    match leader {
        Some(leader) => format!("member {leader} leads, not this one"),
        None => "nobody is known to lead".to_owned(),
    }
}

/// Why a command has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// It breaks a rule. Nothing has changed.
    #[error(transparent)]
    Refused(Refusal),
    /// It is larger than a log entry may be. Nothing has changed.
    #[error("a command has at most {limit_bytes} bytes, this one has {bytes}")]
    TooLong {
        /// As it is.
        bytes: usize,
        /// As it may be.
        limit_bytes: usize,
    },
    /// It cannot be encoded. Nothing has changed.
    #[error("the command cannot be encoded")]
    Unencodable,
    /// This member has only just started. Nothing has changed.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// Another member leads, or none. Nothing has changed.
    #[error("{}", elsewhere(*leader))]
    NotLeader {
        /// Who does, if that is known.
        leader: Option<MemberId>,
    },
    /// It may have been done or may yet be; who asks again under the same name learns it.
    #[error(
        "no majority has answered in time: it may have been done, or may yet be; look before you repeat it"
    )]
    Unknown {
        /// Its name.
        id: Option<RequestId>,
    },
    /// The facts are being closed, or a disk has failed.
    #[error("facts take no more commands")]
    Stopped,
}

/// Why a member does not know what is committed.
#[derive(Debug, thiserror::Error)]
pub enum ReadIndexError {
    /// Nobody leads.
    #[error("there is no leader")]
    NoLeader,
    /// Another member leads.
    #[error("{}", elsewhere(*leader))]
    NotLeader {
        /// Who does, if that is known.
        leader: Option<MemberId>,
    },
    /// Too few voters answer.
    #[error("too few voters answer")]
    NoQuorum,
    /// This member has not applied all of it in time.
    #[error("this member has not applied the log up to entry {index} yet")]
    Behind {
        /// The entry.
        index: u64,
    },
    /// The start of this member could not be committed.
    #[error("the start of this member could not be committed")]
    Start(#[source] SubmitError),
    /// The start of this member was answered with something else.
    #[error("expected an incarnation, found {outcome:?}")]
    Answer {
        /// What it was.
        outcome: Outcome,
    },
    /// Which KEKs this member holds could not be committed: it may hold another one than the cluster.
    #[error("which KEKs this member holds could not be committed")]
    Keks(#[source] SubmitError),
    /// The catalog's store failed.
    #[error(transparent)]
    Catalog(CatalogError),
    /// The facts are being closed, or a disk has failed.
    #[error("facts take no more questions")]
    Stopped,
}

/// Why a snapshot was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeSnapshotError {
    /// The catalog's store failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// It is not there yet; it may still come.
    #[error("the snapshot was not taken within {deadline:?}")]
    Deadline {
        /// How long was waited.
        deadline: Duration,
    },
    /// The facts are being closed, or a disk has failed.
    #[error("facts take no more snapshots")]
    Stopped,
}

/// Why what was changed or removed is still in files. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The rows could not be rewritten.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The log takes nothing any more.
    #[error(transparent)]
    Log(#[from] LogFailure),
    /// No snapshot was taken.
    #[error(transparent)]
    Snapshot(#[from] TakeSnapshotError),
    /// What is left of a snapshot could not be removed.
    #[error(transparent)]
    Received(#[from] SnapshotError),
    /// Raft takes its time.
    #[error("the log was not applied and given up within {deadline:?}")]
    Deadline {
        /// How long was waited.
        deadline: Duration,
    },
    /// A member still needs the log.
    #[error("another member does not have all of the log yet")]
    Behind,
    /// The facts are being closed, or a disk has failed.
    #[error("facts are being closed")]
    Stopped,
}

/// Why facts did not end in order. What was acknowledged is durable all the same.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The catalog could not be closed; it is rebuilt if the machine restarts.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Raft did not end.
    #[error("raft did not end in order")]
    Raft,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Incarnation;

    #[test]
    fn what_an_operator_reads_of_a_lost_majority_is_plain_words() {
        let incarnation = Incarnation { member: MemberId(2), start: 25 };
        let unknown = SubmitError::Unknown { id: Some(RequestId { incarnation, sequence: 174 }) };
        assert_eq!(
            unknown.to_string(),
            "no majority has answered in time: it may have been done, or may yet be; look before you repeat it"
        );
        let leader = Some(MemberId(2));
        assert_eq!(SubmitError::NotLeader { leader }.to_string(), "member 2 leads, not this one");
        let nobody = ReadIndexError::NotLeader { leader: None };
        assert_eq!(nobody.to_string(), "nobody is known to lead");
    }
}
