//! The scrub, and what it and others find.

use crate::tasks::{Stop, TaskResult};
use cluster::Cluster;
use cluster::tail::Finding;
use std::sync::Arc;
use std::time::Duration;

/// How long to wait after a failure.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Compares this member's copies with their hashes until it is told to stop.
pub(super) async fn run(cluster: Arc<Cluster>, stop: Stop) -> TaskResult {
    loop {
        let wait = match cluster.scrub().await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(%error, "the scrub does not go on");
                AGAIN_AFTER
            }
        };
        for finding in cluster.repairs().take_findings() {
            tell(&finding);
        }
        if !stop.sleep(wait).await {
            return Ok(());
        }
    }
}

fn tell(finding: &Finding) {
    match finding {
        Finding::Bad(chunk) => {
            tracing::warn!(%chunk, "this member's copy is bad, and is asked of the others")
        }
        Finding::Repaired(chunk) => tracing::info!(%chunk, "a good copy has taken the place of a bad one"),
        Finding::NoCopy(chunk) => {
            tracing::error!(%chunk, "this member lacks a good copy, and no other member that was asked has one");
        }
    }
}
