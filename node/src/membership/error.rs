use crate::serve::StartError;
use cluster::catalog::CatalogError;
use cluster::chunk::key::NoRandomness;
use cluster::facts::{NotReady, SubmitError};
use cluster::id::MemberId;
use cluster::joining::{CaKeyError, JoinRefused, SealedKekError};
use cluster::rpc::{CallError, TlsError};
use std::io;
use std::path::PathBuf;

/// Why a member does not know who it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    /// A file cannot be read or written.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} is not what `custody cluster init` or `custody cluster join` wrote", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
    },
    /// Others can read a private key.
    #[error("{} has mode {mode:03o}, expected one that only its owner can read, such as 600", path.display())]
    Mode {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A key cannot be made or read.
    #[error("cannot use the member's key: {0}")]
    Key(#[from] rcgen::Error),
    /// What the member had is gone, and others count on it.
    #[error(
        "member {member} had data in {} and has it no more; an id is never used again: empty the folder for data, \
         join with a new token (custody cluster token, custody cluster join), and have member {member} replaced \
         (custody cluster replace)",
        store.display()
    )]
    StoreGone {
        /// Who it is.
        member: MemberId,
        /// Where its data was.
        store: PathBuf,
    },
}

/// Why a cluster is not founded, or not joined.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MembershipError {
    /// The KEK that wraps new keys is not here.
    #[error(transparent)]
    CurrentKek(#[from] cluster::OpenSessionError),
    /// The folder for data is in use.
    #[error("{} is not empty: a member joins with a folder of its own for its data", path.display())]
    NotEmpty {
        /// Which.
        path: PathBuf,
    },
    /// There is an identity already.
    #[error("{} is the folder of a member already", path.display())]
    IsMember {
        /// Which.
        path: PathBuf,
    },
    /// The configuration names members.
    #[error("cluster.members is set: the members of such a cluster are those of its configuration")]
    Static,
    /// The number is not for this member to choose.
    #[error("member is {member}, expected 1 or nothing: the first member of a cluster is number 1")]
    Number {
        /// As it is set.
        member: u64,
    },
    /// A setting or an option without which nobody finds this member.
    #[error("cluster.address is not set, expected the host and port on which other members reach this one")]
    NoAddress,
    /// There is a KEK already, and it is another cluster's.
    #[error("{} exists: a member that joins is given the key of its cluster", path.display())]
    KekExists {
        /// The key's file.
        path: PathBuf,
    },
    /// A member has refused.
    #[error(transparent)]
    Refused(#[from] JoinRefused),
    /// No member could be asked.
    #[error(
        "no member of the cluster answers; the last one asked was member {target} at {address}: {source}"
    )]
    Unreachable {
        /// Who was asked last.
        target: MemberId,
        /// Where.
        address: String,
        /// Why there was no answer.
        source: CallError,
    },
    /// The token names nobody.
    #[error("the join token names no member that could be asked")]
    NobodyToAsk,
    /// What a member answered does not fit.
    #[error("the cluster has answered with a certificate that is not for this member: {0}")]
    Certificate(#[from] TlsError),
    /// The key came in a way in which it cannot be used.
    #[error(transparent)]
    Kek(#[from] SealedKekError),
    /// The CA's key cannot be used.
    #[error(transparent)]
    CaKey(#[from] CaKeyError),
    /// A certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    Making(#[from] rcgen::Error),
    /// The identity cannot be kept.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The member cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A fact cannot be committed.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The catalog cannot be read yet.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}
