//! What reaches the thread of the live tail.

use crate::chunk::disk::Fatal;
use crate::chunk::journal::Retired;
use crate::id::{ChunkNumber, MemberId, ObjectId};
use crate::tail::{Answer, Cause, Closed, Durable, Message, Request, Ticket, Told};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// One input. How many of callers and members wait is bounded by the places that they hold; the others answer what
/// the thread itself has asked.
pub(super) enum Input {
    /// The facts are ready: time begins.
    Start,
    /// A caller wants something of an object.
    Ask { object: ObjectId, request: Request, caller: Caller },
    /// A caller wants the bytes at an offset, from whichever member has them.
    Read { object: ObjectId, offset: u64, caller: Caller },
    /// This process has just made the object.
    Begin(ObjectId),
    /// Another member says something.
    Receive { from: MemberId, message: Message, place: Option<OwnedSemaphorePermit> },
    /// What became of a ticket.
    Told { ticket: Ticket, told: Told },
    /// A chunk was committed.
    Committed { object: ObjectId, number: ChunkNumber },
    /// A copy is missing or bad.
    Repair { object: ObjectId, number: ChunkNumber, cause: Cause },
    /// The catalog was replaced as a whole.
    Replaced,
    /// A batch is on the disk.
    Durable(Result<Box<Durable>, Fatal>),
    /// A segment of the journal is not needed any more.
    Retired(Result<Retired, Fatal>),
    /// The file of a committed chunk is closed, or gone.
    Closed(Result<Closed, Fatal>),
    /// The facts have ended: nothing more can be committed.
    FactsEnded,
    /// The member is about to stop: others are to own what it owns.
    Leave,
    /// Time passes.
    Tick,
    /// The member stops.
    Stop,
}

/// Who waits for an answer.
pub(super) struct Caller {
    pub(super) tell: oneshot::Sender<Answer>,
    /// Its place among those that wait.
    pub(super) place: OwnedSemaphorePermit,
}
