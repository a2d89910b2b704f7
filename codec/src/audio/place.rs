//! Where the sound of one stream lies on the media timeline.
//!
//! PCM carries no time, and guacd leaves silence out. What is known is between which timestamps of the recording
//! each blob stands. A stream is cut into runs: sound that was written without a pause. A pause shows when sound
//! arrives later than the run's own length explains. Each run is placed as one piece, so that speech or music
//! within it never stutters; runs of one stream never overlap.

use super::evidence::{ARRIVALS, Arrival, Evidence, SEAM};
use super::ticks::{from_ms, from_samples, to_samples};
use std::collections::VecDeque;

/// How far before its arrival sound may be placed; a longer backlog is placed later than it was heard.
pub(super) const REACH_BACK: i64 = from_ms(10_000);
/// A run is placed no later than this after its first timestamp; what comes after follows it.
const LOOK_AHEAD: i64 = from_ms(4_000);
/// A steady stream that drifts away from its arrivals by more than this is set right.
const DRIFT: i64 = from_ms(45);
/// More runs than these are not kept waiting for the next timestamp.
const WAITING_RUNS: usize = 64;
/// What a run costs in memory besides its samples, in bytes.
const RUN_BYTES: usize = size_of::<Run>() + ARRIVALS * size_of::<i64>();
/// What a start costs until it is heard, in bytes: its directives here and in the voice.
const START_BYTES: usize = 4 * size_of::<Directive>();

/// What to do with the samples of a stream, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    /// The next sample is heard at the tick `at`.
    Start {
        /// Media time in ticks.
        at: i64,
        /// The rate of the samples that follow.
        rate_hz: u32,
    },
    /// These samples follow without a gap.
    Play(u64),
    /// These samples are left out.
    Drop(u64),
}

/// The placement of one stream: samples and timestamps in, directives out. Samples are only counted here.
#[derive(Debug, Default)]
pub(super) struct Placement {
    /// Those before the last have ended; those before the last with a start are handed out.
    runs: VecDeque<Run>,
    /// The tick after the last sample that was handed out.
    end: i64,
    /// The rate of the samples before `end`, and the highest of all.
    end_rate_hz: u32,
    highest_rate_hz: u32,
    /// The starts that may not be heard yet.
    starts: VecDeque<i64>,
    directives: VecDeque<Directive>,
}

#[derive(Debug)]
struct Run {
    rate_hz: u32,
    /// Samples that came.
    samples: u64,
    /// Samples that were handed out.
    done: u64,
    /// Where its first sample lies, once that is decided.
    start: Option<i64>,
    /// Nothing is placed before this tick.
    floor: i64,
    /// The sample that came first after the latest timestamp.
    open: Option<u64>,
    /// No more samples will come.
    ended: bool,
    evidence: Evidence,
}

impl Run {
    fn new(rate_hz: u32, now: i64) -> Self {
        Self {
            rate_hz,
            samples: 0,
            done: 0,
            start: None,
            floor: now - REACH_BACK,
            open: None,
            ended: false,
            evidence: Evidence::new(now),
        }
    }

    /// What arrived since the timestamp `previous`.
    fn arrival(&self, open: u64, previous: i64, next: Option<i64>, after: i64) -> Arrival {
        let begin = from_samples(open, self.rate_hz);
        Arrival { previous, next, begin, end: from_samples(self.samples, self.rate_hz), after }
    }

    fn is_late(&self, arrival: &Arrival) -> bool {
        match self.start {
            Some(start) => self.evidence.is_late(arrival, start),
            None => self.evidence.is_known() && self.evidence.is_late(arrival, self.evidence.start()),
        }
    }

    /// Makes the samples from `open` on a run of their own.
    fn split_off(&mut self, open: u64, previous: i64) -> Self {
        let mut rest = Self::new(self.rate_hz, previous);
        rest.samples = self.samples - open;
        rest.ended = self.ended;
        self.samples = open;
        self.ended = true;
        rest
    }

    fn may_start(&self, now: i64) -> bool {
        self.start.is_some()
            || self.ended
            || self.evidence.steady_start().is_some()
            || self.evidence.since().is_some_and(|since| now - since >= LOOK_AHEAD)
    }

    fn position(&self, start: i64) -> i64 {
        start.saturating_add(from_samples(self.done, self.rate_hz))
    }
}

impl Placement {
    /// Takes `samples` that arrived after the timestamp `now`. Nothing is placed before `frontier`.
    pub(super) fn piece(&mut self, samples: u64, rate_hz: u32, now: i64, frontier: i64) {
        self.highest_rate_hz = self.highest_rate_hz.max(rate_hz);
        let continues = self.runs.back().is_some_and(|run| !run.ended && run.rate_hz == rate_hz);
        if !continues {
            self.close();
            if self.runs.len() == WAITING_RUNS {
                self.flush(now, frontier, false);
            }
            self.runs.push_back(Run::new(rate_hz, now));
        }
        if let Some(run) = self.runs.back_mut() {
            run.open.get_or_insert(run.samples);
            run.samples = run.samples.saturating_add(samples);
        }
    }

    /// The stream ended, or changes its format.
    pub(super) fn close(&mut self) {
        if let Some(run) = self.runs.back_mut() {
            run.ended = true;
        }
    }

    /// A timestamp: `next` is the first one after `previous`. Nothing is placed before `frontier`.
    pub(super) fn timestamp(&mut self, previous: i64, next: i64, frontier: i64) {
        self.observe(previous, Some(next));
        while let Some(run) = self.runs.front()
            && run.may_start(next)
        {
            let ended = run.ended;
            self.settle_first(frontier);
            if !ended {
                break;
            }
            self.runs.pop_front();
        }
    }

    /// Hands out all there is; the last timestamp was `now`. With `done`, no other samples will come.
    pub(super) fn flush(&mut self, now: i64, frontier: i64, done: bool) {
        if done {
            self.observe(now, None);
            self.close();
        }
        while let Some(run) = self.runs.front() {
            let ended = run.ended;
            self.settle_first(frontier);
            if !ended {
                break;
            }
            self.runs.pop_front();
        }
    }

    /// The directives so far, each once.
    pub(super) fn next_directive(&mut self) -> Option<Directive> {
        self.directives.pop_front()
    }

    /// The tick after the last sample that was placed; 0 if none was.
    pub(super) fn end(&self) -> i64 {
        self.end
    }

    /// The earliest tick at which samples that wait can still be placed.
    pub(super) fn floor(&self) -> Option<i64> {
        let waiting = self.runs.iter().find(|run| run.done < run.samples)?;
        Some(waiting.floor.max(self.end))
    }

    /// The highest tick that samples which came may reach, if they follow the timestamp `now`.
    pub(super) fn reach(&self, now: i64) -> i64 {
        self.runs.iter().fold(self.end.max(now), |reach, run| {
            reach.saturating_add(from_samples(run.samples - run.done, run.rate_hz))
        })
    }

    /// Whether all was handed out and is heard before `frontier`.
    pub(super) fn is_over(&self, frontier: i64) -> bool {
        self.end < frontier
            && self.directives.is_empty()
            && self.runs.iter().all(|run| run.done == run.samples && run.open.is_none())
    }

    /// Memory of what waits here and of what lies beyond `frontier`, in bytes of stereo samples at most.
    pub(super) fn held_bytes(&mut self, frontier: i64) -> usize {
        while self.starts.front().is_some_and(|start| *start < frontier) {
            self.starts.pop_front();
        }
        let waiting: u64 = self.runs.iter().map(|run| run.samples - run.done).sum();
        let samples = waiting.saturating_add(to_samples(self.end - frontier, self.highest_rate_hz));
        let bytes = usize::try_from(samples.saturating_mul(4)).unwrap_or(usize::MAX);
        bytes.saturating_add(self.runs.len() * RUN_BYTES + self.starts.len() * START_BYTES)
    }

    /// Notes what arrived between two timestamps, and cuts runs where the source paused.
    fn observe(&mut self, previous: i64, next: Option<i64>) {
        let mut after = 0;
        for index in (0..self.runs.len()).rev() {
            let run = &mut self.runs[index];
            let Some(open) = run.open.take() else { continue };
            let arrival = run.arrival(open, previous, next, after);
            after += arrival.end - arrival.begin;
            if open > 0 && run.done <= open && run.is_late(&arrival) {
                let mut rest = run.split_off(open, previous);
                let shifted = Arrival { begin: 0, end: arrival.end - arrival.begin, ..arrival };
                rest.evidence.observe(&shifted);
                self.runs.insert(index + 1, rest);
            } else {
                run.evidence.observe(&arrival);
            }
        }
    }

    /// Hands out what waits of the first run, and decides its start if that is still open.
    fn settle_first(&mut self, frontier: i64) {
        let Some(mut run) = self.runs.pop_front() else { return };
        if run.done < run.samples {
            let start = match run.start {
                Some(start) => self.follow(&mut run, start, frontier),
                None => self.begin(&mut run, self.end.max(frontier).max(0)),
            };
            run.start = Some(start);
            self.play(&mut run, start);
        }
        self.runs.push_front(run);
    }

    /// Places the first sample of a run, and says where it lies.
    fn begin(&mut self, run: &mut Run, floor: i64) -> i64 {
        let start = run.evidence.start();
        let missing = floor - start;
        if missing > SEAM && !run.ended {
            // More of it follows in its own time: what would be heard too late is left out.
            self.start(floor, run.rate_hz);
            return floor - from_samples(self.drop(run, missing), run.rate_hz);
        }
        let joins = self.end > 0 && self.end == floor && (0..=SEAM).contains(&(start - self.end));
        let at = if joins { self.end } else { start.max(floor) };
        self.start(at, run.rate_hz);
        at
    }

    /// Places what follows in a run that began at `start`, and says where its first sample would lie from now on.
    fn follow(&mut self, run: &mut Run, start: i64, frontier: i64) -> i64 {
        let steady = run.evidence.steady_start().filter(|steady| (steady - start).abs() > DRIFT);
        let wanted = steady.unwrap_or(start).max(start.saturating_add(frontier - run.position(start)));
        if wanted > start {
            self.start(run.position(wanted), run.rate_hz);
            wanted
        } else if wanted < start {
            start - from_samples(self.drop(run, start - wanted), run.rate_hz)
        } else {
            start
        }
    }

    fn start(&mut self, at: i64, rate_hz: u32) {
        // Sound that follows without a gap goes through the same resampler.
        if at != self.end || rate_hz != self.end_rate_hz {
            self.directives.push_back(Directive::Start { at, rate_hz });
            self.starts.push_back(at);
        }
    }

    /// Leaves out the next samples, at most `ticks` of them.
    fn drop(&mut self, run: &mut Run, ticks: i64) -> u64 {
        let dropped = to_samples(ticks, run.rate_hz).min(run.samples - run.done);
        self.directives.push_back(Directive::Drop(dropped));
        run.done += dropped;
        dropped
    }

    /// Hands out the samples that wait.
    fn play(&mut self, run: &mut Run, start: i64) {
        let samples = run.samples - run.done;
        if samples == 0 {
            return;
        }
        if let Some(Directive::Play(more)) = self.directives.back_mut() {
            *more = more.saturating_add(samples);
        } else {
            self.directives.push_back(Directive::Play(samples));
        }
        run.done = run.samples;
        self.end = self.end.max(run.position(start));
        self.end_rate_hz = run.rate_hz;
    }
}

#[cfg(test)]
mod tests;
