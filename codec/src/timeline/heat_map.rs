//! How much happened when, as Guacamole's player shows it.
//!
//! Source: guacamole-client `playerHeatmapService.js` and `player.js`.

use super::event_counts::EventCounts;
use serde::{Deserialize, Serialize};

/// Frames above this rate do not count.
const FRAMES_PER_MS_MAX: f64 = 10.0 / 1000.0;
/// Presses and releases above this rate do not count.
const KEYS_PER_MS_MAX: f64 = 12.0 / 1000.0;
/// The weights of a bucket and its neighbours.
const KERNEL: [f64; 5] = [0.0013, 0.1573, 0.6827, 0.1573, 0.0013];

/// Activity in buckets of equal length from the first `sync` on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HeatMap {
    /// Length of a bucket, in milliseconds.
    pub bucket_ms: f64,
    /// Frames (`sync`) of each bucket, at most 10 a second and at least 1.
    pub frames: Vec<u32>,
    /// Keys, presses and releases, of each bucket, at most 12 a second and at least 1.
    pub keys: Vec<u32>,
    /// `frames`, smoothed: what is drawn, scaled to the largest of `frames`.
    pub frames_smooth: Vec<f64>,
    /// `keys`, smoothed: what is drawn, scaled to the largest of `keys`.
    pub keys_smooth: Vec<f64>,
}

/// What heat maps of any number of buckets are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// What a heat map covers: the time of the last `sync`, as in Guacamole's player; without any `sync` the media
    /// duration.
    pub duration_ms: i64,
    /// Every `sync`.
    pub frames: EventCounts,
    /// Every key, pressed and released. Those before the first `sync` are at zero.
    pub keys: EventCounts,
}

impl HeatMap {
    /// The number of buckets that Guacamole's player has.
    pub const BUCKETS: usize = 100;
    /// Most buckets.
    pub const BUCKETS_MAX: usize = 10_000;

    /// The map of `events` in `buckets`, 1 to [`HeatMap::BUCKETS_MAX`]. Events behind the duration count in the last
    /// bucket. All buckets are empty when there is no duration.
    pub(super) fn new(events: &Events, buckets: usize) -> Self {
        let buckets = buckets.clamp(1, Self::BUCKETS_MAX);
        let bucket_ms =
            to_float(events.duration_ms.max(0)) / to_float(i64::try_from(buckets).unwrap_or(i64::MAX));
        let frames = count(&events.frames, bucket_ms, buckets, FRAMES_PER_MS_MAX);
        let keys = count(&events.keys, bucket_ms, buckets, KEYS_PER_MS_MAX);
        let (frames_smooth, keys_smooth) = (smooth(&frames), smooth(&keys));
        Self { bucket_ms, frames, keys, frames_smooth, keys_smooth }
    }
}

fn count(events: &EventCounts, bucket_ms: f64, buckets: usize, per_ms_max: f64) -> Vec<u32> {
    let mut counts = vec![0_u32; buckets];
    if bucket_ms <= 0.0 {
        return counts;
    }
    let most = to_whole((bucket_ms * per_ms_max).floor().max(1.0));
    let mut current = 0;
    let mut end_ms = bucket_ms;
    for (at_ms, events) in events.iter() {
        let at_ms = to_float(at_ms);
        // The same operations in the same order as the player's, so that an event at an edge falls on the same side.
        if at_ms >= end_ms {
            let bucket = usize::try_from(to_whole((at_ms / bucket_ms).floor())).unwrap_or(usize::MAX);
            current = bucket.min(buckets - 1);
            end_ms = f64::from(u32::try_from(current + 1).unwrap_or(u32::MAX)) * bucket_ms;
        }
        counts[current] = counts[current].saturating_add(events).min(most);
    }
    counts
}

/// Each bucket with its neighbours; where there is no neighbour the bucket itself counts.
fn smooth(counts: &[u32]) -> Vec<f64> {
    let reach = KERNEL.len() / 2;
    let weighted = |index: usize| {
        KERNEL.iter().enumerate().fold(0.0, |sum, (offset, weight)| {
            let neighbour = (index + offset).checked_sub(reach).and_then(|neighbour| counts.get(neighbour));
            sum + f64::from(*neighbour.unwrap_or(&counts[index])) * weight
        })
    };
    (0..counts.len()).map(weighted).collect()
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "the formula is one of floating point"
)]
fn to_float(value: i64) -> f64 {
    value as f64
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a value out of range becomes the nearest"
)]
fn to_whole(value: f64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(duration_ms: i64, frames: &[i64], keys: &[i64]) -> Events {
        let counts = |times: &[i64]| {
            let mut counts = EventCounts::default();
            for at_ms in times {
                counts.push(*at_ms, 1000);
            }
            counts
        };
        Events { duration_ms, frames: counts(frames), keys: counts(keys) }
    }

    #[test]
    fn buckets_are_capped_and_what_is_behind_the_end_counts_in_the_last() {
        let map = HeatMap::new(&events(1_000, &[0, 10, 99, 250, 1_000], &[0, 300, 5_000, 6_000]), 4);
        assert_eq!(map.bucket_ms, 250.0);
        assert_eq!(map.frames, [2, 1, 0, 1]);
        assert_eq!(map.keys, [1, 1, 0, 2]);
        let fast = HeatMap::new(&events(200, &[1, 1, 1, 1, 1], &[]), 2);
        assert_eq!((fast.frames, fast.keys), (vec![1, 0], vec![0, 0]));
    }

    #[test]
    fn smoothing_uses_the_bucket_itself_beyond_the_edges() {
        let close = |actual: &[f64], expected: &[f64]| {
            assert!(actual.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{actual:?}");
        };
        close(&smooth(&[10, 0, 0, 0]), &[10.0 * (0.0013 + 0.1573 + 0.6827), 1.573, 0.013, 0.0]);
        assert_eq!(smooth(&[]), [0.0_f64; 0]);
    }

    #[test]
    fn without_a_duration_there_is_nothing() {
        assert_eq!(HeatMap::new(&events(0, &[0], &[0]), 3).frames, [0, 0, 0]);
    }
}
