//! Objects that were deleted by themselves, while their session stays: no member holds them any more.

use super::catalog::Catalog;
use super::engine::{KeyRange, Tree};
use super::layout;
use super::outcome::{Outcome, Refusal};
use super::recording;
use super::step::{Effect, Halt, Step};
use super::transaction::CatalogError;
use crate::id::{MemberId, ObjectId};
use serde::{Deserialize, Serialize};

/// The most objects of one [`DeletedCopies`].
pub(crate) const COPIES_MAX: usize = 64;

/// A member has deleted its copies of deleted objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedCopies {
    /// Which member.
    pub member: MemberId,
    /// Which objects.
    pub objects: Vec<ObjectId>,
}

impl Catalog {
    /// Whether an object is to be held at all: nobody can read what was purged or deleted, and nobody fetches it again.
    pub fn is_kept(&self, object: ObjectId) -> Result<bool, CatalogError> {
        let is_purged = self.object(object.recording.into())?.is_none_or(|row| row.keys.is_none());
        Ok(!is_purged && self.engine().get(Tree::DeletedObjects, &recording::key(object))?.is_none())
    }

    /// Deleted objects of which a member still has to delete its copies, at most `limit`.
    pub fn copies_to_delete(&self, member: MemberId, limit: usize) -> Result<Vec<ObjectId>, CatalogError> {
        let range = KeyRange::prefix(&member.0.to_be_bytes());
        let keys = self.engine().scan(Tree::DeletedCopies, range, limit)?;
        let object = |key: &[u8]| recording::object(key.split_first_chunk::<8>()?.1);
        Ok(keys.iter().filter_map(|(key, _)| object(key)).collect())
    }
}

/// Deletes an object that derives from a recording.
pub(crate) fn delete(step: &mut Step<'_, '_>, object: ObjectId) -> Result<(), Halt> {
    step.rows.put_key(Tree::DeletedObjects, recording::key(object));
    for member in layout::holders(step)? {
        step.rows.put_key(Tree::DeletedCopies, copy_key(member, object));
    }
    Ok(())
}

/// Takes note of what a member has deleted.
pub(crate) fn copies(step: &mut Step<'_, '_>, command: DeletedCopies) -> Effect {
    let DeletedCopies { member, objects } = command;
    if objects.len() > COPIES_MAX {
        return Err(Refusal::TooManyObjects { limit: u64::try_from(COPIES_MAX).unwrap_or(u64::MAX) }.into());
    }
    for object in objects {
        step.rows.remove(Tree::DeletedCopies, &copy_key(member, object));
    }
    Ok(Outcome::Done)
}

/// Member, then object: all that a member has to delete stands together.
fn copy_key(member: MemberId, object: ObjectId) -> Vec<u8> {
    [member.0.to_be_bytes().as_slice(), &recording::key(object)].concat()
}
