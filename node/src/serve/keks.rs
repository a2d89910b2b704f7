//! KEKs that come and go.

use crate::tasks::{Stop, TaskResult};
use cluster::Cluster;
use std::sync::Arc;
use std::time::Duration;

/// How long to wait after a failure.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Holds the KEKs that this member is to hold, and as the leader has them rotated, until it is told to stop.
pub(super) async fn run(cluster: Arc<Cluster>, stop: Stop) -> TaskResult {
    loop {
        let wait = match cluster.tend_keks().await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(%error, "the keys that wrap all keys are not in order yet");
                AGAIN_AFTER
            }
        };
        if !stop.sleep(wait).await {
            return Ok(());
        }
    }
}
