//! How long something took, many times.

use serde::Serialize;
use std::time::Duration;

/// Of many times: how many, and what half, 99 of 100 and all of them did not exceed, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// How many there are.
    pub count: usize,
    /// The median.
    pub p50_ms: u64,
    /// The 99th percentile, nearest rank.
    pub p99_ms: u64,
    /// The longest.
    pub max_ms: u64,
}

impl Latency {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let ms = |time: Option<&Duration>| {
            time.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
        };
        let at = |percent: usize| ms(times.get((times.len() * percent).div_ceil(100).saturating_sub(1)));
        Self { count: times.len(), p50_ms: at(50), p99_ms: at(99), max_ms: ms(times.last()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_taken() {
        let of = |count| Latency::of((1..=count).rev().map(Duration::from_millis).collect());
        assert_eq!(of(0), Latency::default());
        assert_eq!(of(1), Latency { count: 1, p50_ms: 1, p99_ms: 1, max_ms: 1 });
        assert_eq!(of(200), Latency { count: 200, p50_ms: 100, p99_ms: 198, max_ms: 200 });
    }
}
