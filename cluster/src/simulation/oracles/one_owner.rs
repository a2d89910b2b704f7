use crate::id::{Epoch, MemberId, ObjectId};
use std::collections::BTreeMap;

/// One process writes the chunks of an epoch.
#[derive(Debug, Default)]
pub(crate) struct OneOwner {
    writers: BTreeMap<(ObjectId, Epoch), (MemberId, u64)>,
}

impl OneOwner {
    /// A process of a member sends records of its own.
    pub(crate) fn wrote(
        &mut self,
        (object, epoch): (ObjectId, Epoch),
        process: (MemberId, u64),
    ) -> Result<(), String> {
        let first = *self.writers.entry((object, epoch)).or_insert(process);
        match first == process {
            true => Ok(()),
            false => Err(format!("epoch {epoch} of {object} is written by {first:?} and by {process:?}")),
        }
    }
}
