//! When something can be heard.

use super::pcm::StereoSample;
use super::place::Directive;
use super::ticks::{from_samples, to_ms_ceil};
use std::collections::{BTreeMap, VecDeque};

/// Samples up to this are silence: RDP streams it for as long as a session lasts. It is 72 dB below the loudest.
const QUIET_PEAK: u16 = 8;
/// Most changes between sound and silence of one stream that wait for their place; more of them count as sound.
const CHANGES_MAX: usize = 4096;

/// Follows which pieces of sound are not silent, and where they are placed.
#[derive(Debug, Default)]
pub(super) struct Audible {
    streams: BTreeMap<i32, Waiting>,
    spans_ms: Vec<(i64, i64)>,
}

/// The samples of one stream that no directive has dealt with.
#[derive(Debug, Default)]
struct Waiting {
    /// How many follow one another, and whether they can be heard.
    parts: VecDeque<(u64, bool)>,
    start: i64,
    rate_hz: u32,
    /// Samples since `start`.
    played: u64,
}

impl Audible {
    /// Samples of a stream came.
    pub(super) fn piece(&mut self, index: i32, samples: &[StereoSample]) {
        let count = u64::try_from(samples.len()).expect("a buffer's length fits 64 bits");
        let is_audible = samples.iter().flatten().any(|sample| sample.unsigned_abs() > QUIET_PEAK);
        let parts = &mut self.streams.entry(index).or_default().parts;
        let is_full = parts.len() >= CHANGES_MAX;
        match parts.back_mut() {
            Some((last, audible)) if *audible == is_audible || is_full => {
                *last += count;
                *audible |= is_audible;
            }
            Some(_) | None => parts.push_back((count, is_audible)),
        }
    }

    /// Samples of a stream are placed or left out.
    pub(super) fn follow(&mut self, index: i32, directive: Directive) {
        let Some(waiting) = self.streams.get_mut(&index) else { return };
        match directive {
            Directive::Start { at, rate_hz } => {
                waiting.start = at;
                waiting.rate_hz = rate_hz;
                waiting.played = 0;
            }
            Directive::Play(samples) => {
                for (count, is_audible) in waiting.take(samples) {
                    let from = waiting.at();
                    waiting.played += count;
                    if is_audible {
                        let floor = |ticks: i64| -to_ms_ceil(ticks.saturating_neg());
                        self.spans_ms.push((floor(from), to_ms_ceil(waiting.at())));
                    }
                }
            }
            Directive::Drop(samples) => drop(waiting.take(samples)),
        }
    }

    /// What can be heard since the last call: from and to, in milliseconds of media time.
    pub(super) fn take(&mut self) -> Vec<(i64, i64)> {
        std::mem::take(&mut self.spans_ms)
    }
}

impl Waiting {
    fn at(&self) -> i64 {
        self.start.saturating_add(from_samples(self.played, self.rate_hz))
    }

    /// The next samples.
    fn take(&mut self, mut samples: u64) -> Vec<(u64, bool)> {
        let mut taken = Vec::new();
        while let Some((count, is_audible)) = self.parts.front_mut().filter(|_| samples > 0) {
            let part = samples.min(*count);
            taken.push((part, *is_audible));
            samples -= part;
            *count -= part;
            if *count == 0 {
                self.parts.pop_front();
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_loud_enough_is_heard_where_it_is_placed() {
        let mut audible = Audible::default();
        audible.piece(1, &[[0, 8]; 480]);
        audible.piece(1, &[[0, -9]; 480]);
        audible.piece(1, &[[0, 9]; 480]);
        audible.piece(1, &[[0, 0]; 480]);
        audible.piece(2, &[[400, 0]; 80]);
        audible.follow(1, Directive::Start { at: 4_800, rate_hz: 48_000 });
        audible.follow(1, Directive::Drop(240));
        audible.follow(1, Directive::Play(480));
        audible.follow(1, Directive::Play(1_200));
        audible.follow(2, Directive::Start { at: 24, rate_hz: 8_000 });
        audible.follow(2, Directive::Play(80));
        audible.follow(3, Directive::Play(80));
        assert_eq!(audible.take(), [(105, 110), (110, 125), (0, 11)]);
        assert_eq!(audible.take(), []);
    }
}
