use std::num::NonZeroU32;
use std::sync::Arc;

use cluster::Cluster;
use cluster::chunk::key::Random;
use policy::AuthorizerCell;

use crate::audit::{CheckpointKey, Trail};
use crate::cors::Origins;
use crate::follow::Closing;
use crate::identity::IdentityProvider;
use crate::intake::Intake;
use crate::media::Media;
use crate::metrics::Metrics;
use crate::rate::Rates;
use crate::threads::Threads;
use crate::upload::Ahead;

/// What every request can reach. The member that serves makes one and shares it among its server's threads.
pub struct ApiState {
    /// Bytes and facts.
    pub cluster: Arc<Cluster>,
    /// Who may do what. The member puts the next authorizer in force when roles change.
    pub authorizer: Arc<AuthorizerCell>,
    /// Who vouches for users, besides this service's own tokens.
    pub identity: Option<Arc<IdentityProvider>>,
    /// Looks inside recorder bytes.
    pub intake: Arc<dyn Intake>,
    /// Draws recordings.
    pub media: Arc<dyn Media>,
    /// Where identifiers and tokens come from.
    pub random: Arc<dyn Random>,
    /// What is counted, and how it is shown.
    pub metrics: Metrics,
    /// The version of the codec that makes videos; another one makes other bytes, and so another video.
    pub codec_version: u32,
    /// What requests may cost.
    pub limits: Limits,
    /// Whose pages may ask, beside the service's own.
    pub origins: Origins,
    /// Who has asked how often.
    pub rates: Rates,
    /// What is seen and refused, on its way to the audit log. The member flushes it.
    pub trail: Arc<Trail>,
    /// Signs checkpoints of the audit log.
    pub checkpoint_key: CheckpointKey,
    /// Places for recorders that send fast.
    pub ahead: Ahead,
    /// Where passwords are hashed and rules are built.
    pub threads: Threads,
    /// Whether the server stops: what follows a session ends then.
    pub closing: Closing,
}

/// What requests may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of a recording.
    pub recording_bytes_max: u64,
    /// The most bytes of a session's file of sound.
    pub sound_bytes_max: u64,
    /// The most bytes of a JSON body, which also bounds its depth.
    pub json_bytes_max: usize,
    /// The most bytes of a request's header lines, and of its target.
    pub header_bytes_max: usize,
    /// How long a recorder may send nothing within one request.
    pub idle_s_max: u64,
    /// Requests of one user or service in a second, and at once.
    pub requests_per_s: NonZeroU32,
    /// Requests of one recorder in a second, and at once: it appends to many sessions.
    pub recorder_requests_per_s: NonZeroU32,
    /// Logins that are tried under one name in a minute, and at once.
    pub logins_per_min: NonZeroU32,
    /// Logins that are tried from one address in a minute, and at once: a proxy stands for all behind it.
    pub address_logins_per_min: NonZeroU32,
}

/// Of one user or service: a portal with all its users stays far below.
const REQUESTS_PER_S: NonZeroU32 = NonZeroU32::new(1000).unwrap();
/// Of one recorder with a thousand sessions, each of which appends some times a second.
const RECORDER_REQUESTS_PER_S: NonZeroU32 = NonZeroU32::new(5000).unwrap();
/// Of one name: a person who mistypes, and years for who guesses even among the commonest passwords.
const LOGINS_PER_MIN: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Of one address: an office in the morning.
const ADDRESS_LOGINS_PER_MIN: NonZeroU32 = NonZeroU32::new(120).unwrap();

impl Default for Limits {
    fn default() -> Self {
        Self {
            recording_bytes_max: 256 << 30,
            sound_bytes_max: 1 << 30,
            json_bytes_max: 64 << 10,
            header_bytes_max: 16 << 10,
            idle_s_max: 60,
            requests_per_s: REQUESTS_PER_S,
            recorder_requests_per_s: RECORDER_REQUESTS_PER_S,
            logins_per_min: LOGINS_PER_MIN,
            address_logins_per_min: ADDRESS_LOGINS_PER_MIN,
        }
    }
}
