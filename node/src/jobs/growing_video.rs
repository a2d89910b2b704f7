//! A video on its way into the cluster, of which the catalog is told so that it can be played while it is made.

use super::runner::JobTools;
use super::stored_output::{StoreError, StoredObject, StoredOutput};
use cluster::catalog::{BeginVideo, ClaimToken, Command};
use std::io::{self, Write};

/// A video that is being written.
pub(super) struct GrowingVideo<'a> {
    tools: &'a JobTools,
    stored: StoredOutput,
    /// The claim by which the catalog is still to be told; none where it is not, or was.
    to_tell: Option<ClaimToken>,
}

impl<'a> GrowingVideo<'a> {
    /// Nothing yet. Of a video that plays only when it is complete nothing is told.
    pub(super) fn new(tools: &'a JobTools, stored: StoredOutput, to_tell: Option<ClaimToken>) -> Self {
        Self { tools, stored, to_tell }
    }

    /// Makes it final.
    pub(super) fn seal(self) -> Result<StoredObject, StoreError> {
        self.stored.seal()
    }

    /// Tells the catalog where the video is, once it has begun. Where that fails it is made all the same, and told with what
    /// comes next.
    fn tell(&mut self) {
        let Some((claim, object)) = self.to_tell.zip(self.stored.begun()) else { return };
        let begin = Command::BeginVideo(BeginVideo { claim, object });
        match self.tools.runtime.block_on(self.tools.cluster.submit(begin)) {
            Ok(_) => self.to_tell = None,
            Err(error) => tracing::warn!(%object, %error, "a video cannot be played yet"),
        }
    }
}

impl Write for GrowingVideo<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stored.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stored.flush()?;
        self.tell();
        Ok(())
    }
}
