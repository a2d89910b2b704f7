//! From the timestamps of a recording to media time.

use super::instruction::Instruction;

/// Turns timestamps into media time: milliseconds since the first `sync`, never running backwards.
///
/// Keys and mouse are written by another thread than `sync` and may be some milliseconds older than what
/// stands before them in the file: they are moved up, never treated as damage. A jump back of more than
/// [`MediaTime::JUMP_MS`] or forward of more than the limit comes from a splice or another clock: media time
/// goes on from where it was.
#[derive(Debug, Clone, Copy)]
pub struct MediaTime {
    gap_ms: i64,
    /// What to subtract from a timestamp.
    zero: Option<i64>,
    synced: bool,
    latest_ms: i64,
    /// Where the newest timestamp lies.
    newest_ms: i64,
    jumps: u64,
}

/// A [`MediaTime`] as a key state keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MediaTimeState {
    pub(crate) zero: Option<i64>,
    pub(crate) synced: bool,
    pub(crate) latest_ms: i64,
    pub(crate) newest_ms: i64,
    pub(crate) jumps: u64,
}

impl MediaTime {
    /// A timestamp that is older than its predecessor by more than this belongs to another clock.
    pub const JUMP_MS: i64 = 5_000;

    /// Starts before the first timestamp; silences of more than `gap_ms` are not kept.
    pub fn new(gap_ms: i64) -> Self {
        Self { gap_ms, zero: None, synced: false, latest_ms: 0, newest_ms: 0, jumps: 0 }
    }

    /// All that [`Self::resume`] needs beside the limit.
    pub(crate) fn state(&self) -> MediaTimeState {
        let Self { gap_ms: _, zero, synced, latest_ms, newest_ms, jumps } = *self;
        MediaTimeState { zero, synced, latest_ms, newest_ms, jumps }
    }

    /// Goes on from a [`Self::state`].
    pub(crate) fn resume(gap_ms: i64, state: MediaTimeState) -> Self {
        let MediaTimeState { zero, synced, latest_ms, newest_ms, jumps } = state;
        Self { gap_ms, zero, synced, latest_ms, newest_ms, jumps }
    }

    /// The media time after an instruction.
    pub fn follow(&mut self, instruction: &Instruction<'_>) -> i64 {
        match instruction.timestamp() {
            Some(timestamp) if matches!(instruction, Instruction::Sync { .. }) => self.sync(timestamp),
            Some(timestamp) => self.event(timestamp),
            None => self.latest_ms,
        }
    }

    /// The media time of a `sync`. The first one is zero.
    pub fn sync(&mut self, timestamp: i64) -> i64 {
        if !self.synced {
            self.synced = true;
            self.zero = Some(timestamp);
            self.latest_ms = 0;
        }
        self.advance(timestamp)
    }

    /// The media time of a key or mouse event; what comes before the first `sync` happens at its own distance
    /// from the first timestamp, until the first `sync` resets the zero.
    pub fn event(&mut self, timestamp: i64) -> i64 {
        self.advance(timestamp)
    }

    /// The latest media time, in milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.latest_ms
    }

    /// Where the newest timestamp itself lies, in milliseconds: before [`MediaTime::now_ms`] if it is older than one
    /// that stands before it.
    pub fn newest_ms(&self) -> i64 {
        self.newest_ms
    }

    /// How often time went on from where it was, instead of following the timestamps.
    pub fn jumps(&self) -> u64 {
        self.jumps
    }

    /// Whether a `sync` was seen.
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    fn advance(&mut self, timestamp: i64) -> i64 {
        let zero = *self.zero.get_or_insert(timestamp);
        let at_ms = timestamp.saturating_sub(zero);
        let step_ms = at_ms.saturating_sub(self.latest_ms);
        if step_ms < -Self::JUMP_MS || step_ms > self.gap_ms {
            self.zero = Some(timestamp.saturating_sub(self.latest_ms));
            self.newest_ms = self.latest_ms;
            self.jumps += 1;
        } else {
            self.latest_ms = self.latest_ms.max(at_ms);
            self.newest_ms = at_ms;
        }
        self.latest_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn the_first_sync_is_zero_and_late_events_are_moved_up() {
        let mut time = MediaTime::new(DAY_MS);
        assert_eq!(time.event(990), 0);
        assert_eq!(time.event(995), 5);
        assert_eq!(time.sync(1_000), 0);
        assert_eq!(time.event(1_500), 500);
        assert_eq!((time.event(1_490), time.newest_ms()), (500, 490));
        assert_eq!(time.sync(1_700), 700);
    }

    #[test]
    fn a_jump_to_another_clock_goes_on_from_where_it_was() {
        let mut time = MediaTime::new(DAY_MS);
        time.sync(1_000_000);
        assert_eq!(time.sync(1_010_000), 10_000);
        assert_eq!(time.sync(5_000), 10_000);
        assert_eq!(time.sync(6_000), 11_000);
        assert_eq!(time.sync(6_000 + 2 * DAY_MS), 11_000);
        assert_eq!(time.sync(i64::MIN), 11_000);
        assert_eq!(time.sync(i64::MAX), 11_000);
        assert_eq!((time.jumps(), time.newest_ms()), (4, 11_000));
    }
}
