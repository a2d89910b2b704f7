//! The facts of the pictures.

use super::SequenceHeader;

/// Coded pictures, in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoTrack {
    /// The stream's sequence header; that of every key frame must be equal to it.
    pub sequence_header: SequenceHeader,
    /// One entry per temporal unit. The first one is a sync sample and is shown at 0; the last one lasts to
    /// the end of the video.
    pub samples: Vec<VideoSample>,
}

/// One coded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoSample {
    /// Length of the temporal unit without its delimiter, in bytes; not zero.
    pub size_bytes: u32,
    /// How long it is shown, in milliseconds; not zero.
    pub duration_ms: u32,
    /// Whether decoding can start here.
    pub is_sync: bool,
}

impl VideoTrack {
    /// When the last picture ends, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.duration_ms)).sum()
    }
}
