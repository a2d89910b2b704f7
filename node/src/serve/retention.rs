//! Purging by age.

use crate::tasks::{Stop, TaskResult};
use cluster::Cluster;
use cluster::catalog::{CatalogError, Command, DuePlace, Purge, PurgeCause, Refusal};
use cluster::facts::{NotReady, SubmitError};
use std::sync::Arc;
use std::time::Duration;

/// How often sessions are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Pages that are looked at each time, and sessions of a page.
const PAGES_AT_ONCE: usize = 8;
const PAGE_SESSIONS: usize = 64;

/// Why purging does not go on. It is tried again.
#[derive(Debug, thiserror::Error)]
enum PurgeError {
    #[error(transparent)]
    NotReady(#[from] NotReady),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// Purges what is due until it is told to stop. All members do: the catalog decides, and the first one is heard.
pub(super) async fn run(cluster: Arc<Cluster>, stop: Stop) -> TaskResult {
    let mut place = None;
    while stop.sleep(LOOK_EVERY).await {
        match purge_due(&cluster, place).await {
            Ok(next) => place = next,
            Err(error) => tracing::warn!(%error, "sessions whose retention has passed were not purged"),
        }
    }
    Ok(())
}

/// Purges some of what is due, and says where to go on: from the start, when that was all.
async fn purge_due(cluster: &Cluster, mut place: Option<DuePlace>) -> Result<Option<DuePlace>, PurgeError> {
    for _ in 0..PAGES_AT_ONCE {
        let catalog = cluster.catalog()?;
        let clock = catalog.clock()?;
        if clock.suspicion.is_some() {
            return Ok(place);
        }
        let page = catalog.due_sessions(clock.cautious_ms(), place, PAGE_SESSIONS)?;
        for due in page.sessions {
            if !purge(cluster, Purge { recording: due.recording, cause: PurgeCause::Retention }).await? {
                return Ok(place);
            }
        }
        place = page.next;
        if place.is_none() {
            break;
        }
    }
    Ok(place)
}

/// Purges one session unless something keeps it. Whether others may follow now.
async fn purge(cluster: &Cluster, command: Purge) -> Result<bool, SubmitError> {
    let recording = command.recording;
    match cluster.submit(Command::Purge(command)).await {
        Ok(_) => tracing::info!(%recording, "purged: its retention has passed"),
        Err(SubmitError::Refused(Refusal::PurgePace { .. } | Refusal::ClockSuspected)) => return Ok(false),
        // Held, not sealed yet, or purged by another member meanwhile.
        Err(SubmitError::Refused(refusal)) => tracing::debug!(%recording, %refusal, "not purged"),
        Err(error) => return Err(error),
    }
    Ok(true)
}
