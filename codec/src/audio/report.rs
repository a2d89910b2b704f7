//! What was found and what was left out.

use super::format::FormatError;
use crate::refusal::{Refusal, RefusalCode};

/// Counts of a recording's sound. Nothing in here is fatal: what cannot be understood is left out and counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SoundReport {
    /// Sound streams that were understood.
    pub streams: u64,
    /// Blobs that brought sound.
    pub blobs: u64,
    /// Sound streams whose mimetype was refused.
    pub refused_streams: u64,
    /// Why the first of them was refused.
    pub first_refusal: Option<FormatError>,
    /// Blobs of sound streams that are no base64.
    pub undecodable_blobs: u64,
    /// Blobs of a stream that was never opened, whose size is not that of 16-bit stereo.
    pub odd_blobs: u64,
    /// Bytes at the end of streams that are no whole sample.
    pub odd_bytes: u64,
    /// Blobs left out because too many streams sounded at once.
    pub crowded_blobs: u64,
    /// Blobs left out because the sound was too far ahead of the recording's timestamps.
    pub early_blobs: u64,
}

impl SoundReport {
    /// Why some sound cannot be heard: the first reason of the weightiest kind. What may be no sound at all, such as
    /// odd bytes of a stream that was never opened, is no loss.
    pub fn loss(&self) -> Option<Refusal> {
        if let Some(refusal) = &self.first_refusal {
            return Some(Refusal::from(refusal));
        }
        let limit = |what: &str| Some(Refusal::new(RefusalCode::Limit, what));
        if self.crowded_blobs > 0 {
            return limit("more streams sound at one time than the limit");
        }
        if self.early_blobs > 0 {
            return limit("sound runs farther ahead of the timestamps than the limit");
        }
        None
    }
}
