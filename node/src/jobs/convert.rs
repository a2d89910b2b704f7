//! The job Convert: a sealed recording becomes a stored video.

use super::claim::JobCounter;
use super::failure::JobError;
use super::growing_video::GrowingVideo;
use super::runner::JobTools;
use super::session_span::session_span;
use super::stored_output::StoredOutput;
use crate::conversion::{Conversion, ConversionSettings, SideCarFile};
use crate::interrupt::Interrupt;
use crate::recording::Recording;
use cluster::catalog::{self, ClaimToken, SealFacts, VideoFacts, VideoSettings};
use cluster::id::RecordingId;
use codec::limits::Limits;
use codec::mux::{Container, Indexed, Metadata};

/// What a video is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) recording: RecordingId,
    /// Its length and root.
    pub(super) sealed: SealFacts,
    /// Which video.
    pub(super) settings: VideoSettings,
}

/// What was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Video {
    pub(super) facts: VideoFacts,
    /// From when of the recording on something is missing in it.
    pub(super) missing_from_ms: Option<u64>,
}

/// Makes the video with worker processes and keeps it as a new object of the recording: each try has its own. One that
/// shows what was typed stands under the recording's second key, as all such text does.
pub(super) fn convert(
    tools: &JobTools,
    claim: ClaimToken,
    source: Source,
    counter: &JobCounter,
    interrupt: &Interrupt,
) -> Result<Video, JobError> {
    let Source { recording, sealed, settings } = source;
    let keystrokes = settings.keystrokes;
    let stored = Recording::of_session(&tools.cluster, &tools.runtime, recording, sealed.length)?;
    let stored = stored.drawn(interrupt)?;
    let side_car = side_car(tools, recording)?;
    let begin = if keystrokes { StoredOutput::of_text } else { StoredOutput::new };
    let output = begin(tools.cluster.clone(), tools.runtime.clone(), recording);
    let container = container(settings.container);
    let mut output =
        GrowingVideo::new(tools, output, (container == Container::FragmentedMp4).then_some(claim));
    let conversion = Conversion {
        recording: &stored,
        session: session_span(&tools.cluster, recording)?,
        side_car: side_car.as_ref(),
        work_dir: &tools.work_dir,
        limits: Limits::default(),
        settings: ConversionSettings { keystrokes, container, ..ConversionSettings::default() },
        metadata: metadata(tools, source)?,
        workers: tools.workers.get(),
        progress: counter,
    };
    let report = conversion.run(&mut output, interrupt)?;
    if report.summary.mismatches > 0 {
        let packets = report.summary.mismatches;
        tracing::warn!(%recording, packets, "checked packets did not decode to what our encoder meant: their segments were coded anew from there");
    }
    let video = output.seal()?;
    let ms = |ms| u64::try_from(ms).unwrap_or(0);
    let facts = VideoFacts {
        object: video.object,
        length: video.length,
        duration_ms: ms(report.plan.cut.duration_ms()),
        content_hash: video.content_hash,
    };
    Ok(Video { facts, missing_from_ms: report.missing_from_ms().map(ms) })
}

/// The file of sound that was recorded beside the session, as it is now: a video does not change when one comes later.
fn side_car(tools: &JobTools, recording: RecordingId) -> Result<Option<SideCarFile>, JobError> {
    let Some(sound) = tools.cluster.catalog()?.sound(recording)? else { return Ok(None) };
    let (cluster, runtime) = (tools.cluster.clone(), tools.runtime.clone());
    let stored = Recording::stored(cluster, runtime, sound.object, sound.length);
    Ok(Some(SideCarFile::of_stored(stored, sound.offset_ms)?))
}

fn container(wanted: catalog::Container) -> Container {
    match wanted {
        catalog::Container::Mp4 => Container::Indexed(Indexed::Mp4),
        catalog::Container::Webm => Container::Indexed(Indexed::Webm),
        catalog::Container::FragmentedMp4 => Container::FragmentedMp4,
    }
}

/// What the file says about itself: the head of the session's report.
fn metadata(tools: &JobTools, source: Source) -> Result<Metadata, JobError> {
    let Source { recording, sealed, .. } = source;
    let info = tools.cluster.catalog()?.session(recording)?.map(|session| session.info);
    Ok(Metadata {
        title: info.as_ref().map(title),
        started_unix_s: info.map(|info| info.start_ms / 1_000),
        session: Some(recording.to_string()),
        root: Some(sealed.root.to_string()),
    })
}

/// Protocol, device and user, as one line.
fn title(info: &catalog::SessionInfo) -> String {
    let user = if info.user_name.is_empty() { String::new() } else { format!(" – {}", info.user_name) };
    let title = format!("{} {}{user}", info.protocol, info.device_address);
    let title: String = title.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    let (title, _) = title.split_at(title.floor_char_boundary(Metadata::MAX_TEXT_BYTES));
    title.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::catalog::{Format, Protocol, SessionInfo};

    #[test]
    fn a_title_is_one_line_that_fits() {
        let info = |device: &str, user: &str| SessionInfo {
            protocol: Protocol::Ssh,
            format: Format::Guacamole,
            device_address: device.into(),
            credential_user: "root".into(),
            user_name: user.into(),
            user_address: String::new(),
            start_ms: 0,
            recorder_token: None,
        };
        assert_eq!(title(&info("10.0.0.7", "ada")), "ssh 10.0.0.7 – ada");
        assert_eq!(title(&info("10.0.0.7\n", "")), "ssh 10.0.0.7 ");
        let long = "é".repeat(Metadata::MAX_TEXT_BYTES);
        assert_eq!(title(&info(&long, "ada")).len(), Metadata::MAX_TEXT_BYTES);
    }
}
