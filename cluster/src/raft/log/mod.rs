//! The Raft log and vote: segments of frames, one ordered writer, one `fdatasync` for all that waits.

mod frame;
mod index;
#[expect(clippy::module_inception, reason = "the main type has a file of its name, as all types have")]
mod log;
mod record;
mod recovery;
mod segments;
mod storage;
mod writer;

#[cfg(test)]
mod tests;

pub use frame::FrameError;
pub use log::{LogOptions, ReadError};
pub use recovery::{Damage, OpenError, TornTail};
pub use segments::WriteError;
pub use writer::LogFailure;

pub(crate) use log::RaftLog;
pub(crate) use storage::LogStore;
