//! How full the members' disks are: asked about, and told when an operator has to act; what is kept for a full one.

use super::ballast::Ballast;
use crate::tasks::{Stop, TaskResult, on_thread};
use cluster::Cluster;
use cluster::chunk::DiskLevel;
use cluster::chunk::key::Random;
use std::sync::Arc;
use std::time::Duration;

/// How often.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Looks until it is told to stop.
pub(super) async fn run(
    cluster: Arc<Cluster>,
    ballast: Ballast,
    random: Arc<dyn Random>,
    stop: Stop,
) -> TaskResult {
    let mut told = DiskLevel::Ample;
    loop {
        // Who does not answer is not waited for at the end.
        tokio::select! {
            () = cluster.look_at_disks() => {}
            () = stop.stopped() => return Ok(()),
        }
        if let Some(level) = cluster.disk_here().map(|space| space.level())
            && level != told
        {
            tell(level);
            told = level;
        }
        if let Some(space) = cluster.disk_here() {
            let (ballast, random) = (ballast.clone(), Arc::clone(&random));
            // It is tried again, and a disk that does not take it shows elsewhere.
            if let Ok(Err(error)) = on_thread("ballast", move || ballast.grow(space, &*random)).await {
                tracing::debug!(%error, "the ballast does not grow");
            }
        }
        if !stop.sleep(LOOK_EVERY).await {
            return Ok(());
        }
    }
}

/// Once whenever it changes.
fn tell(level: DiskLevel) {
    match level {
        DiskLevel::Ample => tracing::info!("this member's disk has room again"),
        DiskLevel::Low => tracing::warn!("this member's disk is filling up: make room"),
        DiskLevel::Filling => tracing::error!(
            "this member's disk is too full for new sessions and for copies that it lacks: make room"
        ),
        DiskLevel::Scarce => {
            tracing::error!("this member's disk is too full for recordings: make room at once");
        }
    }
}
