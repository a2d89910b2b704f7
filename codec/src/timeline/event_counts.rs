//! When things happened, as counts over time in bounded memory.

use serde::{Deserialize, Serialize};

/// How many events there were at each point in time.
///
/// Points are milliseconds as long as there is room; then neighbours share one, and the resolution is twice as coarse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Columns", from = "Columns")]
pub struct EventCounts {
    resolution_ms: i64,
    /// The points that have events, in units of the resolution, and how many they have.
    points: Vec<(i64, u32)>,
    latest_ms: i64,
}

/// How counts are written: times as differences, in milliseconds.
#[derive(Serialize, Deserialize)]
struct Columns {
    resolution_ms: i64,
    after_ms: Vec<i64>,
    count: Vec<u32>,
}

impl Default for EventCounts {
    fn default() -> Self {
        Self { resolution_ms: 1, points: Vec::new(), latest_ms: 0 }
    }
}

impl EventCounts {
    /// Counts one event. One that is older than the one before counts with it, as in Guacamole's player.
    pub(super) fn push(&mut self, at_ms: i64, points_max: usize) {
        self.latest_ms = self.latest_ms.max(at_ms);
        let point = self.latest_ms / self.resolution_ms;
        match self.points.last_mut() {
            Some((last, count)) if *last == point => *count = count.saturating_add(1),
            Some(_) | None => self.points.push((point, 1)),
        }
        while self.points.len() > points_max.max(1) {
            self.coarsen();
        }
    }

    /// Time begins here: all events up to now are at zero.
    pub(super) fn begin(&mut self) {
        self.latest_ms = 0;
        let count = self.iter().fold(0_u32, |sum, (_, count)| sum.saturating_add(count));
        self.points.clear();
        self.points.extend((count > 0).then_some((0, count)));
    }

    /// The times of the events in order, in milliseconds, each with their number.
    pub fn iter(&self) -> impl Iterator<Item = (i64, u32)> {
        self.points.iter().map(|&(point, count)| (point.saturating_mul(self.resolution_ms), count))
    }

    /// When the newest event was, in milliseconds; zero without one.
    pub fn latest_ms(&self) -> i64 {
        self.latest_ms
    }

    fn coarsen(&mut self) {
        self.resolution_ms = self.resolution_ms.saturating_mul(2);
        for (point, _) in &mut self.points {
            *point /= 2;
        }
        self.points.dedup_by(|(point, count), (kept_point, kept)| {
            let is_same = point == kept_point;
            if is_same {
                *kept = kept.saturating_add(*count);
            }
            is_same
        });
    }
}

impl From<EventCounts> for Columns {
    fn from(counts: EventCounts) -> Self {
        let mut before_ms = 0;
        let after_ms =
            counts.iter().map(|(at_ms, _)| at_ms - std::mem::replace(&mut before_ms, at_ms)).collect();
        let count = counts.iter().map(|(_, count)| count).collect();
        Self { resolution_ms: counts.resolution_ms, after_ms, count }
    }
}

impl From<Columns> for EventCounts {
    fn from(columns: Columns) -> Self {
        let resolution_ms = columns.resolution_ms.max(1);
        let mut latest_ms = 0_i64;
        let mut points = Vec::with_capacity(columns.count.len());
        for (after_ms, count) in columns.after_ms.into_iter().zip(columns.count) {
            latest_ms = latest_ms.saturating_add(after_ms);
            points.push((latest_ms / resolution_ms, count));
        }
        Self { resolution_ms, points, latest_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(times_ms: &[i64], points_max: usize) -> EventCounts {
        let mut counts = EventCounts::default();
        for at_ms in times_ms {
            counts.push(*at_ms, points_max);
        }
        counts
    }

    #[test]
    fn events_are_counted_in_order_and_older_ones_with_the_one_before() {
        let counts = counts(&[0, 5, 5, 3, 900], 10);
        assert_eq!(counts.iter().collect::<Vec<_>>(), [(0, 1), (5, 3), (900, 1)]);
        assert_eq!(counts.latest_ms(), 900);
        let json = serde_json::to_string(&counts).unwrap();
        assert_eq!(json, r#"{"resolution_ms":1,"after_ms":[0,5,895],"count":[1,3,1]}"#);
        assert_eq!(serde_json::from_str::<EventCounts>(&json).unwrap(), counts);
    }

    #[test]
    fn more_points_than_fit_become_coarser_and_lose_no_event() {
        let counts = counts(&[0, 1, 2, 3, 4, 5, 6, 7, i64::MAX], 4);
        let kept: Vec<_> = counts.iter().collect();
        assert!(kept.len() <= 4, "{kept:?}");
        assert_eq!(kept.iter().map(|(_, count)| count).sum::<u32>(), 9);
        assert_eq!(kept[0].0, 0);
    }
}
