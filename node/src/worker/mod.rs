//! Worker processes: each does one piece of a conversion, alone with bytes from a pipe.
//!
//! A recording is hostile, so it is only ever drawn and heard in a process that can do nothing but compute:
//! [`child`] is that process, [`process`] its owner, [`message`] what they say to one another.

pub(crate) mod child;
pub(crate) mod frame;
pub(crate) mod lent;
pub(crate) mod limits;
pub(crate) mod message;
mod owner;
pub(crate) mod process;
