//! What every encoder of a segment does.

use super::frame::{Frame, Packet};
use super::rav1e::EncodeError;
use super::settings::VideoSettings;
use crate::geometry::Size;

/// Encodes one segment: its first frame becomes a key frame.
pub trait Encode: Send {
    /// Takes one frame; returns the packets that are complete.
    fn encode(&mut self, frame: &Frame<'_>) -> Result<Vec<Packet>, EncodeError>;

    /// Time has passed without a frame up to `end_ms`, and nothing else will be coded before: returns a packet that shows the
    /// last frame better, if that is worth one.
    fn refine(&mut self, _end_ms: i64) -> Result<Vec<Packet>, EncodeError> {
        Ok(Vec::new())
    }

    /// Ends the segment; returns the packets that were still inside.
    fn finish(self: Box<Self>) -> Result<Vec<Packet>, EncodeError>;

    /// How many packets so far were not what decoders must see.
    fn mismatches(&self) -> u64 {
        0
    }
}

/// What an encoder is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Size of the pictures.
    pub size: Size,
    /// How they are coded.
    pub settings: VideoSettings,
    /// Whether what is written is decoded and compared.
    pub is_checked: bool,
}

/// Starts the encoder of a segment.
pub type StartEncoder = Box<dyn Fn(&Start) -> Result<Box<dyn Encode>, EncodeError> + Send>;
