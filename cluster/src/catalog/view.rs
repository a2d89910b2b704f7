//! The view of a recording: what those may see who lack the permission Keystrokes.

use super::engine::Tree;
use super::job::{self, ClaimToken};
use super::outcome::Outcome;
use super::recording;
use super::row::Row;
use super::step::{Effect, Step};
use crate::id::ObjectId;
use serde::{Deserialize, Serialize};

/// The index job has made what the view of its recording needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepView {
    /// Which claim says so.
    pub claim: ClaimToken,
    /// What it has made.
    pub view: ViewRow,
}

/// The view of a recording in the catalog. Its bytes are not stored: they are read from the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewRow {
    /// How long it is.
    pub length: u64,
    /// Where it is stored where to begin reading for each part of the view.
    pub index: ObjectId,
    /// Where the timeline of the view is stored.
    pub timeline: ObjectId,
}

impl Row for ViewRow {
    const TREE: Tree = Tree::Views;
}

/// Keeps it while the job goes on; a later try of it replaces it.
pub(crate) fn keep(step: &mut Step<'_, '_>, command: KeepView) -> Effect {
    let KeepView { claim, view } = command;
    let recording = job::claimed_index(step, claim)?.recording;
    for object in [view.index, view.timeline] {
        recording::sealed(step, object, recording)?;
    }
    step.rows.put(&recording.0, &view)?;
    Ok(Outcome::Done)
}
