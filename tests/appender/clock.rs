//! A clock that somebody sets wrong, told to the cluster as `custody serve` tells its own.

use crate::member;
use cluster::Cluster;
use cluster::catalog::{ClockSample, Command};
use harness::ClockTold;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{sleep, timeout};

/// How often the cluster is told: a real member takes longer.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// A cluster without a leader is told the next time.
const TELL_LIMIT: Duration = Duration::from_secs(10);

/// Tells until the process ends. The file holds by how many milliseconds the clock is wrong.
pub(crate) async fn run(cluster: Arc<Cluster>, file: PathBuf) -> anyhow::Result<()> {
    loop {
        let offset_ms: i64 = std::fs::read_to_string(&file)?.trim().parse()?;
        let sample =
            ClockSample { member: cluster.member(), wall_ms: wall_ms()?.saturating_add_signed(offset_ms) };
        if let Ok(Ok(_)) = timeout(TELL_LIMIT, cluster.submit(Command::Clock(sample))).await {
            member::print(&ClockTold { clock_offset_ms: offset_ms })?;
        }
        sleep(TELL_EVERY).await;
    }
}

/// What a right clock says, in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "time enters here, as it does in `custody serve`")]
fn wall_ms() -> anyhow::Result<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(u64::try_from(since.as_millis())?)
}
