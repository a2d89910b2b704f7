//! The job Convert: a sealed recording becomes a stored video.

use super::claim::JobCounter;
use super::failure::JobError;
use super::runner::JobTools;
use super::stored_output::StoredOutput;
use crate::conversion::{Conversion, ConversionSettings};
use crate::interrupt::Interrupt;
use crate::recording::Recording;
use cluster::catalog::VideoFacts;
use cluster::id::RecordingId;
use codec::limits::Limits;

/// Makes the video with worker processes and keeps it as a new object of the recording: each try has its own.
pub(super) fn convert(
    tools: &JobTools,
    recording: RecordingId,
    length: u64,
    counter: &JobCounter,
    interrupt: &Interrupt,
) -> Result<VideoFacts, JobError> {
    let stored = Recording::stored(tools.cluster.clone(), tools.runtime.clone(), recording.into(), length);
    let mut output = StoredOutput::new(tools.cluster.clone(), tools.runtime.clone(), recording);
    let conversion = Conversion {
        recording: &stored,
        work_dir: &tools.work_dir,
        limits: Limits::default(),
        settings: ConversionSettings::default(),
        workers: tools.workers.get(),
        progress: counter,
    };
    let report = conversion.run(&mut output, interrupt)?;
    if report.summary.mismatches > 0 {
        let segments = report.summary.mismatches;
        tracing::warn!(%recording, segments, "checked segments did not decode to what our encoder meant: rav1e coded the rest of them");
    }
    let video = output.seal()?;
    Ok(VideoFacts {
        object: video.object,
        length: video.length,
        duration_ms: u64::try_from(report.plan.cut.duration_ms()).unwrap_or(0),
        content_hash: video.content_hash,
    })
}
