//! Videos that can be played while they are made: where what there is of one is stored.

use super::catalog::Catalog;
use super::engine::Tree;
use super::job::{self, ClaimToken, JobKind};
use super::outcome::{Outcome, Refusal};
use super::recording;
use super::row::Row;
use super::step::{Effect, Step};
use super::transaction::CatalogError;
use super::video::{Container, VideoRow};
use crate::id::{ObjectId, VideoId};
use serde::{Deserialize, Serialize};

/// The first bytes of a video in fragments are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginVideo {
    /// Which claim says so.
    pub claim: ClaimToken,
    /// Where they are, and where the others will be.
    pub object: ObjectId,
}

/// A video that is being made in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VideoBegunRow {
    /// Where it is stored. Each try has another object, so that this also names the try.
    pub(crate) object: ObjectId,
}

impl Row for VideoBegunRow {
    const TREE: Tree = Tree::VideosBegun;
}

impl Catalog {
    /// The object that holds what there is of a video that can be played while it is made.
    pub fn video_begun(&self, video: VideoId) -> Result<Option<ObjectId>, CatalogError> {
        Ok(self.get::<VideoBegunRow>(&video.0)?.map(|row| row.object))
    }
}

/// Keeps it until this try of the job ends; a later try replaces it.
pub(crate) fn begin(step: &mut Step<'_, '_>, command: BeginVideo) -> Effect {
    let BeginVideo { claim, object } = command;
    let (video, job) = job::claimed_video(step, claim)?;
    let row: VideoRow = step.need(&video.0, || Refusal::VideoUnknown { video })?;
    match row.settings.container {
        Container::FragmentedMp4 => {}
        Container::Mp4 | Container::Webm => return Err(Refusal::VideoNotInFragments { video }.into()),
    }
    recording::derived(step, object, job.recording)?;
    step.rows.put(&video.0, &VideoBegunRow { object })?;
    Ok(Outcome::Done)
}

/// A try of a job has ended, whatever became of it, or another one begins.
pub(crate) fn end(step: &mut Step<'_, '_>, kind: JobKind) {
    match kind {
        JobKind::Convert { video } => step.rows.remove(Tree::VideosBegun, &video.0),
        JobKind::Index => {}
    }
}
