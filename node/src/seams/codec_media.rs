//! What the API asks of recordings, by those who can read them.

use super::frame_pool::FramePool;
use super::view_pool::ViewPool;
use api::{BoxFuture, Media, MediaError, ViewPart, ViewRead};
use cluster::Cluster;
use cluster::id::RecordingId;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Draws pictures and reads views.
pub(crate) struct CodecMedia {
    frames: FramePool,
    views: ViewPool,
}

impl CodecMedia {
    /// Of what `cluster` keeps.
    pub(crate) fn new(cluster: &Arc<Cluster>, runtime: Handle) -> Self {
        let frames = FramePool::new(Arc::clone(cluster), runtime);
        Self { frames, views: ViewPool::new(Arc::clone(cluster)) }
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
        Box::pin(self.views.open(part))
    }
}
