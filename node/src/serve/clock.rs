//! What this member's clock says, told to the cluster.

use crate::tasks::{Stop, TaskResult};
use cluster::Cluster;
use cluster::catalog::{ClockSample, Command};
use cluster::facts::SubmitError;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often the cluster is told.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// The wall clock, in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "time enters here, and is handed on as an argument")]
pub(crate) fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Tells the cluster once.
pub(super) async fn tell(cluster: &Cluster) -> Result<(), SubmitError> {
    let sample = ClockSample { member: cluster.member(), wall_ms: wall_ms() };
    cluster.submit(Command::Clock(sample)).await.map(drop)
}

/// Tells the cluster until it is told to stop.
pub(super) async fn run(cluster: Arc<Cluster>, stop: Stop) -> TaskResult {
    while stop.sleep(TELL_EVERY).await {
        if let Err(error) = tell(&cluster).await {
            tracing::warn!(%error, "the cluster was not told the time");
        }
    }
    Ok(())
}
