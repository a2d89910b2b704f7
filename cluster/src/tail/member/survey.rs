//! What the catalog says that this member is to hold, against what it holds.

use super::super::repairs::Cause;
use super::super::replica::TailError;
use super::super::shelf::Shelf;
use super::super::turn::ChosenBy;
use super::amiss::{Amiss, Owed};
use super::{Effects, Member};
use crate::catalog::{Catalog, CatalogError, ChunkRow, ObjectRow};
use crate::chunk::{ClosedChunk, DiskError, FileError, GatherError, Manifest};
use crate::id::{ChunkId, ChunkNumber, MemberId, ObjectId};
use std::collections::{BTreeMap, BTreeSet};

/// Objects that are looked at with each tick.
const OBJECTS_AT_ONCE: usize = 128;
/// Rows of chunks that are read at once.
const CHUNKS_AT_ONCE: usize = 512;

/// A walk over all objects. It begins anew when something may be missing.
#[derive(Debug, Default)]
pub(super) struct Survey {
    is_wanted: bool,
    is_running: bool,
    after: Option<ObjectId>,
    began_ms: Option<u64>,
    /// By which layout, and what was found that is not as it is to be by it.
    pub(super) by: Option<ChosenBy>,
    amiss: Amiss,
    /// Whether this member writes with others what it is not to hold.
    is_in_set: bool,
    /// What the layout still has to move, of all that was there when the first survey by it began.
    owed: Owed,
    /// The same of the last one that came to its end.
    had_moves: bool,
    /// When open files were first seen, if they are collected by that.
    seen_ms: BTreeMap<ChunkId, u64>,
}

impl Survey {
    pub(super) fn begin(&mut self) {
        self.is_wanted = true;
    }

    /// Whether the last one is over, none is wanted, and all was as it is to be.
    pub(super) fn is_done(&self) -> bool {
        !self.is_wanted && !self.is_running && !self.had_moves
    }

    /// All objects were looked at.
    fn end(&mut self) {
        self.had_moves = self.has_moves();
        if let Some(by) = self.by {
            self.owed.surveyed(by, &self.amiss);
        }
    }

    fn has_moves(&self) -> bool {
        self.is_in_set || !self.amiss.is_empty()
    }

    /// What is still to be moved by this layout, once a whole survey by it has come to its end.
    fn moves_left(&self, by: ChosenBy) -> Option<u64> {
        (self.by == Some(by)).then(|| u64::try_from(self.owed.left(by, &self.amiss)).unwrap_or(u64::MAX))
    }

    /// Whether a whole survey by this layout has found that all is as it is to be, but for what came since the first one.
    pub(super) fn is_settled_by(&self, by: ChosenBy) -> bool {
        self.by == Some(by) && !self.is_in_set && (self.amiss.is_empty() || self.owed.is_nothing(by))
    }
}

impl Member {
    /// A chunk of an object was committed, as the facts that are applied here say.
    pub fn committed(&mut self, object: ObjectId, number: ChunkNumber) -> Result<(), TailError> {
        let row = self.catalog.chunks(object, number, 1)?.into_iter().next();
        match row.filter(|(found, _)| *found == number) {
            Some((_, row)) => {
                let homes = self.around.homes(object);
                self.compare(object, &row, (true, &homes))
            }
            None => Ok(()),
        }
    }

    /// Looks at some more objects.
    pub(super) fn go_on_surveying(&mut self, now_ms: u64) -> Effects {
        let survey_ms = self.around.options.survey_ms;
        let began_ms = self.survey.began_ms;
        let is_due = began_ms.is_none_or(|began_ms| now_ms.saturating_sub(began_ms) >= survey_ms);
        if (self.survey.is_wanted || is_due) && !self.survey.is_running {
            let seen_ms = std::mem::take(&mut self.survey.seen_ms);
            let (began_ms, by) = (Some(now_ms), Some(self.around.chosen_by()));
            let (had_moves, owed) = (self.survey.had_moves, std::mem::take(&mut self.survey.owed));
            let is_running = true;
            self.survey = Survey { is_running, began_ms, by, owed, had_moves, seen_ms, ..Survey::default() };
        }
        let mut effects = Vec::new();
        if !self.survey.is_running || !self.is_ready {
            return Ok(effects);
        }
        let objects = self.catalog.objects(self.survey.after, OBJECTS_AT_ONCE)?;
        self.survey.is_running = objects.len() == OBJECTS_AT_ONCE;
        self.survey.after = objects.last().map(|(object, _)| *object);
        for (object, row) in objects {
            effects.extend(self.look_at(object, &row, now_ms)?);
        }
        if !self.survey.is_running {
            self.survey.end();
            self.resync.repairs().tell_moves_left(self.survey.moves_left(self.around.chosen_by()));
            if !self.survey.has_moves() {
                self.surplus.drops().unblock();
            }
            effects.extend(self.tell_settled(now_ms)?);
        }
        Ok(effects)
    }

    /// Looks at the objects of which chunks were open at the start, before all others.
    pub(super) fn look_at_found(&mut self, now_ms: u64) -> Effects {
        let mut effects = Vec::new();
        let found = if self.is_ready { self.found.clone() } else { BTreeSet::new() };
        for object in found {
            if let Some(row) = self.catalog.object(object)? {
                effects.extend(self.look_at(object, &row, now_ms)?);
            }
        }
        Ok(effects)
    }

    /// Makes what is held of an object what the catalog says.
    fn look_at(&mut self, object: ObjectId, row: &ObjectRow, now_ms: u64) -> Effects {
        let is_kept = self.catalog.is_kept(object)?;
        let homes = self.around.homes(object);
        for chunk in chunks_of(&self.catalog, object)? {
            self.compare(object, &chunk, (is_kept, &homes))?;
        }
        // What is being written is to be on others soon.
        let me = self.around.me;
        let is_open = row.open_chunk.as_ref().is_some_and(|open| open.members.contains(&me));
        self.survey.is_in_set |= is_open && !self.around.layout.members.contains_key(&me);
        self.collect(object, row, now_ms)?;
        match self.is_to_adopt(object, row, now_ms) {
            true => self.take_over(object, now_ms),
            false => self.look_at_overdue(object, row, now_ms),
        }
    }

    /// What was committed meanwhile is not known: all objects are looked at.
    pub fn look_around(&mut self) {
        self.survey.begin();
    }

    /// Whether the object has an open chunk and nobody who writes it, and this member is the one to end that: else the
    /// chunk would stay on its set for as long as its recorder is away, and nobody would know how much of it counts.
    fn is_to_adopt(&self, object: ObjectId, row: &ObjectRow, now_ms: u64) -> bool {
        row.open_chunk.is_some()
            && self.is_keeper(object, row, now_ms)
            && !self.is_leaving
            && !self.objects.contains_key(&object)
    }

    /// Looks at a committed chunk, and notes that something is not as it is to be.
    fn compare(
        &mut self,
        object: ObjectId,
        row: &ChunkRow,
        (is_kept, homes): (bool, &[MemberId]),
    ) -> Result<(), TailError> {
        let is_right = self.put_right(object, row, (is_kept, homes))?;
        if !is_right {
            self.survey.amiss.note(row.chunk.id(object));
            self.survey.had_moves = true;
        }
        Ok(())
    }

    /// Makes the open file of a committed chunk the closed one; asks others when it is missing here, or bad; notes a copy
    /// that others are to hold. Whether it is here, or not, as it is to be.
    fn put_right(
        &mut self,
        object: ObjectId,
        row: &ChunkRow,
        (is_kept, homes): (bool, &[MemberId]),
    ) -> Result<bool, TailError> {
        let id = row.chunk.id(object);
        let is_home = homes.contains(&self.around.me);
        if self.replica.settle(&mut self.shelf, id, &row.chunk)? {
            if is_kept && !is_home {
                self.surplus.note(id);
                return Ok(false);
            }
            if is_kept && self.shelf.store().is_bad(id) {
                self.want(object, row, Cause::Bad)?;
                return Ok(false);
            }
            return Ok(true);
        }
        if self.shelf.is_closing(id) {
            return Ok(is_home != self.surplus.is_dropping(id));
        }
        if self.shelf.records(id).is_some() {
            // Its file is only being made.
            self.survey.begin();
            return Ok(is_home);
        }
        if is_kept && is_home {
            self.want(object, row, Cause::Missing)?;
            return Ok(false);
        }
        Ok(true)
    }

    /// What the rule to ask the facts is there to prevent.
    fn collect_by_clock(&mut self, object: ObjectId, after_ms: u64, now_ms: u64) -> Result<(), TailError> {
        let open: Vec<ChunkId> = self.shelf.open_chunks().filter(|chunk| chunk.object == object).collect();
        for chunk in open {
            let seen_ms = *self.survey.seen_ms.entry(chunk).or_insert(now_ms);
            if now_ms.saturating_sub(seen_ms) > after_ms {
                self.survey.seen_ms.remove(&chunk);
                self.replica.discard(&mut self.shelf, chunk)?;
            }
        }
        Ok(())
    }

    /// Removes open files that can never be committed: those of an epoch that has passed, unless the catalog has them
    /// open or closed. A newer catalog cannot need them, since no command of an older epoch is applied any more.
    fn collect(&mut self, object: ObjectId, row: &ObjectRow, now_ms: u64) -> Result<(), TailError> {
        if let Some(after_ms) = self.around.options.rules.collects_after_ms {
            return self.collect_by_clock(object, after_ms, now_ms);
        }
        let passed = |chunk: &ChunkId| {
            let is_open = row
                .open_chunk
                .as_ref()
                .is_some_and(|open| (open.number, open.epoch) == (chunk.number, chunk.epoch));
            chunk.object == object && chunk.epoch < row.epoch && !is_open
        };
        let passed: Vec<ChunkId> = self.shelf.open_chunks().filter(passed).collect();
        for chunk in passed {
            let committed = self.catalog.chunks(object, chunk.number, 1)?;
            if !committed.iter().any(|(_, row)| row.chunk.id(object) == chunk) {
                self.replica.discard(&mut self.shelf, chunk)?;
            }
        }
        Ok(())
    }
}

/// The committed chunks of an object, its manifest last.
pub(super) fn chunks_of(catalog: &Catalog, object: ObjectId) -> Result<Vec<ChunkRow>, CatalogError> {
    let mut rows: Vec<ChunkRow> = Vec::new();
    loop {
        let from =
            rows.last().map_or(ChunkNumber(0), |row| ChunkNumber(row.chunk.number.0.saturating_add(1)));
        let found = catalog.chunks(object, from, CHUNKS_AT_ONCE)?;
        let is_last =
            found.len() < CHUNKS_AT_ONCE || found.iter().any(|(number, _)| *number == ChunkNumber::MANIFEST);
        rows.extend(found.into_iter().map(|(_, row)| row));
        if is_last {
            return Ok(rows);
        }
    }
}

/// What became of the manifest.
pub(super) enum Gathered {
    Whole(Box<Manifest>),
    /// Chunks are missing here.
    Missing,
    /// The disk does not give them.
    Unreadable,
}

/// The manifest of all closed chunks, whose leaves must be on this member; and those that are missing here or bad.
pub(super) fn gather(
    catalog: &Catalog,
    shelf: &Shelf,
    object: ObjectId,
) -> Result<(Gathered, Vec<(ChunkRow, Cause)>), TailError> {
    let mut rows = chunks_of(catalog, object)?;
    rows.retain(|row| row.chunk.number != ChunkNumber::MANIFEST);
    let (mut is_whole, mut missing) = (true, Vec::new());
    for row in &rows {
        let id = row.chunk.id(object);
        if shelf.is_closing(id) {
            is_whole = false;
        } else if !shelf.store().is_closed(id)? {
            missing.push((row.clone(), Cause::Missing));
        }
    }
    if !is_whole || !missing.is_empty() {
        return Ok((Gathered::Missing, missing));
    }
    let chunks: Vec<ClosedChunk> = rows.iter().map(|row| row.chunk).collect();
    match Manifest::gather(shelf.store(), object, chunks) {
        Ok(manifest) => Ok((Gathered::Whole(Box::new(manifest)), missing)),
        Err(GatherError::File(FileError::Disk(fatal @ DiskError::Fatal(_)))) => Err(fatal.into()),
        Err(GatherError::File(FileError::Damaged(damage))) => {
            rows.retain(|row| row.chunk.id(object) == damage.chunk);
            Ok((Gathered::Missing, rows.into_iter().map(|row| (row, Cause::Bad)).collect()))
        }
        Err(GatherError::File(FileError::Disk(_) | FileError::Missing { .. }) | GatherError::Chunks(_)) => {
            Ok((Gathered::Unreadable, missing))
        }
    }
}
