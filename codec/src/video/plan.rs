//! Where a conversion is cut into segments. Pure: the same timeline and settings give the same plan, and so
//! the same video, however many workers share the work.

use super::segment_encoder::SegmentEncoder;
use super::settings::{Rhythm, VideoSettings};
use crate::cut::Cut;
use crate::geometry::Size;
use crate::timeline::{SyncPoint, Timeline};
use serde::{Deserialize, Serialize};

/// A part of the video that one encoder makes; it starts with a key frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Number of the `sync` whose picture is the first frame.
    pub first_sync: usize,
    /// Number of the `sync` whose picture begins the next segment.
    pub end_sync: usize,
    /// When the first frame is shown, in milliseconds of the video.
    pub start_ms: i64,
    /// When the next segment begins, in milliseconds of the video.
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
    /// Settings of pacing and encoder. Pictures may be further apart than was asked for: see
    /// [`Plan::LOAD_PIXELS_MAX`].
    pub settings: VideoSettings,
    /// What of the recording is in the video.
    pub cut: Cut,
    /// The segments in order; together they cover the video.
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
    /// Most pixels that are coded, all coded frames together: about four hours of a core. Where a recording changes so
    /// often and for so long that there would be more, its pictures are coded less often.
    pub const LOAD_PIXELS_MAX: u64 = 500_000 * 1280 * 720;

    /// The plan of a recording, or `None` if it never shows a picture in the time of the cut.
    ///
    /// The first picture is on screen from the start: frames without size before it are not shown.
    pub fn new(timeline: &Timeline, cut: Cut, settings: VideoSettings) -> Option<Self> {
        let largest = timeline.largest_size()?;
        let size = video_size(largest);
        let changes = Changes::new(timeline, &cut, largest);
        let rhythm = changes.bearable_rhythm(settings.rhythm, size);
        let segments = changes.segments(rhythm);
        (!segments.is_empty()).then_some(Self {
            width: size.width,
            height: size.height,
            largest_width: largest.width,
            largest_height: largest.height,
            settings: VideoSettings { rhythm, ..settings },
            cut,
            segments,
        })
    }

    /// Size of the video.
    pub fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }

    /// Whether what our encoder makes of a segment is decoded and compared: the first, the last, and one that depends
    /// on the recording.
    pub fn is_checked(&self, segment: &Segment) -> bool {
        let Some(([first, middle @ ..], last)) = self.segments.split_last().map(|(last, rest)| (rest, last))
        else {
            return true;
        };
        let number = u64::try_from(middle.len()).ok().and_then(|count| last.end_byte.checked_rem(count));
        let other = number.and_then(|number| middle.get(usize::try_from(number).ok()?));
        [Some(first), other, Some(last)].contains(&Some(segment))
    }

    /// The sequence header units that the key frames of the video may have.
    pub fn sequence_headers(&self) -> Vec<Vec<u8>> {
        SegmentEncoder::sequence_headers(self.size(), &self.settings)
    }

    /// The segments of a recording of which only `drawn` can be drawn: those before its end are as they were, the next one
    /// ends there.
    pub fn drawn_segments(&self, drawn: &Timeline) -> Vec<Segment> {
        let whole = self.segments.partition_point(|segment| segment.end_byte <= drawn.readable_bytes);
        let mut segments: Vec<_> = self.segments.iter().take(whole).copied().collect();
        let cut_short = self.segments.get(whole).filter(|segment| segment.first_sync < drawn.sync_count);
        segments.extend(cut_short.map(|segment| Segment {
            end_sync: segment.end_sync.min(drawn.sync_count),
            end_ms: self.cut.video_ms(drawn.media_duration_ms).min(segment.end_ms).max(segment.start_ms + 1),
            end_byte: drawn.readable_bytes,
            ..*segment
        }));
        segments
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

/// The changes of the picture that are in the video.
struct Changes<'a> {
    timeline: &'a Timeline,
    cut: &'a Cut,
    /// Size of the largest picture.
    largest: Size,
    /// The frame that is on screen when the video begins, and all that follow in it.
    syncs: &'a [SyncPoint],
    /// The first frame that comes too late.
    next: Option<&'a SyncPoint>,
}

impl<'a> Changes<'a> {
    fn new(timeline: &'a Timeline, cut: &'a Cut, largest: Size) -> Self {
        let syncs = timeline.syncs.as_slice();
        let first = syncs.partition_point(|sync| sync.at_ms <= cut.start_ms()).saturating_sub(1);
        let first = first.max(syncs.partition_point(|sync| sync.index < timeline.empty_syncs));
        let end = syncs.partition_point(|sync| !cut.is_past(sync.at_ms)).max(first);
        Self { timeline, cut, largest, syncs: &syncs[first..end], next: syncs.get(end) }
    }

    /// The asked rhythm, slowed down as far as [`Plan::LOAD_PIXELS_MAX`] demands.
    fn bearable_rhythm(&self, asked: Rhythm, size: Size) -> Rhythm {
        let pixels = u64::try_from(size.area().max(1)).unwrap_or(u64::MAX);
        let frames_max = (Plan::LOAD_PIXELS_MAX / pixels).max(1);
        let mut times = 1_i64;
        while self.frames(asked.slowed(times)) > frames_max && times < i64::MAX {
            times = times.saturating_add(times / 2).saturating_add(times % 2);
        }
        asked.slowed(times)
    }

    /// How many frames are coded at most in a rhythm, bursts aside: any change may turn out to be a large one. Of
    /// the pointer it is only known how often it moved.
    fn frames(&self, rhythm: Rhythm) -> u64 {
        let (mut frames, mut coded_at_ms) = (0, i64::MIN);
        for sync in self.syncs.iter().filter(|sync| sync.dirty_pixels > 0) {
            let at_ms = self.cut.video_ms(sync.at_ms);
            if at_ms.saturating_sub(coded_at_ms) >= rhythm.large_ms {
                frames += 1;
                coded_at_ms = at_ms;
            }
        }
        let recorded_ms = self.cut.video_ms(self.timeline.recorded_end_ms());
        let moments = u64::try_from(recorded_ms / rhythm.large_ms.max(1)).unwrap_or(0);
        self.timeline.mouse_events.min(moments).saturating_add(frames)
    }

    /// The segments of the video. Changes closer to one another than the mean of the rhythm are counted once.
    fn segments(&self, rhythm: Rhythm) -> Vec<Segment> {
        let counted_every_ms = rhythm.small_ms.saturating_add(rhythm.large_ms) / 2;
        let Some((mut first, changes)) = self.syncs.split_first() else { return Vec::new() };
        let mut start_ms = 0;
        let mut segments = Vec::new();
        let mut effort = 0;
        let mut counted_at_ms = i64::MIN;
        for sync in changes.iter().filter(|sync| sync.dirty_pixels > 0) {
            let at_ms = self.cut.video_ms(sync.at_ms);
            if effort >= Plan::SEGMENT_EFFORT && at_ms > counted_at_ms {
                segments.push(Segment {
                    first_sync: first.index,
                    end_sync: sync.index,
                    start_ms,
                    end_ms: at_ms,
                    end_byte: sync.end_byte,
                });
                (first, start_ms, effort) = (sync, at_ms, 0);
            }
            if at_ms.saturating_sub(counted_at_ms) >= counted_every_ms {
                effort += self.effort(sync);
                counted_at_ms = at_ms;
            }
        }
        segments.push(Segment {
            first_sync: first.index,
            end_sync: self.next.map_or(self.timeline.sync_count, |next| next.index),
            start_ms,
            end_ms: self.cut.duration_ms().max(start_ms + 1),
            end_byte: self.next.map_or(self.timeline.readable_bytes, |next| next.end_byte),
        });
        segments
    }

    fn effort(&self, sync: &SyncPoint) -> u64 {
        let dirty = u64::try_from(sync.dirty_pixels.min(self.largest.area())).unwrap_or(0);
        let whole = u64::try_from(self.largest.area().max(1)).unwrap_or(1);
        1 + Plan::WHOLE_EFFORT * dirty / whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cut::CutSettings;
    use crate::timeline::{IdleSpan, SizeChange};

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

    fn plan(timeline: &Timeline, settings: &CutSettings) -> Plan {
        let idle = [IdleSpan { start_ms: 20_000, end_ms: 60_000 }];
        let cut = Cut::new(settings, timeline.media_duration_ms, &idle).unwrap();
        Plan::new(timeline, cut, VideoSettings::default()).unwrap()
    }

    #[test]
    fn segments_cover_the_recording_without_overlap() {
        let plan = plan(&timeline(1_000, 100), &CutSettings::default());
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
    fn the_first_the_last_and_one_other_segment_are_checked() {
        for (syncs, checked) in
            [(100, vec![0]), (400, vec![0, 1]), (600, vec![0, 1, 2]), (3_000, vec![0, 7, 11])]
        {
            let plan = plan(&timeline(syncs, 100), &CutSettings::default());
            let numbers = plan.segments.iter().enumerate().filter(|(_, segment)| plan.is_checked(segment));
            assert_eq!(
                numbers.map(|(number, _)| number).collect::<Vec<_>>(),
                checked,
                "{}",
                plan.segments.len()
            );
        }
    }

    #[test]
    fn what_cannot_be_drawn_cuts_one_segment_short_and_changes_none_before() {
        let plan = plan(&timeline(1_000, 100), &CutSettings::default());
        let until = |syncs: usize| Timeline {
            readable_bytes: 10 * u64::try_from(syncs).unwrap() + 5,
            ..timeline(syncs, 100)
        };
        let segments = plan.drawn_segments(&until(600));
        let cut_short = Segment { end_sync: 600, end_ms: 60_400, end_byte: 6_005, ..plan.segments[2] };
        assert_eq!(segments, [plan.segments[0], plan.segments[1], cut_short]);
        assert_eq!(plan.drawn_segments(&until(plan.segments[1].first_sync + 1)).len(), 2);
        assert_eq!(plan.drawn_segments(&until(0)), []);
        assert_eq!(plan.drawn_segments(&timeline(1_000, 100)), plan.segments);
    }

    #[test]
    fn idle_time_starts_no_segment_and_no_picture_gives_no_plan() {
        let plan = plan(&timeline(200, 60_000), &CutSettings::default());
        assert_eq!(plan.segments.len(), 1);
        assert_eq!(Plan::new(&Timeline::default(), Cut::whole(0), VideoSettings::default()), None);
    }

    #[test]
    fn the_first_picture_is_on_screen_from_the_start() {
        let mut timeline = timeline(100, 100);
        timeline.empty_syncs = 30;
        let whole = plan(&timeline, &CutSettings::default()).segments;
        assert_eq!(
            whole,
            [Segment { first_sync: 30, end_sync: 100, start_ms: 0, end_ms: 10_400, end_byte: 123_456 }]
        );
        let before = Cut::new(
            &CutSettings { to_ms: Some(2_900), ..CutSettings::default() },
            timeline.media_duration_ms,
            &[],
        );
        assert_eq!(Plan::new(&timeline, before.unwrap(), VideoSettings::default()), None);
    }

    #[test]
    fn a_cut_begins_with_the_picture_on_screen_and_reads_no_further_than_its_end() {
        let timeline = timeline(1_000, 100);
        let settings = CutSettings { from_ms: Some(10_050), to_ms: Some(12_000), idle_max_ms: None };
        assert_eq!(
            plan(&timeline, &settings).segments,
            [Segment { first_sync: 100, end_sync: 121, start_ms: 0, end_ms: 1_950, end_byte: 1_220 }]
        );
    }

    #[test]
    fn skipped_time_needs_no_segment_of_its_own() {
        let timeline = timeline(1_000, 100);
        let skipped = plan(&timeline, &CutSettings { idle_max_ms: Some(1_000), ..CutSettings::default() });
        let bounds: Vec<_> =
            skipped.segments.iter().map(|segment| (segment.first_sync, segment.end_ms)).collect();
        // 39 s of changes are one instant: it counts once.
        assert_eq!(bounds, [(0, 25_100), (641, 50_100), (891, 61_400)]);
    }

    #[test]
    fn what_would_take_too_long_is_coded_less_often_and_nothing_else_is() {
        let settings = VideoSettings::default();
        // Every 90 ms for more than a day.
        let mut day = timeline(1_000_000, 90);
        assert_eq!(plan(&day, &CutSettings::default()).settings, settings);
        day.sizes[0] = SizeChange { at_ms: 0, width: 1920, height: 1080 };
        let rhythm = plan(&day, &CutSettings::default()).settings.rhythm;
        assert_eq!(rhythm, settings.rhythm.slowed(12));
        let hour = CutSettings { to_ms: Some(3_600_000), ..CutSettings::default() };
        assert_eq!(plan(&day, &hour).settings, settings);
        day.syncs.truncate(1);
        day.mouse_events = u64::MAX;
        assert_eq!(plan(&day, &CutSettings::default()).settings.rhythm, settings.rhythm.slowed(18));
    }

    #[test]
    fn the_end_of_a_session_is_time_of_the_last_segment_and_no_work() {
        let mut timeline = timeline(1_000, 100);
        timeline.mouse_events = u64::MAX;
        let recorded = plan(&timeline, &CutSettings::default());
        (timeline.recorded_ms, timeline.media_duration_ms) = (Some(100_400), 30 * 86_400_000);
        let mut drawn_out = plan(&timeline, &CutSettings::default());
        assert_eq!(drawn_out.cut, Cut::whole(30 * 86_400_000));
        let last = drawn_out.segments.last_mut().unwrap();
        assert_eq!(std::mem::replace(&mut last.end_ms, 100_400), 30 * 86_400_000);
        assert_eq!((drawn_out.segments, drawn_out.settings), (recorded.segments, recorded.settings));
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
