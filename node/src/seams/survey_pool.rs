//! What recordings hold that grow: surveyed from byte 0 for each answer, so that nothing is kept of a recording and every
//! member answers alike.

use super::view_pool::{damaged, unreadable};
use crate::gaps::with_gaps;
use crate::interrupt::{Interrupt, StopOnDrop};
use crate::recording::{OpenError, Recording};
use crate::survey::{Asked, Survey, fold, survey};
use crate::tasks::on_thread;
use api::{MediaError, Sight, Surveyed};
use cluster::Cluster;
use cluster::catalog::Gap;
use cluster::id::{ObjectId, RecordingId};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Recordings that are surveyed at one time; each survey takes a core, and the memory that the limits of a timeline allow.
const SURVEYS_AT_ONCE: usize = 2;
/// The most bytes that are surveyed.
const SURVEY_BYTES_MAX: u64 = 1 << 30;
/// How long a survey may take, and the waiting for its turn.
const SURVEY_LIMIT: Duration = Duration::from_secs(20);

/// Surveys recordings for the API.
pub(super) struct SurveyPool {
    cluster: Arc<Cluster>,
    runtime: Handle,
    free: Arc<Semaphore>,
}

impl SurveyPool {
    /// A pool that reads from `cluster`.
    pub(super) fn new(cluster: Arc<Cluster>, runtime: Handle) -> Self {
        Self { cluster, runtime, free: Arc::new(Semaphore::new(SURVEYS_AT_ONCE)) }
    }

    /// What a recording holds as far as it is durable, as JSON.
    pub(super) async fn survey(
        &self,
        recording: RecordingId,
        wanted: Surveyed,
    ) -> Result<Vec<u8>, MediaError> {
        let limit_ms = u64::try_from(SURVEY_LIMIT.as_millis()).unwrap_or(u64::MAX);
        let done = timeout(SURVEY_LIMIT, self.survey_in_turn(recording, wanted)).await;
        done.unwrap_or(Err(MediaError::Deadline { limit_ms }))
    }

    async fn survey_in_turn(&self, recording: RecordingId, wanted: Surveyed) -> Result<Vec<u8>, MediaError> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| MediaError::Crashed)?;
        let object = ObjectId::from(recording);
        let length = self.cluster.length(object).await.map_err(unreadable)?;
        if length > SURVEY_BYTES_MAX {
            return Err(MediaError::TooLong { limit_bytes: SURVEY_BYTES_MAX });
        }
        let catalog = self.cluster.catalog().map_err(|error| damaged(&error.to_string()))?;
        let gaps = catalog.gaps(recording, length).map_err(|error| damaged(&error.to_string()))?.gaps;
        let stored = Recording::of_session(&self.cluster, &self.runtime, recording, length);
        let stored = stored.map_err(|error| damaged(&error.to_string()))?;
        let interrupt = Interrupt::default();
        let _stop = StopOnDrop(interrupt.clone());
        let surveyed = on_thread("survey", move || {
            let _permit = permit;
            json(&stored, length, Wanted { what: wanted, gaps }, &interrupt)
        });
        match surveyed.await {
            Ok(result) => result.map_err(|error| damaged(&error.to_string())),
            Err(error) => {
                tracing::error!(%recording, %error, "a recording was not surveyed");
                Err(MediaError::Crashed)
            }
        }
    }
}

/// What is asked for, and the gaps that a timeline shows.
struct Wanted {
    what: Surveyed,
    gaps: Vec<Gap>,
}

fn json(
    stored: &Recording,
    length: u64,
    wanted: Wanted,
    interrupt: &Interrupt,
) -> Result<Vec<u8>, OpenError> {
    let Wanted { what, gaps } = wanted;
    let asked = Asked { length, session: None };
    let json = match what {
        Surveyed::Timeline(Sight::View) => {
            let Survey { timeline, view, .. } = survey(stored, asked, interrupt)?;
            let seen = view.as_ref().map_or(&timeline, |view| &view.timeline);
            serde_json::to_vec(&with_gaps(seen, &timeline, &gaps))
        }
        Surveyed::Timeline(Sight::Received) => {
            let (timeline, _) = fold(stored, asked, interrupt)?;
            serde_json::to_vec(&with_gaps(&timeline, &timeline, &gaps))
        }
        Surveyed::Keystrokes => serde_json::to_vec(&fold(stored, asked, interrupt)?.1),
    };
    // Its lists are bounded, so that it fits into memory.
    Ok(json.expect("timelines and keystrokes are plain data"))
}
