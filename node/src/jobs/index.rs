//! The job Index: what a recording holds, without drawing it.

use super::failure::JobError;
use super::runner::JobTools;
use super::session_span::session_span;
use super::stored_output::StoredOutput;
use crate::gaps::with_gaps;
use crate::interrupt::Interrupt;
use crate::recording::Recording;
use crate::survey::{Asked, Survey, survey};
use cluster::catalog::{
    AuditEvent, ClaimToken, Command, CompleteIndex, IndexFacts, KeepView, ObjectState, ViewRow,
};
use cluster::id::{ObjectId, RecordingId};
use codec::timeline::Timeline;
use serde::Serialize;
use std::io::Write;

/// Reads a sealed recording from end to end and keeps its timeline as an object beside it, its keystrokes, which
/// fewer people may see, as another one, and for all others the index and the timeline of its view.
pub(super) fn index(
    tools: &JobTools,
    claim: ClaimToken,
    recording: RecordingId,
    length: u64,
    interrupt: &Interrupt,
) -> Result<CompleteIndex, JobError> {
    tell_sealed(tools, recording)?;
    let stored = Recording::of_session(&tools.cluster, &tools.runtime, recording, length)?;
    let session = session_span(&tools.cluster, recording)?;
    let Survey { timeline, keystrokes, view } = survey(&stored, Asked { length, session }, interrupt)?;
    let gaps = tools.cluster.catalog()?.gaps(recording, length)?.gaps;
    let bytes = || StoredOutput::new(tools.cluster.clone(), tools.runtime.clone(), recording);
    let text = StoredOutput::of_text(tools.cluster.clone(), tools.runtime.clone(), recording);
    if let Some(view) = view {
        let view = ViewRow {
            length: view.index.bytes,
            index: store(bytes(), &view.index)?,
            timeline: store(bytes(), &with_gaps(&view.timeline, &timeline, &gaps))?,
        };
        let keep = Command::KeepView(KeepView { claim, view });
        tools.runtime.block_on(tools.cluster.submit(keep)).map_err(JobError::Keep)?;
    }
    let artefact = store(bytes(), &with_gaps(&timeline, &timeline, &gaps))?;
    let facts = facts(&timeline, artefact);
    Ok(CompleteIndex { claim, facts, keystrokes: store(text, &keystrokes)? })
}

/// Tells the audit log the recording's root. A job that is done again tells it again, which changes nothing.
fn tell_sealed(tools: &JobTools, recording: RecordingId) -> Result<(), JobError> {
    let row = tools.cluster.catalog()?.object(recording.into())?;
    let Some(ObjectState::Sealed(facts)) = row.map(|row| row.state) else { return Ok(()) };
    let event = Command::Audit(AuditEvent::sealed(recording, &facts));
    tools.runtime.block_on(tools.cluster.submit(event)).map_err(JobError::Keep)?;
    Ok(())
}

/// Keeps a value as JSON in an object of its own.
fn store(mut output: StoredOutput, value: &impl Serialize) -> Result<ObjectId, JobError> {
    // Its lists are bounded, so that it fits into memory.
    let artefact = serde_json::to_vec(value).expect("timelines, keystrokes and indexes are plain data");
    output.write_all(&artefact).map_err(JobError::Write)?;
    Ok(output.seal()?.object)
}

fn facts(timeline: &Timeline, artefact: ObjectId) -> IndexFacts {
    let size = timeline.largest_size();
    let side = |side: Option<usize>| side.and_then(|side| u32::try_from(side).ok()).unwrap_or(0);
    let frames = u64::try_from(timeline.sync_count).unwrap_or(u64::MAX);
    let is_database = timeline.format == Timeline::DB_LINES;
    IndexFacts {
        duration_ms: u64::try_from(timeline.media_duration_ms).unwrap_or(0),
        width: side(size.map(|size| size.width)),
        height: side(size.map(|size| size.height)),
        frames,
        keystrokes: timeline.key_presses,
        statements: if is_database { frames } else { 0 },
        artefact,
    }
}
