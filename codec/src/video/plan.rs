//! Where a conversion is cut into segments. Pure: the same timeline and settings give the same plan, and so
//! the same video, however many workers share the work.

use crate::geometry::Size;
use crate::timeline::{SyncPoint, Timeline};
use serde::{Deserialize, Serialize};

/// What decides the bytes of a video beside the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoSettings {
    /// rav1e's quantizer, 0 (best) to 255.
    pub quantizer: u8,
    /// rav1e's speed preset, 0 (slowest) to 10.
    pub speed: u8,
}

impl Default for VideoSettings {
    /// About 41 dB of luma on desktop content.
    fn default() -> Self {
        Self { quantizer: 80, speed: 10 }
    }
}

/// A part of the video that one encoder makes; it starts with a key frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Number of the `sync` whose picture is the first frame.
    pub first_sync: usize,
    /// Number of the `sync` whose picture begins the next segment.
    pub end_sync: usize,
    /// When the first frame is shown, in milliseconds of media time.
    pub start_ms: i64,
    /// When the next segment begins, in milliseconds of media time.
    pub end_ms: i64,
    /// All that is drawn and shown in the segment lies before this byte of the recording.
    pub end_byte: u64,
}

/// How a recording becomes a video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Size of the video.
    pub width: usize,
    /// Size of the video.
    pub height: usize,
    /// Size of the largest picture of the recording.
    pub largest_width: usize,
    /// Size of the largest picture of the recording.
    pub largest_height: usize,
    /// Settings of the encoder.
    pub settings: VideoSettings,
    /// The segments in order; together they cover the recording.
    pub segments: Vec<Segment>,
}

impl Plan {
    /// Larger pictures are scaled down to fit into this.
    pub const SIZE_MAX: Size = Size { width: 4096, height: 2304 };
    /// The encoder takes no smaller pictures: they get a black border.
    pub const SIDE_MIN: usize = 16;
    /// Effort after which a new segment may start. One unit is a small coded frame, a picture that changes whole
    /// counts [`Plan::WHOLE_EFFORT`]. Small enough that cores share short recordings and seeking stays quick,
    /// large enough that key frames stay a small part of the bytes.
    const SEGMENT_EFFORT: u64 = 250;
    const WHOLE_EFFORT: u64 = 4;
    /// Changes closer to one another than this are coded together, so they are counted once.
    const COUNTED_EVERY_MS: i64 = 66;

    /// The plan of a recording, or `None` if it never shows a picture.
    pub fn new(timeline: &Timeline, settings: VideoSettings) -> Option<Self> {
        let largest = timeline.largest_size()?;
        let size = video_size(largest);
        let segments = cut(timeline, largest);
        Some(Self {
            width: size.width,
            height: size.height,
            largest_width: largest.width,
            largest_height: largest.height,
            settings,
            segments,
        })
    }

    /// Size of the video.
    pub fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }

    /// Size of the largest picture of the recording.
    pub fn largest(&self) -> Size {
        Size { width: self.largest_width, height: self.largest_height }
    }
}

/// The largest picture, scaled down by one factor where it does not fit.
fn video_size(largest: Size) -> Size {
    let Size { width: width_max, height: height_max } = Plan::SIZE_MAX;
    let (mut width, mut height) = (largest.width, largest.height);
    if width > width_max {
        (width, height) = (width_max, (height * width_max).div_euclid(width));
    }
    if height > height_max {
        (width, height) = ((width * height_max).div_euclid(height), height_max);
    }
    Size { width: width.max(Plan::SIDE_MIN), height: height.max(Plan::SIDE_MIN) }
}

fn cut(timeline: &Timeline, largest: Size) -> Vec<Segment> {
    let end_ms = timeline.media_duration_ms;
    let mut segments = Vec::new();
    let mut first: Option<&SyncPoint> = None;
    let mut effort = 0;
    let mut counted_at_ms = i64::MIN;
    for sync in &timeline.syncs {
        let Some(start) = first else {
            first = Some(sync);
            continue;
        };
        if sync.dirty_pixels == 0 {
            continue;
        }
        if effort >= Plan::SEGMENT_EFFORT && sync.at_ms > counted_at_ms {
            segments.push(Segment {
                first_sync: start.index,
                end_sync: sync.index,
                start_ms: start.at_ms,
                end_ms: sync.at_ms,
                end_byte: sync.end_byte,
            });
            first = Some(sync);
            effort = 0;
        }
        if sync.at_ms.saturating_sub(counted_at_ms) >= Plan::COUNTED_EVERY_MS {
            let dirty = u64::try_from(sync.dirty_pixels.min(largest.area())).unwrap_or(0);
            let whole = u64::try_from(largest.area().max(1)).unwrap_or(1);
            effort += 1 + Plan::WHOLE_EFFORT * dirty / whole;
            counted_at_ms = sync.at_ms;
        }
    }
    if let Some(start) = first {
        segments.push(Segment {
            first_sync: start.index,
            end_sync: timeline.sync_count,
            start_ms: start.at_ms,
            end_ms: end_ms.max(start.at_ms + 1),
            end_byte: timeline.readable_bytes,
        });
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::SizeChange;

    fn timeline(syncs: usize, step_ms: i64) -> Timeline {
        let syncs = (0..syncs)
            .map(|index| SyncPoint {
                index,
                at_ms: i64::try_from(index).unwrap() * step_ms,
                end_byte: 10 * (u64::try_from(index).unwrap() + 1),
                dirty_pixels: 1_000,
            })
            .collect::<Vec<_>>();
        Timeline {
            media_duration_ms: syncs.last().map_or(0, |sync| sync.at_ms) + 500,
            readable_bytes: 123_456,
            sync_count: syncs.len(),
            sizes: vec![SizeChange { at_ms: 0, width: 640, height: 480 }],
            syncs,
            ..Timeline::default()
        }
    }

    #[test]
    fn segments_cover_the_recording_without_overlap() {
        let plan = Plan::new(&timeline(1_000, 100), VideoSettings::default()).unwrap();
        assert_eq!(plan.segments.len(), 4);
        assert_eq!(plan.segments[0].first_sync, 0);
        assert_eq!(plan.segments[0].start_ms, 0);
        for pair in plan.segments.windows(2) {
            assert_eq!(pair[0].end_sync, pair[1].first_sync);
            assert_eq!(pair[0].end_ms, pair[1].start_ms);
            assert!(pair[0].end_byte < pair[1].end_byte);
        }
        let last = plan.segments.last().unwrap();
        assert_eq!((last.end_sync, last.end_ms, last.end_byte), (1_000, 99_900 + 500, 123_456));
    }

    #[test]
    fn idle_time_starts_no_segment_and_no_picture_gives_no_plan() {
        let plan = Plan::new(&timeline(200, 60_000), VideoSettings::default()).unwrap();
        assert_eq!(plan.segments.len(), 1);
        assert_eq!(Plan::new(&Timeline::default(), VideoSettings::default()), None);
    }

    #[test]
    fn large_pictures_are_scaled_by_one_factor_and_tiny_ones_get_a_border() {
        for (from, to) in [
            ((1920, 1080), (1920, 1080)),
            ((8192, 2304), (4096, 1152)),
            ((8192, 8192), (2304, 2304)),
            ((101, 67), (101, 67)),
            ((1, 8192), (16, 2304)),
        ] {
            let size = video_size(Size { width: from.0, height: from.1 });
            assert_eq!((size.width, size.height), to, "{from:?}");
        }
    }
}
