//! What the API asks of recordings, by those who can read them.

use super::frame_pool::FramePool;
use super::join_pool::JoinPool;
use super::sound_pool::SoundPool;
use super::survey_pool::SurveyPool;
use super::view_pool::ViewPool;
use crate::tasks::{Stop, TaskResult};
use api::{
    BoxFuture, FoundText, Join, Media, MediaError, Sight, SoundSpool, Surveyed, TextQuery, ViewPart, ViewRead,
};
use cluster::Cluster;
use cluster::id::RecordingId;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// How often is forgotten what nobody asks for.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Draws pictures, reads views, looks into recordings that grow, and into sound that comes in.
pub(crate) struct CodecMedia {
    frames: FramePool,
    views: Arc<ViewPool>,
    surveys: SurveyPool,
    joins: JoinPool,
    sounds: SoundPool,
}

impl CodecMedia {
    /// Of what `cluster` keeps; what comes in waits in `work_dir`.
    pub(crate) fn new(cluster: &Arc<Cluster>, runtime: Handle, work_dir: PathBuf) -> Self {
        let of = || Arc::clone(cluster);
        let views = Arc::new(ViewPool::new(of()));
        Self {
            frames: FramePool::new(of(), runtime.clone()),
            surveys: SurveyPool::new(of(), runtime.clone()),
            joins: JoinPool::new(of(), runtime, Arc::clone(&views)),
            views,
            sounds: SoundPool::new(work_dir),
        }
    }

    /// Forgets pictures of live sessions that nobody asks for, and those of sessions that have ended.
    pub(crate) async fn sweep(self: Arc<Self>, stop: Stop) -> TaskResult {
        while stop.sleep(SWEEP_EVERY).await {
            self.joins.sweep();
        }
        Ok(())
    }
}

impl Media for CodecMedia {
    fn frame(
        &self,
        recording: RecordingId,
        at_ms: u64,
        pointer: bool,
    ) -> BoxFuture<'_, Result<Vec<u8>, MediaError>> {
        Box::pin(self.frames.draw(recording, at_ms, pointer))
    }

    fn view(&self, part: ViewPart) -> BoxFuture<'_, Result<Box<dyn ViewRead>, MediaError>> {
        Box::pin(Arc::clone(&self.views).open(part))
    }

    fn view_length(&self, recording: RecordingId) -> BoxFuture<'_, Result<u64, MediaError>> {
        Box::pin(self.views.length(recording))
    }

    fn survey(&self, recording: RecordingId, wanted: Surveyed) -> BoxFuture<'_, Result<Vec<u8>, MediaError>> {
        Box::pin(self.surveys.survey(recording, wanted))
    }

    fn text(
        &self,
        recording: RecordingId,
        wanted: TextQuery,
    ) -> BoxFuture<'_, Result<FoundText, MediaError>> {
        Box::pin(self.surveys.text(recording, wanted))
    }

    fn join(&self, recording: RecordingId, sight: Sight) -> BoxFuture<'_, Result<Option<Join>, MediaError>> {
        Box::pin(self.joins.join(recording, sight))
    }

    fn sound(&self) -> Result<Box<dyn SoundSpool>, MediaError> {
        self.sounds.begin()
    }
}
