use crate::config::ConfigError;
use crate::mail::MailerError;
use crate::membership::{IdentityError, Removed};
use crate::tasks::{Ended, TaskError};
use cluster::catalog::CatalogError;
use cluster::chunk::key::NoRandomness;
use cluster::cluster::FatalError;
use cluster::facts::{self, NotReady, ReadIndexError, SubmitError};
use cluster::joining::CaKeyError;
use std::io;
use std::path::PathBuf;

/// Why a member does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// No runtime, or no signals.
    #[error("cannot prepare to run: {0}")]
    Runtime(io::Error),
    /// A setting turns out to be wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A folder cannot be made.
    #[error("cannot make the folder {}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The room of the disk, or the file that keeps some, cannot be looked at.
    #[error("cannot look at the ballast in {}: {source}", path.display())]
    Ballast {
        /// The folder for data.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A key's file cannot be read or written.
    #[error("cannot use the key file {}: {source}", path.display())]
    Key {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A key's file holds something else.
    #[error("the key file {} holds no key: expected one line as `custody serve` wrote it", path.display())]
    KeyForm {
        /// Which.
        path: PathBuf,
    },
    /// Others can read a key.
    #[error("the key file {} can be read by others (mode {mode:03o}), expected mode 600", path.display())]
    KeyMode {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// There is data, and no key for it.
    #[error(
        "the key file {} is missing, and {} holds data that only its key opens: restore it",
        path.display(), data.display()
    )]
    KekMissing {
        /// The key's file.
        path: PathBuf,
        /// The data.
        data: PathBuf,
    },
    /// The members of a cluster have one key, and this one has none.
    #[error("the key file {} is missing: copy it from member {first}, all members have the same", path.display())]
    KekElsewhere {
        /// The key's file.
        path: PathBuf,
        /// The member that made it.
        first: u64,
    },
    /// A certificate or key of the cluster cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    MemberFile {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The member does not know who it is.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The configuration names another member.
    #[error("member is {configured}, and the folder for data is that of member {member}")]
    OtherMember {
        /// As the configuration says.
        configured: u64,
        /// As the folder says.
        member: u64,
    },
    /// Two ways to know the members.
    #[error(
        "cluster.members is set, and the folder for data is that of a member of a cluster that has a CA of its own"
    )]
    TwoWays,
    /// Nobody has given it an identity.
    #[error(
        "cluster.listen or cluster.address is set, and this member has no identity: \
         run custody cluster init, or custody cluster join with a token of the cluster"
    )]
    NoIdentity,
    /// This member is none any more.
    #[error(transparent)]
    Removed(#[from] Removed),
    /// Other members cannot be answered.
    #[error("cannot listen for members on {address}: {source}")]
    MemberSocket {
        /// Where.
        address: std::net::SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A task ended before the member was ready.
    #[error("this member does not become ready: {0}")]
    Ended(Ended),
    /// Another KEK than that of the cluster.
    #[error("the key file holds another key than the cluster's: {0}")]
    OtherKek(#[from] CaKeyError),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The log of facts is damaged or cannot be read.
    #[error("this member does not start, since what it keeps cannot be trusted: {0}; nothing was changed")]
    Damaged(#[source] Box<cluster::cluster::StartError>),
    /// Bytes and facts cannot be opened.
    #[error(transparent)]
    Cluster(Box<cluster::cluster::StartError>),
    /// The member does not know what is committed.
    #[error("this member does not become ready: {0}")]
    Ready(#[from] ReadIndexError),
    /// A first fact cannot be committed.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The catalog cannot be read yet.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The roles cannot be put in force.
    #[error("the roles cannot be put in force: {0}")]
    Roles(Box<dyn std::error::Error + Send + Sync>),
    /// The first token cannot be written down.
    #[error("cannot write the first token to {}: {source}", path.display())]
    FirstToken {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No mail server can be spoken to.
    #[error(transparent)]
    Mailer(#[from] MailerError),
    /// The key for checkpoints is none.
    #[error(transparent)]
    CheckpointKey(#[from] api::CheckpointKeyError),
    /// Nothing can be counted.
    #[error(transparent)]
    Metrics(#[from] api::MetricsError),
    /// Nothing can be served.
    #[error(transparent)]
    Serve(#[from] api::ServeError),
}

impl From<cluster::cluster::StartError> for StartError {
    fn from(error: cluster::cluster::StartError) -> Self {
        match is_damage(&error) {
            true => Self::Damaged(Box::new(error)),
            false => Self::Cluster(Box::new(error)),
        }
    }
}

/// Whether stored data is at fault, and not the surroundings.
fn is_damage(error: &cluster::cluster::StartError) -> bool {
    use cluster::cluster::StartError as Cluster;
    match error {
        Cluster::Journal(_) | Cluster::KekCheck => true,
        Cluster::Facts(error) => match error {
            facts::StartError::Log(_)
            | facts::StartError::LogRead(_)
            | facts::StartError::Snapshot(_)
            | facts::StartError::SnapshotMissing { .. } => true,
            facts::StartError::Catalog(_)
            | facts::StartError::Raft { .. }
            | facts::StartError::Initialize { .. }
            | facts::StartError::Thread { .. } => false,
        },
        Cluster::Locked { .. }
        | Cluster::Folder { .. }
        | Cluster::OtherKek { .. }
        | Cluster::Engine(_)
        | Cluster::Disk(_)
        | Cluster::Thread { .. } => false,
    }
}

/// Why a member that served ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// It never began.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A disk has failed: nothing more is acknowledged.
    #[error("the member ends: {0}; what was acknowledged is found at the next start")]
    Fatal(#[from] FatalError),
    /// A task ended that should not.
    #[error("the member ends: {0}")]
    Task(#[from] Ended),
}

/// Exit code of a configuration that is refused (sysexits.h, `EX_CONFIG`).
const EXIT_CONFIG: u8 = 78;
/// Exit code when a disk failed while serving, or had no room for a start (sysexits.h, `EX_IOERR`).
const EXIT_DISK: u8 = 74;
/// Exit code when stored data is damaged (sysexits.h, `EX_DATAERR`).
const EXIT_DAMAGED: u8 = 65;
/// Any other failure.
const EXIT_FAILURE: u8 = 1;
/// Causes of causes that are looked at.
const CAUSES_MAX: usize = 16;

impl RunError {
    /// The process's exit code, by which a service manager tells what to do.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Start(
                StartError::Config(_)
                | StartError::Removed(_)
                | StartError::NoIdentity
                | StartError::TwoWays
                | StartError::OtherMember { .. }
                // No start after this one finds another identity or key, or the data that is gone.
                | StartError::KekMissing { .. }
                | StartError::KeyForm { .. }
                | StartError::KeyMode { .. }
                | StartError::OtherKek(_)
                | StartError::Identity(
                    IdentityError::StoreGone { .. }
                    | IdentityError::Mode { .. }
                    | IdentityError::Malformed { .. },
                ),
            ) => EXIT_CONFIG,
            // Only an operator can make a member of it again.
            Self::Start(StartError::Ended(ended)) | Self::Task(ended) if was_removed(ended) => EXIT_CONFIG,
            Self::Start(StartError::Cluster(error))
                if matches!(**error, cluster::cluster::StartError::OtherKek { .. }) =>
            {
                EXIT_CONFIG
            }
            Self::Start(StartError::Damaged(_)) => EXIT_DAMAGED,
            Self::Start(error) if has_no_room(error) => EXIT_DISK,
            Self::Fatal(_) => EXIT_DISK,
            Self::Start(_) | Self::Task(_) => EXIT_FAILURE,
        }
    }
}

/// Whether a full disk is at the bottom of it.
fn has_no_room(error: &StartError) -> bool {
    let error: &dyn std::error::Error = error;
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut of_system = causes.take(CAUSES_MAX).filter_map(|cause| cause.downcast_ref::<io::Error>());
    of_system.any(|cause| cause.kind() == io::ErrorKind::StorageFull)
}

fn was_removed(ended: &Ended) -> bool {
    ended.reason.as_ref().is_some_and(TaskError::is::<Removed>)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::chunk::key::KekId;
    use cluster::id::MemberId;

    #[test]
    fn a_member_whose_data_or_identity_is_gone_is_not_started_again_and_again() {
        let code = |error: IdentityError| RunError::Start(StartError::from(error)).exit_code();
        let (path, store) = (PathBuf::from("member/id"), PathBuf::from("store"));
        assert_eq!(code(IdentityError::StoreGone { member: MemberId(2), store }), EXIT_CONFIG);
        assert_eq!(code(IdentityError::Mode { path: path.clone(), mode: 0o644 }), EXIT_CONFIG);
        assert_eq!(code(IdentityError::Malformed { path: path.clone() }), EXIT_CONFIG);
        // A disk that does not answer may do so later.
        let source = io::ErrorKind::TimedOut.into();
        assert_eq!(code(IdentityError::File { path, source }), EXIT_FAILURE);
    }

    #[test]
    fn a_member_with_another_key_or_none_is_not_started_again_and_again() {
        let code = |error: StartError| RunError::Start(error).exit_code();
        let (path, data) = (PathBuf::from("kek"), PathBuf::from("store"));
        assert_eq!(code(StartError::KekMissing { path: path.clone(), data }), EXIT_CONFIG);
        assert_eq!(code(StartError::KeyMode { path: path.clone(), mode: 0o644 }), EXIT_CONFIG);
        assert_eq!(code(StartError::KeyForm { path }), EXIT_CONFIG);
        let (expected, actual) = (KekId(1), KekId(2));
        assert_eq!(code(CaKeyError::OtherKek { expected, actual }.into()), EXIT_CONFIG);
        let other = cluster::cluster::StartError::OtherKek { expected, actual };
        assert_eq!(code(other.into()), EXIT_CONFIG);
    }

    #[test]
    fn a_start_on_a_full_disk_ends_as_one_on_a_broken_disk() {
        let code = |kind: io::ErrorKind| {
            let folder =
                cluster::cluster::StartError::Folder { path: PathBuf::from("catalog"), source: kind.into() };
            RunError::Start(StartError::from(folder)).exit_code()
        };
        assert_eq!(code(io::ErrorKind::StorageFull), EXIT_DISK);
        assert_eq!(code(io::ErrorKind::PermissionDenied), EXIT_FAILURE);
    }
}
