//! What is made durable, what an earlier process left, and the end of this one.

use super::super::batch::{Batch, Durable};
use super::super::closing::{Closed, Closing, End};
use super::super::effect::{Answer, Effect};
use super::super::message::Message;
use super::super::placement::ranking;
use super::super::replica::TailError;
use super::super::turn::Turn;
use super::repair::copied;
use super::{Member, Role};
use crate::chunk::journal::Retired;
use crate::id::{ChunkNumber, MemberId, ObjectId};

impl Member {
    /// What was written until here, to be made durable on a thread that may wait for the disk; none while the batch
    /// before is under way.
    pub fn batch(&mut self, now_ms: u64) -> Option<Batch> {
        let batch = self.shelf.begin(now_ms)?;
        self.replica.begin(&self.shelf);
        Some(batch)
    }

    /// A batch is durable.
    pub fn durable(&mut self, durable: Durable) -> Vec<Effect> {
        self.is_syncing = false;
        self.shelf.end(durable);
        let mut effects = self.replica.end(&self.shelf);
        self.ask_sync(&mut effects);
        effects
    }

    /// Files of committed chunks to be closed, each on a thread that may wait for the disk; what comes of it goes to
    /// [`Member::closed`]. To be asked for after every input.
    pub fn closings(&mut self) -> Vec<Closing> {
        self.shelf.closings()
    }

    /// The file of a committed chunk is closed, or gone, or the disk did not take it.
    pub fn closed(&mut self, closed: Closed, now_ms: u64) -> Result<Vec<Effect>, TailError> {
        let chunk = closed.chunk;
        if let Some(copied) = copied(&closed.end) {
            return self.placed(chunk, copied, now_ms);
        }
        let mut effects = Vec::new();
        if matches!(closed.end, End::Dropped(_)) {
            let is_gone = self.shelf.closed(closed).is_ok();
            self.dropped(chunk, is_gone)?;
            effects = self.go_on_dropping(effects, now_ms);
        } else {
            self.closed_open(closed)?;
        }
        effects = self.gather(chunk.object, effects, now_ms)?;
        effects = self.settle(chunk.object, effects, now_ms)?;
        let (told, sealing) =
            std::mem::take(&mut self.sealing).into_iter().partition(|(sealed, ..)| *sealed == chunk);
        self.sealing = sealing;
        // A file that the disk did not take is closed later: the seal is committed in any case.
        for (_, ticket, told) in told {
            if let Some(object) = self.waiting_for(ticket) {
                effects.extend(self.pass_on(object, ticket, told, now_ms)?);
            }
        }
        Ok(effects)
    }

    /// The open file of a committed chunk has become it, or is gone, or the disk did not take that.
    fn closed_open(&mut self, closed: Closed) -> Result<(), TailError> {
        let chunk = closed.chunk;
        match self.replica.closed(&mut self.shelf, closed) {
            // One that is gone is fetched.
            true => self.committed(chunk.object, chunk.number),
            // Tried again with the next survey.
            false => {
                self.survey.begin();
                Ok(())
            }
        }
    }

    /// The chunk files of a retired segment of the journal are synced.
    pub fn retired(&mut self, retired: Retired) {
        self.shelf.retired(retired);
    }

    /// Owns nothing any more and says so: others take over what it owned as soon as somebody wants it. Callers are sent
    /// to them. It stays a replica until its process ends, which is soon.
    pub fn leave(&mut self, now_ms: u64) -> Vec<Effect> {
        self.is_leaving = true;
        let mut turn = Turn { now_ms, around: &mut self.around, effects: Vec::new() };
        for role in std::mem::take(&mut self.objects).into_values() {
            match role {
                Role::Owner(mut owner) => owner.leave(&mut turn),
                Role::TakingOver { waiting, .. } => {
                    waiting.into_iter().for_each(|asked| turn.answer(asked.number, Answer::Unknown));
                }
            }
        }
        let mut effects = turn.effects;
        effects.extend(self.farewell());
        effects
    }

    /// Who is to be asked for an object once this member owns nothing: its owner, or who may become it.
    pub(super) fn heir(&self, object: ObjectId, now_ms: u64) -> Result<Option<MemberId>, TailError> {
        let owner = self.catalog.object(object)?.map(|row| row.owner);
        let heirs = owner.into_iter().chain(ranking(object, &self.around.layout));
        let is_heir = |one: &MemberId| *one != self.around.me && self.around.is_there(*one, now_ms);
        Ok(heirs.into_iter().find(is_heir))
    }

    /// Tells the others that this process ends, so that they need not wait for its lease.
    pub fn farewell(&self) -> Vec<Effect> {
        let others = self.around.peers.iter().filter(|member| **member != self.around.me);
        others.map(|to| Effect::Send { to: *to, message: Message::Gone }).collect()
    }

    /// The end of the process in order.
    pub fn close(self) -> Result<(), TailError> {
        self.shelf.close().map_err(|fatal| TailError::Disk(fatal.into()))
    }

    /// Whether a batch is wanted or under way.
    pub fn is_syncing(&self) -> bool {
        self.is_syncing
    }

    /// Whether it knows all that was committed before its start.
    pub fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Whether chunks of the last run are still being ended that only this member has. Of these nobody else can tell
    /// how much was acknowledged.
    pub fn is_recovering(&mut self) -> Result<bool, TailError> {
        let me = self.around.me;
        let mut left = std::mem::take(&mut self.found);
        for object in left.clone() {
            let lost = match self.objects.get_mut(&object) {
                Some(Role::TakingOver { takeover, .. }) => {
                    takeover.ending().and_then(|(ending, _)| ending.hindrance())
                }
                Some(Role::Owner(_)) | None => None,
            };
            let row = self.catalog.object(object)?;
            let open = row.as_ref().and_then(|row| row.open_chunk.as_ref());
            let is_left =
                open.is_some_and(|open| open.number != ChunkNumber::MANIFEST && open.members == [me]);
            if !is_left || lost.is_some() {
                left.remove(&object);
            }
        }
        self.found = left;
        Ok(!self.is_ready || !self.found.is_empty())
    }
}
