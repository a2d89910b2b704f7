//! The job Index: what a recording holds, without drawing it.

use super::failure::JobError;
use super::runner::JobTools;
use super::stored_output::StoredOutput;
use crate::conversion::survey;
use crate::interrupt::Interrupt;
use crate::recording::Recording;
use cluster::catalog::{ClaimToken, CompleteIndex, IndexFacts};
use cluster::id::{ObjectId, RecordingId};
use codec::limits::Limits;
use codec::timeline::Timeline;
use serde::Serialize;
use std::io::Write;

/// Reads a sealed recording from end to end and keeps its timeline as an object beside it, and its keystrokes, which
/// fewer people may see, as another one.
pub(super) fn index(
    tools: &JobTools,
    claim: ClaimToken,
    recording: RecordingId,
    length: u64,
    interrupt: &Interrupt,
) -> Result<CompleteIndex, JobError> {
    let stored = Recording::stored(tools.cluster.clone(), tools.runtime.clone(), recording.into(), length);
    let (timeline, keystrokes) = survey(&stored, Limits::default(), interrupt)?;
    let facts = facts(&timeline, store(tools, recording, &timeline)?);
    Ok(CompleteIndex { claim, facts, keystrokes: store(tools, recording, &keystrokes)? })
}

/// Keeps a value as JSON in an object of its own.
fn store(tools: &JobTools, recording: RecordingId, value: &impl Serialize) -> Result<ObjectId, JobError> {
    // Its lists are bounded, so that it fits into memory.
    let artefact = serde_json::to_vec(value).expect("timelines and keystrokes are plain data");
    let mut output = StoredOutput::new(tools.cluster.clone(), tools.runtime.clone(), recording);
    output.write_all(&artefact).map_err(JobError::Write)?;
    Ok(output.seal()?.object)
}

fn facts(timeline: &Timeline, artefact: ObjectId) -> IndexFacts {
    let size = timeline.largest_size();
    let side = |side: Option<usize>| side.and_then(|side| u32::try_from(side).ok()).unwrap_or(0);
    IndexFacts {
        duration_ms: u64::try_from(timeline.media_duration_ms).unwrap_or(0),
        width: side(size.map(|size| size.width)),
        height: side(size.map(|size| size.height)),
        frames: u64::try_from(timeline.sync_count).unwrap_or(u64::MAX),
        keystrokes: timeline.key_presses,
        statements: 0,
        artefact,
    }
}
