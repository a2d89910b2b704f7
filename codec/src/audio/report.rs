//! What was found and what was left out.

use super::format::FormatError;

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
