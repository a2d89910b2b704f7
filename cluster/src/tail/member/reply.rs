//! What replicas say goes to whoever writes or ends the chunk.

use super::super::effect::Answer;
use super::super::ending::Ending;
use super::super::message::{Bytes, Held, Refused};
use super::super::turn::Turn;
use super::{Effects, Member, Role};
use crate::id::{ChunkId, Epoch, MemberId};

/// What a replica says about a chunk.
#[derive(Debug)]
pub(super) enum Reply {
    /// So many records are durable there.
    Appended(u32),
    /// It does not do what it was asked.
    Refused(Refused),
    /// It has promised, and holds this.
    Held { epoch: Epoch, held: Held },
    /// Records from an index on.
    Fetched { first: u32, frames: Bytes },
}

impl Member {
    pub(super) fn replied(&mut self, from: MemberId, chunk: ChunkId, reply: Reply, now_ms: u64) -> Effects {
        let mut turn = Turn { now_ms, around: &mut self.around, effects: Vec::new() };
        match self.objects.get_mut(&chunk.object) {
            Some(Role::Owner(owner)) => {
                let epoch = owner.epoch();
                if let Some(stream) = owner.stream().filter(|stream| stream.header().id == chunk) {
                    match reply {
                        Reply::Appended(records) => stream.appended(from, records, &turn),
                        Reply::Refused(Refused::NoRoom) => stream.fill_up(from),
                        Reply::Refused(_) => stream.lose(from),
                        // Late answers to an ending that is over.
                        Reply::Held { .. } | Reply::Fetched { .. } => {}
                    }
                } else if let Some(ending) = owner.ending().filter(|ending| ending.chunk().id == chunk) {
                    end(ending, epoch, from, reply, &mut turn);
                }
                owner.step(&mut turn);
                let is_full = owner.stream().is_some_and(|stream| stream.has_no_room());
                let hindrance = owner.ending().and_then(|ending| ending.hindrance());
                if let Some(hindrance) = hindrance.or(is_full.then_some(Answer::NoRoom)) {
                    owner.refuse(&hindrance, &mut turn);
                }
            }
            Some(Role::TakingOver { takeover, waiting }) => {
                if let Some((ending, epoch)) = takeover.ending()
                    && ending.chunk().id == chunk
                {
                    end(ending, epoch, from, reply, &mut turn);
                }
                takeover.step(&mut turn);
                if let Some(hindrance) = takeover.ending().and_then(|(ending, _)| ending.hindrance()) {
                    for asked in std::mem::take(waiting) {
                        turn.answer(asked.number, hindrance.clone());
                    }
                }
            }
            None => {}
        }
        let effects = turn.effects;
        self.settle(chunk.object, effects, now_ms)
    }
}

/// Only promises to this epoch count: older ones do not keep a chunk as it is.
fn end(ending: &mut Ending, epoch: Epoch, from: MemberId, reply: Reply, turn: &mut Turn<'_>) {
    match reply {
        Reply::Held { epoch: promised, held } if promised == epoch => ending.held(from, held, turn),
        Reply::Fetched { first, frames } => ending.fetched(from, first, &frames.0, turn),
        Reply::Refused(why) => ending.refused(from, why, turn),
        Reply::Held { .. } | Reply::Appended(_) => {}
    }
}
