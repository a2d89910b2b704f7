//! Why the demonstration ended.

use crate::client::ClientError;
use crate::import::ImportError;
use crate::recording::OpenError;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Why the demonstration ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// A folder, or a file in it, cannot be made.
    #[error("cannot write {}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No certificates.
    #[error("cannot make the members' certificates: {0}")]
    Certificates(#[from] rcgen::Error),
    /// An address is taken or none.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// Anybody might come to another address.
    #[error("{0} is not on loopback: the demonstration answers on loopback only")]
    NotLoopback(SocketAddr),
    /// A member cannot be started or ended.
    #[error("cannot run member {member}: {source}")]
    Process {
        /// Which.
        member: u64,
        /// What the system says.
        source: io::Error,
    },
    /// A member ended by itself.
    #[error("member {member} has ended: {last}")]
    Ended {
        /// Which.
        member: u64,
        /// The end of its log.
        last: String,
    },
    /// It was killed too late.
    #[error("member {member} took all of a recording in whose middle it was killed")]
    Outlived {
        /// Which.
        member: u64,
    },
    /// No mail server.
    #[error("cannot catch mails: {0}")]
    MailSink(io::Error),
    /// Nothing can be printed.
    #[error("cannot print: {0}")]
    Print(#[from] io::Error),
    /// A recording cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A member does not do what it is asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A recording cannot be read.
    #[error(transparent)]
    Recording(#[from] OpenError),
    /// Two members, or a member and the file, differ.
    #[error("{what} of {} is not the same everywhere", path.display())]
    Differs {
        /// Recording or video.
        what: &'static str,
        /// Of which file.
        path: PathBuf,
    },
    /// It takes too long.
    #[error("waited {} s for {what}", limit.as_secs())]
    Deadline {
        /// What did not come.
        what: String,
        /// How long it may take.
        limit: Duration,
    },
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
}
