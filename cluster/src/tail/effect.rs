//! What a member's machines want done, and what they are asked.

use super::message::{Bytes, Message};
use crate::catalog::{Applied, Command, SealFacts};
use crate::id::{ChunkId, MemberId, ObjectId};
use serde::{Deserialize, Serialize};

/// Names what a machine asked of the facts. Counted up by one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Names a request of a caller on this member. Never given twice by one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestNumber(pub u64);

/// What is to be done.
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
    /// Soon takes a [`Member::batch`](super::Member::batch), runs it, and hands what comes of it to
    /// [`Member::durable`](super::Member::durable). What is written before the batch is taken is made durable with it.
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

/// What a caller wants of an object. Members pass it on to the owner: variants are only ever added at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Its bytes go on here.
    Append {
        /// Where in the object the bytes begin.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Up to where it is durable.
    DurableOffset,
    /// Its recorder is away.
    Interrupt,
    /// It is final.
    Seal,
}

/// What a caller is told. Members pass it on: variants are only ever added at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The object has as many chunks as a manifest may list.
    Full {
        /// The most chunks.
        limit: usize,
    },
    /// No member that was asked has the bytes.
    Unreadable,
    /// Too few disks have room. What the request brings may yet become durable.
    NoRoom,
    /// Too few disks take it. What the request brings may yet become durable.
    NotTaken,
    /// Acknowledged bytes of the open chunk are damaged or missing on so many members that nobody can end it.
    Lost(ChunkId),
}

/// A request and whose answer it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) number: RequestNumber,
    pub(crate) object: ObjectId,
    pub(crate) request: Request,
}
