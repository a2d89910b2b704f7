//! Sound that was recorded beside a session: one file, kept as it was received.

use super::catalog::Catalog;
use super::deleted;
use super::engine::Tree;
use super::outcome::{Outcome, Refusal};
use super::recording;
use super::row::Row;
use super::session;
use super::step::{Effect, Halt, Step};
use super::transaction::CatalogError;
use crate::chunk::Hash;
use crate::id::{ObjectId, RecordingId};
use serde::{Deserialize, Serialize};

/// The furthest from the beginning of its recording that sound begins, in milliseconds.
pub const SOUND_OFFSET_MS_MAX: u64 = 24 * 3_600_000;

/// A file of sound belongs to a session from here on, unless one does already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepSound {
    /// Of which recording.
    pub recording: RecordingId,
    /// What it is.
    pub sound: SoundRow,
}

/// The file of sound of a session in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundRow {
    /// Where it is stored.
    pub object: ObjectId,
    /// When it begins, in milliseconds of media time; negative when its beginning is not heard.
    pub offset_ms: i64,
    /// Its bytes.
    pub length: u64,
    /// SHA-256 of them.
    pub content_hash: Hash,
}

impl SoundRow {
    /// Whether both are the same bytes at the same time, wherever they are stored.
    pub fn is_same(&self, other: &Self) -> bool {
        let told = |row: &Self| (row.offset_ms, row.length, row.content_hash);
        told(self) == told(other)
    }
}

impl Row for SoundRow {
    const TREE: Tree = Tree::Sounds;
}

impl Catalog {
    /// The file of sound of a session.
    pub fn sound(&self, recording: RecordingId) -> Result<Option<SoundRow>, CatalogError> {
        self.get(&recording.0)
    }
}

/// Keeps the first file of a session and answers which one that is. Another one is no part of it: its object, to which
/// nothing else refers, is deleted in the same step, so that two that come at once leave nothing behind. No hold keeps it:
/// it never belonged to the session.
pub(crate) fn keep(step: &mut Step<'_, '_>, command: KeepSound) -> Effect {
    let KeepSound { recording, sound } = command;
    session::kept(step, recording)?;
    if sound.offset_ms.unsigned_abs() > SOUND_OFFSET_MS_MAX {
        return Err(Refusal::SoundOffset { limit_ms: SOUND_OFFSET_MS_MAX }.into());
    }
    let actual = recording::sealed(step, sound.object, recording)?.length;
    if actual != sound.length {
        return Err(Refusal::SoundLength { expected: sound.length, actual }.into());
    }
    let Some(standing) = of(step, recording)? else {
        step.rows.put(&recording.0, &sound)?;
        return Ok(Outcome::Sound { sound, is_new: true });
    };
    if standing.object != sound.object {
        deleted::delete(step, sound.object)?;
    }
    Ok(Outcome::Sound { sound: standing, is_new: false })
}

/// The file of sound of a session.
pub(crate) fn of(step: &Step<'_, '_>, recording: RecordingId) -> Result<Option<SoundRow>, Halt> {
    Ok(step.rows.get(&recording.0)?)
}
