//! A timeline, and where in it the recording stood still.

use cluster::catalog::Gap;
use codec::timeline::Timeline;
use serde::Serialize;

/// What one pass over a recording tells, and the gaps that the cluster knows of.
#[derive(Debug, Serialize)]
pub(crate) struct TimelineWithGaps<'a> {
    #[serde(flatten)]
    timeline: &'a Timeline,
    gaps: Vec<TimelineGap>,
}

/// From when to when nothing was recorded, in the cluster's time.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct TimelineGap {
    /// The media time up to which the recording reached.
    at_ms: i64,
    from_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<u64>,
}

/// A timeline with gaps; `received` is the one of all bytes, in which gaps are found by their place.
pub(crate) fn with_gaps<'a>(
    timeline: &'a Timeline,
    received: &Timeline,
    gaps: &[Gap],
) -> TimelineWithGaps<'a> {
    let gaps = gaps.iter().map(|gap| TimelineGap {
        at_ms: at_ms(received, gap.offset),
        from_ms: gap.from_ms,
        until_ms: gap.until_ms,
    });
    TimelineWithGaps { timeline, gaps: gaps.collect() }
}

/// The end of the last frame that the first bytes of a recording hold whole.
fn at_ms(timeline: &Timeline, offset: u64) -> i64 {
    let whole = timeline.syncs.partition_point(|sync| sync.end_byte <= offset);
    whole.checked_sub(1).and_then(|last| timeline.syncs.get(last)).map_or(0, |sync| sync.at_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::timeline::SyncPoint;
    use serde_json::{Value, json};

    #[test]
    fn a_gap_stands_where_the_bytes_before_it_end() {
        let sync = |at_ms, end_byte| SyncPoint { index: 0, at_ms, end_byte, dirty_pixels: 0 };
        let received = Timeline { syncs: vec![sync(0, 50), sync(400, 90)], ..Timeline::default() };
        let gap = |offset, until_ms| Gap { offset, from_ms: 7, until_ms };
        let gaps = [gap(49, Some(8)), gap(89, Some(9)), gap(90, None)];
        let view = Timeline { bytes: 5, ..Timeline::default() };
        let json = serde_json::to_value(with_gaps(&view, &received, &gaps)).unwrap();
        let expected = json!([
            { "at_ms": 0, "from_ms": 7, "until_ms": 8 },
            { "at_ms": 0, "from_ms": 7, "until_ms": 9 },
            { "at_ms": 400, "from_ms": 7 },
        ]);
        assert_eq!((&json["bytes"], &json["gaps"]), (&Value::from(5), &expected));
    }
}
