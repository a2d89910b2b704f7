//! When a changed picture is worth a coded frame.
//!
//! A change after a pause, and one that makes the last coded picture plainly wrong, keeps its own time. Small
//! changes that follow one another coalesce. A small area that only toggles between two looks (a blinking
//! cursor) is left alone for as long as it goes on. Nothing that stays is ever left out.

use super::settings::Rhythm;

/// A change of the picture, measured against the last coded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// When it happened, in milliseconds of media time.
    pub(super) at_ms: i64,
    /// Sum of the squared luma differences to the last coded picture.
    pub(super) luma_error: u64,
    /// Pixels of the areas that differ from the last coded picture.
    pub(super) stale_pixels: usize,
    /// Pixels of the whole picture.
    pub(super) pixels: usize,
    /// The change went back to what the same small area showed before, several times running.
    pub(super) blinks: bool,
}

/// What to do about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Code the picture at the time of the change.
    Now,
    /// Leave it; [`Pacing::due`] says when it must be coded if it is still there.
    Wait,
}

/// Decides frame times within one segment. Depends on nothing but the changes it is told of.
#[derive(Debug, Clone)]
pub(super) struct Pacing {
    rhythm: Rhythm,
    coded_at_ms: Option<i64>,
    due_ms: Option<i64>,
    /// Time without frames that a burst of large changes may still use up.
    credit_ms: i64,
}

impl Pacing {
    /// Large changes closer to one another keep their own times until they have used up so much time at
    /// [`Rhythm::large_ms`] each: bursts are short, and a late picture of one is plainly wrong.
    const CREDIT_MS: i64 = 1_000;
    /// A blink that stops on one look for this long was its last.
    pub(super) const BLINK_MS: i64 = 1_500;
    /// A mean squared luma error above this is a large change: with it the picture on screen is 38 dB from
    /// what it should be, and coding adds its own noise.
    const LARGE_ERROR: u64 = 10;
    /// A large change covers more than one part in this many.
    const LARGE_AREA: usize = 10;

    /// Nothing is coded yet.
    pub(super) fn new(rhythm: Rhythm) -> Self {
        Self { rhythm, coded_at_ms: None, due_ms: None, credit_ms: Self::CREDIT_MS }
    }

    /// The time at which the picture as it was must be coded, if that lies before `now_ms`: ask before
    /// drawing what happens at `now_ms`.
    pub(super) fn due(&self, now_ms: i64) -> Option<i64> {
        self.due_ms.filter(|due_ms| *due_ms < now_ms)
    }

    /// Tells of a change that leaves the picture different from the last coded one.
    pub(super) fn change(&mut self, change: &Change) -> Decision {
        let Some(coded_at_ms) = self.coded_at_ms else { return Decision::Now };
        let large = change.luma_error > Self::LARGE_ERROR * u64::try_from(change.pixels).unwrap_or(u64::MAX)
            || change.stale_pixels > change.pixels / Self::LARGE_AREA;
        let interval_ms = match large {
            true if self.credit_ms >= self.rhythm.large_ms => 1,
            true => self.rhythm.large_ms,
            false => self.rhythm.small_ms,
        };
        let free_at_ms = coded_at_ms.saturating_add(interval_ms);
        if change.blinks {
            self.due_ms.get_or_insert(change.at_ms.max(free_at_ms).saturating_add(Self::BLINK_MS));
            return Decision::Wait;
        }
        if change.at_ms >= free_at_ms {
            return Decision::Now;
        }
        self.due_ms = Some(self.due_ms.map_or(free_at_ms, |due_ms| due_ms.min(free_at_ms)));
        Decision::Wait
    }

    /// The picture equals the last coded one again.
    pub(super) fn settled(&mut self) {
        self.due_ms = None;
    }

    /// The picture was coded, to be shown from `at_ms` on.
    pub(super) fn coded(&mut self, at_ms: i64) {
        let rest_ms = self.coded_at_ms.map_or(Self::CREDIT_MS, |coded_at_ms| at_ms - coded_at_ms);
        let credit_ms = self.credit_ms.saturating_add(rest_ms).saturating_sub(self.rhythm.large_ms);
        self.credit_ms = credit_ms.clamp(0, Self::CREDIT_MS);
        self.coded_at_ms = Some(at_ms);
        self.due_ms = None;
    }

    /// When the segment ends at `end_ms`: the time of a last frame, if a change still waits. The last change is
    /// always coded, within the segment where it fits.
    pub(super) fn finish(&self, end_ms: i64) -> Option<i64> {
        let after_coded_ms = self.coded_at_ms.map_or(0, |at_ms| at_ms + 1);
        self.due_ms.map(|due_ms| due_ms.min(end_ms - 1).max(after_coded_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::VideoSettings;

    const PIXELS: usize = 1_000_000;

    fn small(at_ms: i64) -> Change {
        Change { at_ms, luma_error: 1_000, stale_pixels: 100, pixels: PIXELS, blinks: false }
    }

    fn large(at_ms: i64) -> Change {
        Change { luma_error: 11_000_000, ..small(at_ms) }
    }

    /// Runs changes through the pacing as a segment does; returns the times of the coded frames.
    fn coded_times(changes: &[Change], end_ms: i64) -> Vec<i64> {
        let mut pacing = Pacing::new(VideoSettings::default().rhythm);
        let mut coded = Vec::new();
        for change in changes {
            if let Some(due_ms) = pacing.due(change.at_ms) {
                pacing.coded(due_ms);
                coded.push(due_ms);
            }
            if pacing.change(change) == Decision::Now {
                pacing.coded(change.at_ms);
                coded.push(change.at_ms);
            }
        }
        coded.extend(pacing.finish(end_ms));
        coded
    }

    #[test]
    fn a_change_after_a_pause_keeps_its_own_time() {
        assert_eq!(coded_times(&[small(0), small(150), small(1_017)], 2_000), [0, 150, 1_017]);
    }

    #[test]
    fn small_changes_coalesce_and_the_last_one_is_coded() {
        let changes: Vec<_> = (0..10).map(|step| small(step * 20)).collect();
        assert_eq!(coded_times(&changes, 5_000), [0, 100, 200]);
        assert_eq!(coded_times(&changes, 181), [0, 100, 180]);
    }

    #[test]
    fn large_changes_keep_their_own_time_until_they_flood() {
        assert_eq!(coded_times(&[large(0), large(40), large(43), large(90)], 1_000), [0, 40, 43, 90]);
        let flood: Vec<_> = (0..10_000).map(large).collect();
        let coded = coded_times(&flood, 10_000);
        assert!((300..340).contains(&coded.len()), "{} of 10,000", coded.len());
        assert!(coded.windows(2).all(|pair| pair[0] < pair[1]));
        let area = Change { stale_pixels: PIXELS / 5, ..small(40) };
        assert_eq!(coded_times(&[small(0), area], 1_000), [0, 40]);
    }

    #[test]
    fn a_blink_is_coded_only_when_it_stops() {
        let mut pacing = Pacing::new(VideoSettings::default().rhythm);
        pacing.coded(0);
        let blink = |at_ms| Change { blinks: true, ..small(at_ms) };
        for at_ms in (500..10_000).step_by(1_000) {
            assert_eq!(pacing.due(at_ms), None);
            assert_eq!(pacing.change(&blink(at_ms)), Decision::Wait);
            assert_eq!(pacing.due(at_ms + 500), None);
            pacing.settled();
        }
        assert_eq!(pacing.change(&blink(10_500)), Decision::Wait);
        assert_eq!(pacing.due(20_000), Some(12_000));
        assert_eq!(pacing.finish(11_000), Some(10_999));
    }
}
