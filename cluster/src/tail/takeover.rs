//! How a member becomes the owner of an object: commit the next epoch, end the chunk that the older owner had open,
//! commit what it ended as.

use super::effect::{Ticket, Told};
use super::ending::Ending;
use super::turn::Turn;
use crate::catalog::{
    Applied, Catalog, CatalogError, CloseChunk, Command, ObjectRow, ObjectState, OpenChunkFact, Outcome,
    SealFacts,
};
use crate::chunk::{ChunkHeader, ClosedChunk};
use crate::id::{ChunkId, ChunkNumber, Epoch, ObjectId};

/// A takeover on its way.
#[derive(Debug)]
pub(crate) struct Takeover {
    object: ObjectId,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Waits until all that is committed is known here.
    Reading { ticket: Ticket },
    /// Waits for the next epoch.
    Claiming { ticket: Ticket, epoch: Epoch },
    /// Ends the chunk of the older owner.
    Ending { epoch: Epoch, ending: Ending },
    /// Waits until the end is committed.
    Closing { ticket: Ticket, epoch: Epoch, chunk: ClosedChunk },
    /// It has ended, so or so.
    Over(Taken),
}

/// How a takeover ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// This process is the owner.
    Owned(Owned),
    /// It is not, or does not know; another takeover may be begun.
    Lost,
    /// The object is sealed.
    Sealed(SealFacts),
    /// There is no such object.
    Unknown,
}

/// What a new owner goes on from. No chunk is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owned {
    /// The epoch, which this very process has committed.
    pub(crate) epoch: Epoch,
    /// The number of the next chunk.
    pub(crate) number: ChunkNumber,
    /// Where the closed chunks end.
    pub(crate) offset: u64,
}

impl Takeover {
    pub(crate) fn new(object: ObjectId, turn: &mut Turn<'_>) -> Self {
        Self { object, stage: Stage::Reading { ticket: turn.read_index() } }
    }

    /// What waits for this ticket?
    pub(crate) fn waits_for(&self, ticket: Ticket) -> bool {
        match &self.stage {
            Stage::Reading { ticket: own }
            | Stage::Claiming { ticket: own, .. }
            | Stage::Closing { ticket: own, .. } => *own == ticket,
            Stage::Ending { .. } | Stage::Over(_) => false,
        }
    }

    /// How it ended, if it did.
    pub(crate) fn taken(&self) -> Option<Taken> {
        match &self.stage {
            Stage::Over(taken) => Some(*taken),
            Stage::Reading { .. } | Stage::Claiming { .. } | Stage::Ending { .. } | Stage::Closing { .. } => {
                None
            }
        }
    }

    /// The facts have answered.
    pub(crate) fn told(
        &mut self,
        told: Told,
        catalog: &Catalog,
        turn: &mut Turn<'_>,
    ) -> Result<(), CatalogError> {
        let lost = Stage::Over(Taken::Lost);
        self.stage = match (std::mem::replace(&mut self.stage, lost), told) {
            (Stage::Reading { .. }, Told::Read) => self.claim(catalog.object(self.object)?, turn),
            (Stage::Claiming { epoch, .. }, Told::Applied(applied)) => {
                self.claimed(epoch, applied, catalog.object(self.object)?, turn)
            }
            (Stage::Closing { epoch, chunk, .. }, Told::Applied(Ok(Outcome::Done))) => {
                let number = ChunkNumber(chunk.number.0.saturating_add(1));
                Stage::Over(Taken::Owned(Owned { epoch, number, offset: chunk.end() }))
            }
            (Stage::Reading { .. } | Stage::Claiming { .. } | Stage::Closing { .. }, _) => {
                Stage::Over(Taken::Lost)
            }
            (stage @ (Stage::Ending { .. } | Stage::Over(_)), _) => stage,
        };
        Ok(())
    }

    fn claim(&self, row: Option<ObjectRow>, turn: &mut Turn<'_>) -> Stage {
        let Some(row) = row else { return Stage::Over(Taken::Unknown) };
        if let ObjectState::Sealed(facts) = row.state {
            return Stage::Over(Taken::Sealed(facts));
        }
        let epoch = Epoch(row.epoch.0.saturating_add(1));
        let command = Command::TakeOver { object: self.object, epoch, owner: turn.around.me };
        Stage::Claiming { ticket: turn.submit(command), epoch }
    }

    /// INVARIANT: only the outcome of this very command makes this process the owner. That the catalog names this
    /// member and this epoch is not enough: an earlier process of the member may have asked for it.
    fn claimed(&self, epoch: Epoch, applied: Applied, row: Option<ObjectRow>, turn: &mut Turn<'_>) -> Stage {
        let (Ok(Outcome::TakenOver { open_chunk }), Some(row)) = (applied, row) else {
            return Stage::Over(Taken::Lost);
        };
        if row.epoch != epoch {
            return Stage::Over(Taken::Lost);
        }
        match open_chunk {
            Some(OpenChunkFact { number, epoch: opened, members }) if number != ChunkNumber::MANIFEST => {
                let id = ChunkId { object: self.object, number, epoch: opened };
                let chunk = ChunkHeader { id, offset: row.length };
                Stage::Ending { epoch, ending: Ending::new(chunk, members, epoch, turn) }
            }
            // Nothing of a manifest was acknowledged: the next one takes its place.
            Some(_) | None => {
                let number = ChunkNumber(row.chunk_count);
                Stage::Over(Taken::Owned(Owned { epoch, number, offset: row.length }))
            }
        }
    }

    /// The chunk that is being ended, and in which epoch.
    pub(crate) fn ending(&mut self) -> Option<(&mut Ending, Epoch)> {
        match &mut self.stage {
            Stage::Ending { epoch, ending } => Some((ending, *epoch)),
            Stage::Reading { .. } | Stage::Claiming { .. } | Stage::Closing { .. } | Stage::Over(_) => None,
        }
    }

    /// Goes on when the chunk is ended.
    pub(crate) fn step(&mut self, turn: &mut Turn<'_>) {
        let Stage::Ending { epoch, ending } = &self.stage else { return };
        let epoch = *epoch;
        if ending.is_lost() {
            self.stage = Stage::Over(Taken::Lost);
        } else if let Some(chunk) = ending.ended(turn) {
            let command = Command::CloseChunk(CloseChunk { object: self.object, epoch, chunk });
            self.stage = Stage::Closing { ticket: turn.submit(command), epoch, chunk };
        }
    }
}
