//! Follows a connection to PostgreSQL from both sides and tells its statements as lines of [`crate::source::db_lines`].
//!
//! Result rows, copied data, parameters, passwords, notices and the details of errors are passed over: of such a message
//! only its length is looked at. Who follows does not take part: what goes over the wire stays as it is.
//!
//! Source: PostgreSQL 17, chapter 55, protocol 3.

mod error;
mod expected;
mod follower;
mod frames;
mod names;
mod primary;
mod startup;
mod text;

pub use error::FollowError;
pub use follower::Follower;
pub use startup::{Opening, OpeningError, STARTUP_BYTES_MAX, fatal};
