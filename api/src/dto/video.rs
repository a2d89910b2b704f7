//! Videos of sessions.

use cluster::catalog::{JobRow, JobState, VideoFacts, VideoRow, VideoState};
use cluster::id::VideoId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hex;
use super::named::{Container, FailureKind};

/// A video that somebody wants.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVideo {
    /// What kind of file it is; mp4 without. Another format is another video of the session.
    #[serde(default = "mp4")]
    #[schema(default = "mp4")]
    pub(crate) format: Container,
    /// Whether the text of keystrokes is in it; takes the permission to see them.
    #[serde(default)]
    pub(crate) keystrokes: bool,
    /// Whom to tell when it can be downloaded; without, the caller, if the caller's name is an address.
    pub(crate) notify: Option<Vec<String>>,
}

/// What is said of a video that does not show all.
const READY_DAMAGED: &str =
    "the video can be downloaded; the recording is damaged, and something is missing in it";

fn mp4() -> Container {
    Container::Mp4
}

/// The videos of a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct VideoParts {
    /// Whether videos may be made and downloaded: the parameter `video_download_enabled`.
    pub(crate) download_enabled: bool,
    /// The newest of each kind.
    pub(crate) videos: Vec<Video>,
}

/// A video.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Video {
    pub(crate) id: String,
    pub(crate) session: String,
    pub(crate) format: Container,
    /// Whether the text of keystrokes is in it.
    pub(crate) keystrokes: bool,
    /// `pending`, `ready`, `failed` or `cancelled`.
    pub(crate) state: &'static str,
    /// For a person.
    pub(crate) message: &'static str,
    /// The final size.
    pub(crate) size_bytes: Option<u64>,
    /// The final duration.
    pub(crate) duration_ms: Option<u64>,
    /// From when of the recording on something is missing in the video, since the recording is damaged; not there where the
    /// video shows all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing_from_ms: Option<u64>,
    /// SHA-256 of the file.
    pub(crate) sha256: Option<String>,
    /// Where the file is, once it is ready or playable.
    pub(crate) content: Option<String>,
    /// Whether the file can be played while it is made: one in fragmented MP4 whose making has begun.
    pub(crate) playable: bool,
    /// How far it is, by recording time.
    pub(crate) progress: Option<VideoProgress>,
    /// How many videos are made before this one, while it waits.
    pub(crate) queue_position: Option<u64>,
    pub(crate) failure: Option<FailureKind>,
    pub(crate) requested_by: String,
    pub(crate) requested_ms: u64,
}

/// How far a video is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct VideoProgress {
    pub(crate) done_ms: u64,
    /// 0 while it is unknown.
    pub(crate) total_ms: u64,
    /// An estimate of how much longer it takes, by its pace so far; not there before there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_ms: Option<u64>,
}

/// What is known of a video besides its row.
pub(crate) struct VideoRows {
    pub(crate) video: VideoRow,
    pub(crate) job: Option<VideoJob>,
    pub(crate) missing_from_ms: Option<u64>,
    /// Whether it is stored as it is made.
    pub(crate) is_begun: bool,
}

/// What is known of a video's job.
pub(crate) struct VideoJob {
    pub(crate) row: JobRow,
    /// For how long it has been done, if it is.
    pub(crate) elapsed_ms: Option<u64>,
    pub(crate) queue_position: Option<u64>,
}

impl Video {
    /// The video of its rows.
    pub(crate) fn new(id: VideoId, rows: VideoRows) -> Self {
        let VideoRows { video: row, job, missing_from_ms, is_begun } = rows;
        let facts = facts(&row.state);
        let is_pending = row.state == VideoState::Pending;
        let playable = is_pending && is_begun;
        let job = job.filter(|_| is_pending);
        let failure = match row.state {
            VideoState::Failed { failure } => Some(failure.into()),
            VideoState::Pending | VideoState::Ready(_) | VideoState::Cancelled | VideoState::Purged => None,
        };
        let (state, message) = match describe(&row.state, job.as_ref()) {
            ("ready", _) if missing_from_ms.is_some() => ("ready", READY_DAMAGED),
            described => described,
        };
        Self {
            id: id.to_string(),
            session: row.recording.to_string(),
            format: row.settings.container.into(),
            keystrokes: row.settings.keystrokes,
            state,
            message,
            size_bytes: facts.map(|facts| facts.length),
            duration_ms: facts.map(|facts| facts.duration_ms),
            missing_from_ms,
            sha256: facts.map(|facts| hex(&facts.content_hash.0)),
            content: (facts.is_some() || playable).then(|| format!("/v1/videos/{id}/content")),
            playable,
            progress: job.as_ref().map(|job| VideoProgress {
                done_ms: job.row.progress.done_ms,
                total_ms: job.row.progress.total_ms,
                left_ms: job.elapsed_ms.and_then(|elapsed_ms| job.row.progress.left_ms(elapsed_ms)),
            }),
            queue_position: job.and_then(|job| job.queue_position),
            failure,
            requested_by: row.requested_by,
            requested_ms: row.requested_ms,
        }
    }
}

fn facts(state: &VideoState) -> Option<VideoFacts> {
    match state {
        VideoState::Ready(facts) => Some(*facts),
        VideoState::Pending | VideoState::Failed { .. } | VideoState::Cancelled | VideoState::Purged => None,
    }
}

fn describe(state: &VideoState, job: Option<&VideoJob>) -> (&'static str, &'static str) {
    let waits = job.is_some_and(|job| job.row.state == JobState::Queued);
    match state {
        VideoState::Pending if waits => ("pending", "the video waits to be generated"),
        VideoState::Pending => ("pending", "the video is being generated"),
        VideoState::Ready(_) => ("ready", "the video can be downloaded"),
        VideoState::Failed { .. } => {
            ("failed", "the video could not be generated; the recording is untouched")
        }
        VideoState::Cancelled => ("cancelled", "the video was cancelled"),
        VideoState::Purged => ("purged", "the video was purged with its session"),
    }
}
