//! What recordings hold that grow, and the text of all: surveyed from byte 0 for each answer, so that nothing is kept of a
//! recording and every member answers alike.

use super::view_pool::{damaged, unreadable};
use crate::gaps::with_gaps;
use crate::interrupt::{Interrupt, StopOnDrop};
use crate::recording::{OpenError, Recording};
use crate::survey::{Asked, Survey, fold, survey};
use crate::tasks::on_thread;
use api::{FoundLine, FoundText, MediaError, Sight, Surveyed, TextKind, TextQuery};
use cluster::Cluster;
use cluster::catalog::Gap;
use cluster::id::{ObjectId, RecordingId};
use codec::limits::Limits;
use codec::timeline::{TextLine, TimelineFold};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
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
        let turn = self.turn().await?;
        let (stored, length) = self.durable(recording).await?;
        if length > SURVEY_BYTES_MAX {
            return Err(MediaError::TooLong { limit_bytes: SURVEY_BYTES_MAX });
        }
        let catalog = self.cluster.catalog().map_err(|error| damaged(&error.to_string()))?;
        let gaps = catalog.gaps(recording, length).map_err(|error| damaged(&error.to_string()))?.gaps;
        let wanted = Wanted { what: wanted, gaps };
        in_turn(turn, recording, move |interrupt| json(&stored, length, wanted, interrupt)).await
    }

    /// The lines of text of a recording that hold what is looked for. Nothing of it is kept.
    pub(super) async fn text(
        &self,
        recording: RecordingId,
        wanted: TextQuery,
    ) -> Result<FoundText, MediaError> {
        let limit_ms = u64::try_from(SURVEY_LIMIT.as_millis()).unwrap_or(u64::MAX);
        let search = async {
            let turn = self.turn().await?;
            let (stored, _) = self.durable(recording).await?;
            in_turn(turn, recording, move |interrupt| found(stored, wanted, interrupt)).await
        };
        timeout(SURVEY_LIMIT, search).await.unwrap_or(Err(MediaError::Deadline { limit_ms }))
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, MediaError> {
        Arc::clone(&self.free).acquire_owned().await.map_err(|_| MediaError::Crashed)
    }

    /// What of a recording is durable, and how long that is.
    async fn durable(&self, recording: RecordingId) -> Result<(Recording, u64), MediaError> {
        let length = self.cluster.length(ObjectId::from(recording)).await.map_err(unreadable)?;
        let stored = Recording::of_session(&self.cluster, &self.runtime, recording, length);
        Ok((stored.map_err(|error| damaged(&error.to_string()))?, length))
    }
}

/// Does work on a thread, until nobody waits for it any more.
async fn in_turn<T: Send + 'static>(
    turn: OwnedSemaphorePermit,
    recording: RecordingId,
    work: impl FnOnce(&Interrupt) -> Result<T, OpenError> + Send + 'static,
) -> Result<T, MediaError> {
    let interrupt = Interrupt::default();
    let _stop = StopOnDrop(interrupt.clone());
    let done = on_thread("survey", move || {
        let _turn = turn;
        work(&interrupt)
    });
    match done.await {
        Ok(result) => result.map_err(|error| damaged(&error.to_string())),
        Err(error) => {
            tracing::error!(%recording, %error, "a recording was not surveyed");
            Err(MediaError::Crashed)
        }
    }
}

/// Looks through the text of a recording, or of the transcript that is shown of it.
fn found(stored: Recording, wanted: TextQuery, interrupt: &Interrupt) -> Result<FoundText, OpenError> {
    let TextQuery { text, from_ms, limit } = wanted;
    let from_ms = i64::try_from(from_ms).unwrap_or(i64::MAX);
    let query = codec::timeline::TextQuery { text, from_ms, lines_max: limit };
    let drawn = stored.drawn(interrupt)?;
    let mut fold = TimelineFold::looking_for(query, Limits::default());
    drawn.each_piece(0..drawn.length()?, |piece| {
        if interrupt.is_set() {
            return Err(OpenError::Interrupted);
        }
        fold.push(piece);
        Ok(())
    })?;
    let found = fold.into_found();
    let line = |line: TextLine| FoundLine {
        t_ms: u64::try_from(line.at_ms).unwrap_or(0),
        kind: match line.kind {
            codec::timeline::TextKind::Typed => TextKind::Typed,
            codec::timeline::TextKind::Shown => TextKind::Shown,
        },
        text: line.text,
    };
    Ok(FoundText { lines: found.lines.into_iter().map(line).collect(), left_out: found.left_out })
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
