//! Copies that are to be held by others: from whoever finds them to the file that is gone.

use super::super::drops::Drops;
use super::super::placement::homes;
use super::super::replica::TailError;
use super::super::surplus::AT_ONCE;
use super::super::turn::Turn;
use super::super::{Effect, Message};
use super::{Effects, Member, Role};
use crate::catalog::ChunkRow;
use crate::chunk::{CopyState, DiskError};
use crate::id::{ChunkId, MemberId};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Member {
    /// What its drops share with other threads.
    pub fn drops(&self) -> Arc<Drops> {
        Arc::clone(self.surplus.drops())
    }

    /// Goes on with the next few once all files of these are gone. What others do not hold yet waits for a tick instead: it
    /// would be asked about all the time.
    pub(super) fn go_on_dropping(&mut self, effects: Vec<Effect>, now_ms: u64) -> Vec<Effect> {
        let mut turn = Turn { now_ms, around: &mut self.around, effects };
        self.surplus.go_on(&mut turn);
        turn.effects
    }

    /// What is committed is applied here: asks those that are to hold some chunks.
    pub(super) fn ask_kept(&mut self, chunks: &[ChunkId], now_ms: u64) -> Effects {
        self.look_at_layout()?;
        let mut asked = Vec::new();
        for id in chunks {
            if self.is_surplus(*id)?.is_some() {
                asked.push((*id, self.around.homes(id.object)));
            }
        }
        if !self.around.options.rules.asks_before_drops {
            self.drop_surplus(asked.into_iter().map(|(id, _)| id))?;
            return Ok(Vec::new());
        }
        let mut turn = Turn { now_ms, around: &mut self.around, effects: Vec::new() };
        self.surplus.ask(asked, &mut turn);
        Ok(turn.effects)
    }

    /// Which of some chunks this member is to hold by a layout, and holds well. Whoever asks may drop its own copies then,
    /// and this member never drops these by this layout or an older one.
    pub(super) fn keeps(&self, to: MemberId, stamp: u64, chunks: &[ChunkId]) -> Result<Effect, TailError> {
        let (layout, wanted) = (self.catalog.layout()?, self.catalog.replicas()?);
        let mut kept = Vec::new();
        if self.is_ready && layout.stamp == stamp && chunks.len() <= AT_ONCE {
            for id in chunks {
                let is_home = homes(id.object, &layout, wanted).contains(&self.around.me);
                if is_home && self.holds_well(*id)? {
                    kept.push(*id);
                }
            }
        }
        Ok(Effect::Send { to, message: Message::Kept { stamp, chunks: kept } })
    }

    /// What a member says that it holds.
    pub(super) fn kept(&mut self, from: MemberId, stamp: u64, chunks: &[ChunkId]) -> Result<(), TailError> {
        let answered = self.surplus.kept(from, stamp, chunks);
        let (layout, wanted) = (self.catalog.layout()?, self.catalog.replicas()?);
        // Another layout has been applied since they were asked.
        if answered.is_empty() || layout != self.around.layout || wanted != self.around.wanted {
            return Ok(());
        }
        self.drop_surplus(answered.into_iter())
    }

    /// Has files removed that others hold.
    fn drop_surplus(&mut self, chunks: impl Iterator<Item = ChunkId>) -> Result<(), TailError> {
        let mut dropping = BTreeSet::new();
        for id in chunks {
            if let Some(row) = self.is_surplus(id)? {
                self.shelf.drop_closed(id.object, &row.chunk);
                dropping.insert(id);
            }
        }
        self.surplus.dropping(dropping);
        Ok(())
    }

    /// The row of a chunk of which a copy is here and to be held by others alone. None while a seal gathers the leaves of its
    /// object here, or a copy is on its way to the disk.
    fn is_surplus(&self, id: ChunkId) -> Result<Option<ChunkRow>, TailError> {
        let is_sealing = match self.objects.get(&id.object) {
            Some(Role::Owner(owner)) => owner.is_sealing(),
            Some(Role::TakingOver { .. }) => true,
            None => false,
        };
        let is_home = self.around.homes(id.object).contains(&self.around.me);
        if is_sealing || is_home || self.shelf.is_closing(id) || self.resync.is_placing(id) {
            return Ok(None);
        }
        let Some(row) = self.committed_row(id)? else { return Ok(None) };
        Ok(Some(row).filter(|_| self.is_ready && self.shelf.store().is_closed(id).unwrap_or(false)))
    }

    /// Whether the copy of a committed chunk is here, durable, and not known to be bad.
    fn holds_well(&self, id: ChunkId) -> Result<bool, TailError> {
        if self.shelf.is_closing(id) || self.resync.wants(id) {
            return Ok(false);
        }
        let Some(row) = self.committed_row(id)? else { return Ok(false) };
        match self.shelf.store().copy_state(id, row.chunk.length_bytes) {
            Ok(state) => Ok(matches!(state, CopyState::Verified { .. })),
            Err(DiskError::Io { .. }) => Ok(false),
            Err(fatal @ DiskError::Fatal(_)) => Err(fatal.into()),
        }
    }

    fn committed_row(&self, id: ChunkId) -> Result<Option<ChunkRow>, TailError> {
        let row = self.catalog.chunks(id.object, id.number, 1)?.into_iter().next();
        Ok(row.map(|(_, row)| row).filter(|row| row.chunk.id(id.object) == id))
    }

    /// A file is gone, or the disk did not take that: the next survey finds it again.
    pub(super) fn dropped(&mut self, chunk: ChunkId, is_gone: bool) -> Result<(), TailError> {
        let row = self.committed_row(chunk)?.filter(|_| is_gone);
        self.surplus.dropped(chunk, row.map(|row| row.chunk.length_bytes));
        self.resync.drop_wanted(chunk);
        // By a newer layout it may be to be here again.
        self.committed(chunk.object, chunk.number)
    }
}
