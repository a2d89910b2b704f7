//! What every encoder of a segment does.

use super::frame::{Frame, Packet};
use super::rav1e::EncodeError;
use super::settings::VideoSettings;
use crate::geometry::Size;

/// Encodes one segment: its first frame becomes a key frame.
pub trait Encode: Send {
    /// Takes one frame; returns the packets that are complete.
    fn encode(&mut self, frame: &Frame<'_>) -> Result<Vec<Packet>, EncodeError>;

    /// Ends the segment; returns the packets that were still inside.
    fn finish(self: Box<Self>) -> Result<Vec<Packet>, EncodeError>;
}

/// Starts an encoder for pictures of a size.
pub type StartEncoder = Box<dyn Fn(Size, &VideoSettings) -> Result<Box<dyn Encode>, EncodeError> + Send>;
