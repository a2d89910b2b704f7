//! The live tail: how the bytes of an object are made durable on several members before they are acknowledged, and
//! how another member goes on when one is lost.
//!
//! A [`Member`] is all of that for one member, as a state machine: time, messages, answers of the facts and requests go
//! in, [`Effect`]s come out; its [`Shelf`] writes to the disk that it was given. Nothing here opens a connection,
//! reads a clock, or spawns anything. The protocol is drawn in the crate's DESIGN.md.

mod batch;
mod closing;
mod drops;
mod effect;
mod ending;
mod frames;
mod member;
mod message;
mod options;
mod owner;
mod placement;
mod reader;
mod repairs;
mod replica;
mod resync;
mod shelf;
mod stream;
mod surplus;
mod takeover;
mod turn;

#[cfg(test)]
mod tests;

pub use batch::{Batch, Durable};
pub use closing::{Closed, Closing};
pub use drops::{Blocked, DropCounts, DropQueue, Drops};
pub use effect::{Answer, Effect, Request, RequestNumber, Ticket, Told};
pub use frames::Frames;
pub use member::{Member, MemberParts};
pub use message::{Append, Bytes, Fill, Held, MESSAGE_BYTES_MAX, Message, MessageError, Refused};
pub use options::{Rules, TailOptions, acknowledge_quorum, fence_quorum, write_quorum};
pub use placement::{homes, ranking};
pub use repairs::{Cause, Finding, RepairCounts, RepairQueue, Repairs};
pub use replica::TailError;
pub use shelf::{Found, Settled, Shelf};
