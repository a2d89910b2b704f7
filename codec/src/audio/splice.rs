//! The kept stretches of the mix, joined: at sample precision, and without a click.

use super::resample::StereoLevel;
use super::ticks::from_ms;
use crate::cut::Cut;
use std::collections::VecDeque;

/// Around a joint, sound fades out and in for so long: too short to be missed, long enough not to click.
const FADE: i64 = from_ms(5);

/// Walks through the media timeline of a cut. Times are ticks.
#[derive(Debug)]
pub(super) struct Splice {
    /// What is still kept, the first of them at least in part.
    stretches: VecDeque<Stretch>,
    /// How far the walk has come.
    at: i64,
}

/// A stretch of the media timeline that is kept.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: i64,
    to: i64,
    /// Whether something is left out before it.
    fades_in: bool,
    /// Whether something is left out behind it.
    fades_out: bool,
}

/// A piece of the media timeline that is kept or left out as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it begins.
    pub(super) from: i64,
    /// How long it is; not zero.
    pub(super) length: usize,
    /// Whether it is heard.
    pub(super) kept: bool,
}

impl Splice {
    /// Starts at tick 0.
    pub(super) fn new(cut: &Cut) -> Self {
        let stretch = |kept: std::ops::Range<i64>| Stretch {
            from: from_ms(kept.start),
            to: from_ms(kept.end),
            fades_in: kept.start > 0,
            fades_out: kept.end < cut.recording_ms(),
        };
        Self { stretches: cut.kept().map(stretch).collect(), at: 0 }
    }

    /// The next piece, of at most `length`; `None` behind all that is kept.
    pub(super) fn peek(&self, length: usize) -> Option<Piece> {
        let first = self.stretches.iter().find(|stretch| stretch.to > self.at)?;
        let kept = first.from <= self.at;
        let end = if kept { first.to } else { first.from };
        let length = usize::try_from(end - self.at).unwrap_or(usize::MAX).min(length);
        Some(Piece { from: self.at, length, kept })
    }

    /// Fades `levels`, which begin at the tick where the walk is, and goes on behind them.
    pub(super) fn take(&mut self, levels: &mut [StereoLevel]) {
        if let Some(stretch) = self.stretches.front().filter(|stretch| stretch.from <= self.at) {
            for (tick, level) in (self.at..).zip(levels.iter_mut()) {
                let gain = stretch.gain(tick);
                level[0] *= gain;
                level[1] *= gain;
            }
        }
        self.at = self.at.saturating_add(i64::try_from(levels.len()).unwrap_or(i64::MAX));
        while self.stretches.front().is_some_and(|stretch| stretch.to <= self.at) {
            self.stretches.pop_front();
        }
    }
}

impl Stretch {
    /// How loud a tick is: 1 except at a joint.
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "at most the ticks of a fade")]
    fn gain(&self, tick: i64) -> f32 {
        let after = if self.fades_in { tick - self.from } else { FADE };
        let before = if self.fades_out { self.to - 1 - tick } else { FADE };
        after.min(before).clamp(0, FADE) as f32 / FADE as f32
    }
}
