//! What a member's machines want done, and what they are asked.

use super::message::Message;
use crate::catalog::{Applied, Command, SealFacts};
use crate::id::{MemberId, ObjectId};

/// Names what a machine asked of the facts. Counted up by one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Names a request of a caller on this member. Never given twice by one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestNumber(pub u64);

/// What is to be done. Nothing of it is durable before a [`Effect::Sync`] was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Sends a message; it may be lost.
    Send {
        /// To whom; also to this member itself.
        to: MemberId,
        /// What.
        message: Message,
    },
    /// Submits a command, and tells what became of it once it is applied here.
    Submit {
        /// Its name.
        ticket: Ticket,
        /// The command.
        command: Command,
    },
    /// Takes a read index, and tells when it is applied here.
    ReadIndex {
        /// Its name.
        ticket: Ticket,
    },
    /// Answers a caller, for the last time.
    Answer {
        /// The request.
        request: RequestNumber,
        /// The answer.
        answer: Answer,
    },
    /// Calls [`Member::sync`](super::Member::sync) soon; what comes meanwhile is made durable with it.
    Sync,
}

/// What became of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The command is applied here.
    Applied(Applied),
    /// All that was committed before the ticket is applied here.
    Read,
    /// Nobody knows: it may yet be applied.
    Unknown,
}

/// What a caller wants of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Its bytes go on here.
    Append {
        /// Where in the object the bytes begin.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Up to where it is durable.
    DurableOffset,
    /// Its recorder is away.
    Interrupt,
    /// It is final.
    Seal,
}

/// What a caller is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// All bytes up to here are durable, those of the request among them.
    Durable {
        /// Where in the object they end.
        offset: u64,
    },
    /// The request's bytes begin where others are durable already: compare them, then send what is behind.
    Behind {
        /// Where in the object the durable ones end.
        durable_offset: u64,
    },
    /// The request's bytes begin behind the last ones.
    Gap {
        /// Where in the object the durable ones end.
        durable_offset: u64,
    },
    /// Other bytes stand at this offset.
    Conflict,
    /// Too much waits; try again later.
    Busy,
    /// Nothing is known of what became of the request; try again.
    Unknown,
    /// Another member owns the object, and is there.
    Owner(MemberId),
    /// There is no such object.
    ObjectUnknown,
    /// The object is interrupted.
    Interrupted,
    /// The object is sealed.
    Sealed(SealFacts),
    /// Bytes from the offset that was asked for on; none when no more are known here.
    Bytes(Vec<u8>),
    /// No member that was asked has the bytes.
    Unreadable,
}

/// A request and whose answer it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) number: RequestNumber,
    pub(crate) object: ObjectId,
    pub(crate) request: Request,
}
