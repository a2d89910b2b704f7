//! When nothing happens.

use serde::{Deserialize, Serialize};

/// The shortest pause that counts, in milliseconds.
const IDLE_MS_MIN: i64 = 1_000;

/// A stretch in which nothing visible changed, no key or mouse was used, and nothing was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdleSpan {
    /// The last activity before it, in milliseconds of media time.
    pub start_ms: i64,
    /// The first activity after it, or the end of the recording, in milliseconds of media time.
    pub end_ms: i64,
}

/// Spans of activity in order. What is closer together than the shortest pause is one span, so that nothing that
/// matters is lost by it.
#[derive(Debug, Clone)]
pub(super) struct ActiveSpans {
    spans: Vec<(i64, i64)>,
    /// Pauses below this are not kept.
    pause_ms: i64,
    spans_max: usize,
}

impl ActiveSpans {
    pub(super) fn new(spans_max: usize) -> Self {
        Self { spans: Vec::new(), pause_ms: IDLE_MS_MIN, spans_max: spans_max.max(1) }
    }

    /// Something happened from `start_ms` to `end_ms`.
    pub(super) fn push(&mut self, start_ms: i64, end_ms: i64) {
        let pause_ms = self.pause_ms;
        let joins = |(earlier_end_ms, later_start_ms): (i64, i64)| {
            later_start_ms.saturating_sub(earlier_end_ms) < pause_ms
        };
        let after =
            self.spans.iter().rposition(|&(_, end)| !joins((end, start_ms))).map_or(0, |index| index + 1);
        let joined = self.spans[after..].iter().take_while(|&&(start, _)| joins((end_ms, start))).count();
        let of_all = self.spans[after..after + joined]
            .iter()
            .fold((start_ms, end_ms), |(from, to), &(start, end)| (from.min(start), to.max(end)));
        if joined == 1 {
            self.spans[after] = of_all;
        } else {
            self.spans.splice(after..after + joined, [of_all]);
        }
        while self.spans.len() > self.spans_max {
            self.pause_ms = self.pause_ms.saturating_mul(2);
            self.join();
        }
    }

    /// Time begins here: what was before does not count.
    pub(super) fn begin(&mut self) {
        self.spans.clear();
    }

    /// The shortest pause that is kept, in milliseconds.
    pub(super) fn pause_ms(&self) -> i64 {
        self.pause_ms
    }

    /// The pauses of `self` and `other` together, from 0 to `end_ms`.
    pub(super) fn pauses(&self, other: &Self, end_ms: i64) -> Vec<IdleSpan> {
        let pause_ms = self.pause_ms.max(other.pause_ms);
        let mut spans: Vec<_> =
            self.spans.iter().chain(&other.spans).copied().chain([(end_ms, end_ms)]).collect();
        spans.sort_unstable();
        let mut pauses = Vec::new();
        let mut active_ms = 0;
        for (start_ms, next_ms) in spans {
            let start_ms = start_ms.min(end_ms);
            if start_ms.saturating_sub(active_ms) >= pause_ms {
                pauses.push(IdleSpan { start_ms: active_ms, end_ms: start_ms });
            }
            active_ms = active_ms.max(next_ms);
        }
        pauses
    }

    fn join(&mut self) {
        let pause_ms = self.pause_ms;
        self.spans.dedup_by(|(start, end), (_, kept_end)| {
            let is_joined = start.saturating_sub(*kept_end) < pause_ms;
            if is_joined {
                *kept_end = (*kept_end).max(*end);
            }
            is_joined
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(all: &[(i64, i64)], spans_max: usize) -> ActiveSpans {
        let mut spans = ActiveSpans::new(spans_max);
        for (start_ms, end_ms) in all {
            spans.push(*start_ms, *end_ms);
        }
        spans
    }

    fn idle(start_ms: i64, end_ms: i64) -> IdleSpan {
        IdleSpan { start_ms, end_ms }
    }

    #[test]
    fn pauses_of_a_second_are_what_is_left_between_all_activity() {
        let keys = spans(&[(0, 0), (999, 999), (1_999, 1_999), (9_000, 9_000)], 10);
        assert_eq!(keys.spans, [(0, 999), (1_999, 1_999), (9_000, 9_000)]);
        let sound = spans(&[(6_000, 6_500), (3_000, 4_000), (2_500, 5_100), (50_000, 60_000)], 10);
        assert_eq!(sound.spans, [(2_500, 6_500), (50_000, 60_000)]);
        let expected = [idle(999, 1_999), idle(6_500, 9_000), idle(9_000, 12_000)];
        assert_eq!(keys.pauses(&sound, 12_000), expected);
        assert_eq!(ActiveSpans::new(1).pauses(&ActiveSpans::new(1), 5_000), [idle(0, 5_000)]);
    }

    #[test]
    fn when_there_are_too_many_only_longer_pauses_are_kept() {
        let spans = spans(&[(0, 0), (1_500, 1_500), (6_000, 6_000), (7_500, 7_500), (20_000, 20_000)], 3);
        assert_eq!(spans.pause_ms(), 2_000);
        assert_eq!(spans.spans, [(0, 1_500), (6_000, 7_500), (20_000, 20_000)]);
    }

    #[test]
    fn a_span_that_reaches_over_others_takes_them_all() {
        let spans = spans(&[(0, 0), (5_000, 5_000), (10_000, 10_000), (20_000, 20_000), (4_500, 19_500)], 9);
        assert_eq!(spans.spans, [(0, 0), (4_500, 20_000)]);
    }
}
