//! One key state.

use super::head::{Head, HeadError};

/// Where in a recording a key state stands: behind a `sync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPoint {
    /// Media time of that `sync`, in milliseconds.
    pub at_ms: i64,
    /// Frames up to here, that one included.
    pub frames: usize,
    /// The byte of the recording from which to go on.
    pub position: u64,
}

/// A replay as it stood at one point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    /// Where.
    pub point: KeyPoint,
    /// What [`Replay::restore`](crate::replay::Replay::restore) reads.
    pub bytes: Vec<u8>,
}

impl KeyState {
    /// Most bytes of one: it is held in memory, and passed on, as a whole.
    pub const BYTES_MAX: usize = 16 << 20;

    /// The instructions that draw the canvas again, which any client of the protocol understands.
    pub fn instructions(&self) -> Result<&[u8], HeadError> {
        Head::read(&self.bytes).map(|(_, instructions)| instructions)
    }
}
