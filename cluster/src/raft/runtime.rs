//! openraft's settings.

use super::types::TypeConfig;
use openraft::{Config, ConfigError, SnapshotPolicy};
use std::time::Duration;

pub(crate) type Raft = openraft::Raft<TypeConfig>;

const HEARTBEAT_MS: u64 = 100;
const ELECTION_MS_MIN: u64 = 300;
const ELECTION_MS_MAX: u64 = 500;
/// An election, or the lease of a leader: voters elect no other one before it has passed.
pub(crate) const ELECTION_MAX: Duration = Duration::from_millis(ELECTION_MS_MAX);
/// Entries that stay in the log although a snapshot holds them, for members a little behind.
pub(crate) const ENTRIES_KEPT: u64 = 4096;

/// Snapshots are asked for by bytes of the log, not by openraft's count of entries.
pub(crate) fn config(entries_kept: u64) -> Result<Config, Box<ConfigError>> {
    Config {
        cluster_name: "custody".to_owned(),
        heartbeat_interval: HEARTBEAT_MS,
        election_timeout_min: ELECTION_MS_MIN,
        election_timeout_max: ELECTION_MS_MAX,
        max_in_snapshot_log_to_keep: entries_kept,
        snapshot_policy: SnapshotPolicy::Never,
        ..Config::default()
    }
    .validate()
    .map_err(Box::new)
}
