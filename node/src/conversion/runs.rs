//! Which worker codes which segments, and from where it draws.

use codec::key_states::KeyState;
use codec::video::Segment;
use std::ops::Range;

/// The segments of a plan, taken in order as runs. Whoever takes a run draws what lies between and leaves the key state of
/// its start for the next one, so that together they draw ahead of the coding once, however many they are.
pub(super) struct Runs<'a> {
    segments: &'a [Segment],
    workers: usize,
    /// The first segment that nobody has taken.
    next: usize,
    /// The newest key state: behind no run that is still to be taken.
    key_state: Option<KeyState>,
}

impl<'a> Runs<'a> {
    /// All segments from `first` on, for so many workers.
    pub(super) fn from(segments: &'a [Segment], first: usize, workers: usize) -> Self {
        Self { segments, workers: workers.max(1), next: first.min(segments.len()), key_state: None }
    }

    /// Takes the next run: no more than a worker's share of what is left, so that runs are long at first, and short at the
    /// end, where workers would wait for the last one.
    pub(super) fn take(&mut self) -> Option<Range<usize>> {
        let left = self.segments.len() - self.next;
        let run = self.next..self.next + (left / self.workers).max(left.min(1));
        self.next = run.end;
        (!run.is_empty()).then_some(run)
    }

    /// The byte behind the first frame of a segment: who stands there needs nothing from before. The first one may begin
    /// anywhere.
    pub(super) fn start_byte(&self, number: usize) -> u64 {
        number.checked_sub(1).map_or(0, |before| self.segments[before].end_byte)
    }

    /// Where a worker that has read up to some byte goes on sooner, if there is such a place.
    pub(super) fn ahead_of(&self, read_bytes: u64) -> Option<&KeyState> {
        self.key_state.as_ref().filter(|key_state| key_state.point.position > read_bytes)
    }

    /// Whether somebody may need the key state of the run that was taken last.
    pub(super) fn is_to_be_kept(&self) -> bool {
        self.workers > 1 && self.next < self.segments.len()
    }

    /// Keeps the key state of the run that was taken last; it replaces the one before.
    pub(super) fn keep(&mut self, key_state: Option<KeyState>) {
        self.key_state = key_state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::key_states::KeyPoint;

    fn segments(count: usize) -> Vec<Segment> {
        let segment = |number: usize| Segment {
            first_sync: 10 * number,
            end_sync: 10 * number + 10,
            start_ms: 0,
            end_ms: 1,
            end_byte: 100 * (u64::try_from(number).unwrap() + 1),
        };
        (0..count).map(segment).collect()
    }

    fn key_state(position: u64) -> KeyState {
        KeyState { point: KeyPoint { at_ms: 0, frames: 1, position }, bytes: Vec::new() }
    }

    #[test]
    fn runs_cover_all_segments_in_order_and_become_shorter() {
        let singles = |from: usize| (from..20).map(|number| (number, number + 1)).collect::<Vec<_>>();
        for (workers, expected) in [
            (1, vec![(0, 20)]),
            (2, [vec![(0, 10), (10, 15), (15, 17)], singles(17)].concat()),
            (4, [vec![(0, 5), (5, 8), (8, 11), (11, 13)], singles(13)].concat()),
            (50, singles(0)),
        ] {
            let segments = segments(20);
            let mut runs = Runs::from(&segments, 0, workers);
            let taken: Vec<_> = std::iter::from_fn(|| runs.take()).map(|run| (run.start, run.end)).collect();
            assert_eq!(taken, expected, "{workers} workers");
            assert_eq!(runs.take(), None);
        }
    }

    /// What each of some workers reads when all are equally fast: ranges of bytes.
    fn read_ranges(workers: usize, writes: bool) -> Vec<Vec<Range<u64>>> {
        let segments = segments(20);
        let mut runs = Runs::from(&segments, 0, workers);
        let mut read = vec![Vec::<Range<u64>>::new(); workers];
        // When each is ready for another run, in segments.
        let mut ready = vec![0; workers];
        loop {
            let worker = (0..workers).min_by_key(|worker| ready[*worker]).unwrap();
            let Some(run) = runs.take() else { break read };
            let stands_at = read[worker].last().map_or(0, |range| range.end);
            let from = runs.ahead_of(stands_at).map_or(stands_at, |key_state| key_state.point.position);
            let start = runs.start_byte(run.start);
            assert!(from <= start, "run {run:?} is already read over");
            if writes && runs.is_to_be_kept() {
                runs.keep(Some(key_state(start)));
            }
            read[worker].push(from..segments[run.end - 1].end_byte);
            ready[worker] += run.len();
        }
    }

    #[test]
    fn what_others_have_drawn_is_not_read_again() {
        let total = |read: &[Vec<Range<u64>>]| {
            read.iter().flatten().map(|range| range.end - range.start).sum::<u64>()
        };
        assert_eq!(total(&read_ranges(1, true)), 2_000);
        assert_eq!(read_ranges(2, true)[1][0], 0..1_500, "the second worker draws what the first one codes");
        let four = read_ranges(4, true);
        assert_eq!(four[3][0], 800..1_300, "the last one begins where another one has begun");
        // Everything is drawn to be coded, and once more ahead of that, but for the last run.
        assert!(total(&four) <= 2_000 + 1_900, "{four:?}");
        // Where nothing can be kept, each draws what it has not seen.
        assert!(total(&read_ranges(4, false)) > 6_000);
    }
}
