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

/// What a video is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) recording: RecordingId,
    /// Its bytes.
    pub(super) length: u64,
    /// Whether the video shows what was typed.
    pub(super) keystrokes: bool,
}

/// Makes the video with worker processes and keeps it as a new object of the recording: each try has its own. One that
/// shows what was typed stands under the recording's second key, as all such text does.
pub(super) fn convert(
    tools: &JobTools,
    source: Source,
    counter: &JobCounter,
    interrupt: &Interrupt,
) -> Result<VideoFacts, JobError> {
    let Source { recording, length, keystrokes } = source;
    let stored = Recording::of_session(&tools.cluster, &tools.runtime, recording, length)?;
    let stored = stored.drawn(interrupt)?;
    let begin = if keystrokes { StoredOutput::of_text } else { StoredOutput::new };
    let mut output = begin(tools.cluster.clone(), tools.runtime.clone(), recording);
    let conversion = Conversion {
        recording: &stored,
        side_car: None,
        work_dir: &tools.work_dir,
        limits: Limits::default(),
        settings: ConversionSettings { keystrokes, ..ConversionSettings::default() },
        workers: tools.workers.get(),
        progress: counter,
    };
    let report = conversion.run(&mut output, interrupt)?;
    if report.summary.mismatches > 0 {
        let packets = report.summary.mismatches;
        tracing::warn!(%recording, packets, "checked packets did not decode to what our encoder meant: their segments were coded anew from there");
    }
    let video = output.seal()?;
    Ok(VideoFacts {
        object: video.object,
        length: video.length,
        duration_ms: u64::try_from(report.plan.cut.duration_ms()).unwrap_or(0),
        content_hash: video.content_hash,
    })
}
