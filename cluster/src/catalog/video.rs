//! Videos: asked for once per recording and settings, however often somebody asks.

use super::deleted;
use super::engine::Tree;
use super::hold;
use super::job;
use super::outcome::{Outcome, Refusal};
use super::parameter;
use super::recording;
use super::row::Row;
use super::session::{self, SessionState, named};
use super::step::{Effect, Halt, Step};
use super::text;
use crate::id::{JobId, ObjectId, RecordingId, VideoId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most addresses that are told when a video is ready.
const NOTIFY_MAX: usize = 8;
/// The most kinds of videos of a recording that are looked at: formats, keystrokes or not, versions of the codec.
const REQUESTS_MAX: usize = 512;

named!(
    /// The file format of a video.
    Container {
        /// MP4.
        Mp4 = "mp4",
        /// WebM.
        Webm = "webm",
        /// MP4 in fragments.
        FragmentedMp4 = "fragmented-mp4",
    }
);

/// What makes two videos of a recording the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoSettings {
    /// The file format.
    pub container: Container,
    /// Whether keystroke text is in it.
    pub keystrokes: bool,
    /// The codec's version, since another one makes other bytes.
    pub codec_version: u32,
}

/// Somebody wants a video of an ended session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestVideo {
    /// Its identifier, if it is new.
    pub video: VideoId,
    /// Of which recording.
    pub recording: RecordingId,
    /// Which video.
    pub settings: VideoSettings,
    /// Who wants it.
    pub requested_by: String,
    /// Whom to tell when it is ready.
    pub notify: Vec<String>,
}

/// Somebody wants a video that failed or was cancelled once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryVideo {
    /// Which.
    pub video: VideoId,
    /// Who.
    pub by: String,
}

/// Somebody wants a video to be gone. It can be asked for anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteVideo {
    /// Which.
    pub video: VideoId,
    /// Who.
    pub by: String,
}

/// What is known of a finished video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoFacts {
    /// Where it is stored.
    pub object: ObjectId,
    /// Its bytes.
    pub length: u64,
    /// How long it plays.
    pub duration_ms: u64,
    /// SHA-256 of its bytes.
    pub content_hash: crate::chunk::Hash,
}

/// Whether a video can be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VideoState {
    /// It is being made.
    Pending,
    /// It can.
    Ready(VideoFacts),
    /// It cannot be made.
    Failed {
        /// Why.
        failure: job::FailureKind,
    },
    /// Nobody wants it any more.
    Cancelled,
    /// It is gone with its session.
    Purged,
}

/// A video in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoRow {
    /// Of which recording.
    pub recording: RecordingId,
    /// Which video.
    pub settings: VideoSettings,
    /// The job that makes it.
    pub job: JobId,
    /// Who wanted it first.
    pub requested_by: String,
    /// Whom to tell.
    pub notify: Vec<String>,
    /// Whether it can be downloaded.
    pub state: VideoState,
    /// The cluster's time when it was asked for.
    pub requested_ms: u64,
}

impl Row for VideoRow {
    const TREE: Tree = Tree::Videos;
}

/// A video that can be downloaded, and in which something is missing that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DamagedVideoRow {
    /// All of the recording is in it up to then.
    pub(crate) missing_from_ms: u64,
}

impl Row for DamagedVideoRow {
    const TREE: Tree = Tree::DamagedVideos;
}

/// The newest video of a recording and settings.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RequestRow {
    pub(crate) video: VideoId,
}

impl Row for RequestRow {
    const TREE: Tree = Tree::VideosByRequest;
}

pub(crate) fn request(step: &mut Step<'_, '_>, command: RequestVideo) -> Effect {
    let RequestVideo { video, recording, settings, requested_by, notify } = command;
    text::needed("requested by", &requested_by)?;
    let notify = merged(Vec::new(), notify)?;
    need_videos(step)?;
    match session::get(step, recording)?.state {
        SessionState::Ended { .. } => {}
        SessionState::Live => return Err(Refusal::SessionNotEnded { recording }.into()),
        SessionState::Purging(_) | SessionState::Purged { .. } => {
            return Err(Refusal::SessionPurged { recording }.into());
        }
    }
    let object = ObjectId::from(recording);
    match recording::get(step, object)?.state {
        recording::ObjectState::Sealed(_) => {}
        recording::ObjectState::Open | recording::ObjectState::Interrupted { .. } => {
            return Err(Refusal::ObjectNotSealed { object }.into());
        }
    }
    let request_key = request_key(recording, settings);
    if let Some(RequestRow { video }) = step.rows.get(&request_key)?
        && let Some(row) = step.rows.get::<VideoRow>(&video.0)?
    {
        return join(step, (video, row), notify);
    }
    if step.rows.has_key(Tree::Videos, &video.0)? {
        return Err(Refusal::VideoExists { video }.into());
    }
    let job = job::create_convert(step, recording, video)?;
    let state = VideoState::Pending;
    let row = VideoRow { recording, settings, job, requested_by, notify, state, requested_ms: step.now_ms };
    step.rows.put(&video.0, &row)?;
    step.rows.put(&request_key, &RequestRow { video })?;
    Ok(Outcome::Video { video, job, is_new: true })
}

/// Adds to a video that was asked for before. One that failed or was cancelled is made once more, so that a recording
/// never has two videos of the same settings.
fn join(step: &mut Step<'_, '_>, (video, mut row): (VideoId, VideoRow), notify: Vec<String>) -> Effect {
    let is_new = match row.state {
        VideoState::Ready(_) => return Ok(Outcome::Video { video, job: row.job, is_new: false }),
        VideoState::Purged => return Err(Refusal::SessionPurged { recording: row.recording }.into()),
        VideoState::Failed { .. } | VideoState::Cancelled => true,
        VideoState::Pending => false,
    };
    if is_new {
        row.job = job::create_convert(step, row.recording, video)?;
        row.state = VideoState::Pending;
    }
    row.notify = merged(row.notify, notify)?;
    step.rows.put(&video.0, &row)?;
    Ok(Outcome::Video { video, job: row.job, is_new })
}

/// A further job for a video that has none.
pub(crate) fn retry(step: &mut Step<'_, '_>, command: RetryVideo) -> Effect {
    let RetryVideo { video, by } = command;
    text::needed("by", &by)?;
    need_videos(step)?;
    let mut row: VideoRow = step.need(&video.0, || Refusal::VideoUnknown { video })?;
    session::kept(step, row.recording)?;
    match row.state {
        VideoState::Failed { .. } | VideoState::Cancelled => {}
        VideoState::Pending | VideoState::Ready(_) | VideoState::Purged => {
            return Err(Refusal::VideoNotEnded { video }.into());
        }
    }
    let job = job::create_convert(step, row.recording, video)?;
    (row.job, row.state) = (job, VideoState::Pending);
    step.rows.put(&video.0, &row)?;
    Ok(Outcome::Video { video, job, is_new: true })
}

/// Removes a video that no hold keeps. A member that is making it is told when it next says how far it is.
pub(crate) fn delete(step: &mut Step<'_, '_>, command: DeleteVideo) -> Effect {
    let DeleteVideo { video, by } = command;
    text::needed("by", &by)?;
    let row: VideoRow = step.need(&video.0, || Refusal::VideoUnknown { video })?;
    let recording = row.recording;
    session::kept(step, recording)?;
    let holds = hold::standing(step, recording)?;
    if holds > 0 {
        return Err(Refusal::Held { recording, holds: u64::try_from(holds).unwrap_or(u64::MAX) }.into());
    }
    match row.state {
        VideoState::Pending => job::cancel_purged(step, row.job)?,
        VideoState::Ready(facts) => deleted::delete(step, facts.object)?,
        VideoState::Failed { .. } | VideoState::Cancelled | VideoState::Purged => {}
    }
    let request_key = request_key(recording, row.settings);
    if step.rows.get::<RequestRow>(&request_key)?.is_some_and(|newest| newest.video == video) {
        step.rows.remove(Tree::VideosByRequest, &request_key);
    }
    step.rows.remove(Tree::Videos, &video.0);
    step.rows.remove(Tree::DamagedVideos, &video.0);
    Ok(Outcome::Done)
}

pub(crate) fn set_state(
    step: &mut Step<'_, '_>,
    video: VideoId,
    state: VideoState,
) -> Result<VideoRow, Halt> {
    let mut row: VideoRow = match step.rows.get(&video.0)? {
        Some(row) => row,
        None => return Err(Refusal::VideoExists { video }.into()),
    };
    row.state = state;
    step.rows.put(&video.0, &row)?;
    Ok(row)
}

/// The newest video of each kind that was asked for of a recording.
pub(crate) fn of_recording(
    step: &Step<'_, '_>,
    recording: RecordingId,
) -> Result<Vec<(VideoId, VideoRow)>, Halt> {
    let mut videos = Vec::new();
    for (_, RequestRow { video }) in step.rows.list(&recording.0, REQUESTS_MAX)? {
        if let Some(row) = step.rows.get(&video.0)? {
            videos.push((video, row));
        }
    }
    Ok(videos)
}

/// Recording, then settings: all videos of a recording stand together.
fn request_key(recording: RecordingId, settings: VideoSettings) -> Vec<u8> {
    let mut key = recording.0.to_vec();
    key.extend_from_slice(settings.container.as_str().as_bytes());
    key.push(0);
    key.push(u8::from(settings.keystrokes));
    key.extend_from_slice(&settings.codec_version.to_be_bytes());
    key
}

/// Whom to tell: each once, in the order in which they were named.
fn merged(mut all: Vec<String>, further: Vec<String>) -> Result<Vec<String>, Halt> {
    for address in further {
        text::needed("address to notify", &address)?;
        if !all.contains(&address) {
            all.push(address);
        }
    }
    if all.len() > NOTIFY_MAX {
        let limit = u64::try_from(NOTIFY_MAX).unwrap_or(u64::MAX);
        return Err(Refusal::TooManyAddresses { limit }.into());
    }
    Ok(all)
}

/// Whether videos may be made at all.
fn need_videos(step: &Step<'_, '_>) -> Result<(), Halt> {
    match parameter::is_on(step, parameter::VIDEO_DOWNLOAD_ENABLED)? {
        true => Ok(()),
        false => Err(Refusal::ParameterOff { name: parameter::VIDEO_DOWNLOAD_ENABLED.to_owned() }.into()),
    }
}
