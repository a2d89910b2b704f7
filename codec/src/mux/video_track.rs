//! The facts of the pictures.

use super::SequenceHeader;
use crate::geometry::Size;

/// Coded pictures, in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoTrack {
    /// The sequence headers of the streams that follow one another; all have the same size. Each is a sample entry of
    /// its own (AV1-ISOBMFF 2.3.4), and every sync sample holds its own too.
    pub sequence_headers: Vec<SequenceHeader>,
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
    /// Which of the track's sequence headers it is decoded with; another one only starts at a sync sample.
    pub header: usize,
}

impl VideoTrack {
    /// The size of all pictures, zero without a sequence header.
    pub fn size(&self) -> Size {
        self.sequence_headers.first().map_or(Size::default(), SequenceHeader::size)
    }

    /// When the last picture ends, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.duration_ms)).sum()
    }
}
