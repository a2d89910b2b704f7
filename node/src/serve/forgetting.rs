//! What is left of purged sessions.

use crate::tasks::{Stop, TaskResult};
use cluster::Cluster;
use std::sync::Arc;
use std::time::Duration;

/// How long to wait after a failure.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Brings purges to their end until it is told to stop. What is under way then is given up, and begun again.
pub(super) async fn run(cluster: Arc<Cluster>, stop: Stop) -> TaskResult {
    loop {
        let forgotten = tokio::select! {
            biased;
            () = stop.stopped() => return Ok(()),
            forgotten = cluster.forget() => forgotten,
        };
        let wait = match forgotten {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(%error, "what is left of purged sessions is not gone yet");
                AGAIN_AFTER
            }
        };
        if !stop.sleep(wait).await {
            return Ok(());
        }
    }
}
