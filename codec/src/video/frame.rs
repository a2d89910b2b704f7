//! The two sides of the encoder's seam.

use super::yuv::Yuv;
use crate::geometry::{CopyVector, Rect};

/// A picture to be coded, and what is known of how it differs from the one coded before.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// When it is first shown, in milliseconds of media time.
    pub at_ms: i64,
    /// The whole picture.
    pub picture: &'a Yuv,
    /// Every sample that differs from the last coded picture lies in one of these. Empty for the first frame
    /// of a segment, which is coded whole.
    pub damage: &'a [Rect],
    /// Areas that probably only moved.
    pub copies: &'a [CopyVector],
}

/// A coded picture: one AV1 temporal unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// When it is first shown, in milliseconds of media time.
    pub at_ms: i64,
    /// Whether decoding can start here.
    pub key: bool,
    /// The temporal unit, as the encoder wrote it.
    pub data: Vec<u8>,
}
