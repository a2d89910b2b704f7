//! Copies that are missing here or bad: from whoever finds them to the good copy in their place.

use super::super::closing::End;
use super::super::effect::Effect;
use super::super::repairs::{Cause, Repairs};
use super::super::replica::TailError;
use super::super::turn::Turn;
use super::{Effects, Member, Role};
use crate::catalog::{ChunkRow, RESYNC_MIB_PER_S};
use crate::chunk::{DiskError, FileError};
use crate::id::{ChunkId, ChunkNumber, ObjectId};
use std::sync::Arc;

const MIB_BYTES: u64 = 1 << 20;
/// While something is recorded here, copies are fetched at one part in so many of what they may be.
const PARTS_BESIDE_RECORDERS: u64 = 4;
/// What the operator is told while nothing is fetched.
const FULL: &str = "the disk is too full: nothing that is missing is fetched";

impl Member {
    /// What its repairs share with other threads.
    pub fn repairs(&self) -> Arc<Repairs> {
        Arc::clone(self.resync.repairs())
    }

    /// Somebody has found a copy that is missing or bad.
    pub fn repair(&mut self, object: ObjectId, number: ChunkNumber, cause: Cause, now_ms: u64) -> Effects {
        let row = self.catalog.chunks(object, number, 1)?.into_iter().next();
        if let Some((_, row)) = row.filter(|(found, _)| *found == number)
            && self.catalog.is_kept(object)?
        {
            match cause {
                // A good copy may have taken its place since it was found and marked.
                Cause::Bad if self.shelf.store().is_bad(row.chunk.id(object)) => {
                    self.want(object, &row, cause)?
                }
                Cause::Bad => {}
                // It may be on its way, or not to be here.
                Cause::Missing => self.committed(object, number)?,
            }
        }
        self.fetch_missing(Vec::new(), now_ms)
    }

    /// Wants a good copy.
    pub(super) fn want(&mut self, object: ObjectId, row: &ChunkRow, cause: Cause) -> Result<(), TailError> {
        let id = row.chunk.id(object);
        if cause == Cause::Bad && self.shelf.store().mark_bad(id).map_err(DiskError::from)? {
            self.resync.repairs().found_bad(id);
        }
        let likely = self.around.likely(object, &row.members);
        self.resync.want(object, row, likely, cause);
        Ok(())
    }

    /// A copy that was sent stands in its place, or does not.
    pub(super) fn placed(&mut self, chunk: ChunkId, end: &Result<(), FileError>, now_ms: u64) -> Effects {
        if !self.catalog.is_kept(chunk.object)? {
            // Purged or deleted while it was on its way.
            self.resync.drop_wanted(chunk);
            match self.shelf.store().delete(chunk) {
                Ok(()) | Err(DiskError::Io { .. }) => return Ok(Vec::new()),
                Err(fatal @ DiskError::Fatal(_)) => return Err(fatal.into()),
            }
        }
        let mut turn = Turn { now_ms, around: &mut self.around, effects: Vec::new() };
        self.resync.placed(chunk, end, &mut turn);
        let effects = turn.effects;
        // It may be here for a seal only.
        self.committed(chunk.object, chunk.number)?;
        let effects = self.fetch_missing(effects, now_ms)?;
        let effects = self.gather(chunk.object, effects, now_ms)?;
        self.settle(chunk.object, effects, now_ms)
    }

    /// Time passes for what is missing.
    pub(super) fn tick_resync(&mut self, effects: Vec<Effect>, now_ms: u64) -> Effects {
        let mib_per_s = self.catalog.number(RESYNC_MIB_PER_S)?;
        let bytes_per_s = bytes_per_s(mib_per_s, self.shelf.open_chunks().next().is_some());
        let is_wanted_now = self.resync.repairs().take_start();
        if is_wanted_now || self.resync.take_cut() || self.surplus.take_cut() {
            self.survey.begin();
        }
        let mut turn = Turn { now_ms, around: &mut self.around, effects };
        self.resync.tick(bytes_per_s, is_wanted_now, &mut turn);
        let effects = turn.effects;
        self.fetch_missing(effects, now_ms)
    }

    /// Whether the disk is too full for copies. What a seal waits for is fetched all the same: its bytes are acknowledged.
    fn is_full_for_copies(&self) -> bool {
        let waits = |role: &Role| match role {
            Role::Owner(owner) => owner.lacks_manifest(),
            Role::TakingOver { .. } => false,
        };
        !self.shelf.has_room_for_copies() && !self.objects.values().any(waits)
    }

    /// Asks for what is missing, as far as it may be asked for.
    pub(super) fn fetch_missing(&mut self, effects: Vec<Effect>, now_ms: u64) -> Effects {
        if self.is_full_for_copies() {
            if self.resync.next().is_some() {
                self.resync.repairs().fail(FULL.to_owned());
            }
            return Ok(effects);
        }
        let mut turn = Turn { now_ms, around: &mut self.around, effects };
        while let Some(id) = self.resync.next() {
            let store = self.shelf.store();
            let is_good = !store.is_bad(id) && store.is_closed(id)?;
            match !is_good && self.catalog.is_kept(id.object)? {
                true => self.resync.ask(id, &mut turn),
                false => self.resync.drop_wanted(id),
            }
        }
        Ok(turn.effects)
    }
}

/// How fast copies may be fetched.
fn bytes_per_s(mib_per_s: Option<u64>, is_recording: bool) -> u64 {
    let parts = if is_recording { PARTS_BESIDE_RECORDERS } else { 1 };
    mib_per_s.map_or(u64::MAX, |mib| mib.saturating_mul(MIB_BYTES) / parts)
}

/// What became of a file, if it was a copy that another member has sent.
pub(super) fn copied(end: &End) -> Option<&Result<(), FileError>> {
    match end {
        End::Copied(copied) => Some(copied),
        End::Closed | End::Discarded | End::Open(..) | End::Dropped(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorders_come_before_copies() {
        assert_eq!(bytes_per_s(Some(400), false), 400 * MIB_BYTES);
        assert_eq!(bytes_per_s(Some(400), true), 100 * MIB_BYTES);
        assert_eq!(bytes_per_s(Some(1), true), MIB_BYTES / 4);
        assert_eq!((bytes_per_s(None, false), bytes_per_s(None, true)), (u64::MAX, u64::MAX));
    }
}
