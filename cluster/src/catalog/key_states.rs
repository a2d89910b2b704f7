//! Where the key states of a recording are kept: from them pictures are drawn without all that came before.

use super::engine::Tree;
use super::job::{self, ClaimToken};
use super::outcome::Outcome;
use super::recording;
use super::row::Row;
use super::step::{Effect, Step};
use crate::id::ObjectId;
use serde::{Deserialize, Serialize};

/// The index job has made the key states of its recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepKeyStates {
    /// Which claim says so.
    pub claim: ClaimToken,
    /// Where they are stored.
    pub object: ObjectId,
}

/// The key states of a recording in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyStatesRow {
    /// Where they are stored.
    pub object: ObjectId,
}

impl Row for KeyStatesRow {
    const TREE: Tree = Tree::KeyStates;
}

/// Keeps them while the job goes on; a later try of it replaces them.
pub(crate) fn keep(step: &mut Step<'_, '_>, command: KeepKeyStates) -> Effect {
    let KeepKeyStates { claim, object } = command;
    let recording = job::claimed_index(step, claim)?.recording;
    recording::sealed(step, object, recording)?;
    step.rows.put(&recording.0, &KeyStatesRow { object })?;
    Ok(Outcome::Done)
}
