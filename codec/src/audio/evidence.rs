//! What the timestamps around a run of sound say about where it began.

use super::ticks::from_ms;
use std::collections::VecDeque;

/// The longest that guacd keeps sound before it writes it: its VNC encoder gathers 250 ms.
const BUFFERED: i64 = from_ms(250);
/// An arrival that is known to this precision counts as the end of the sound that arrived. Screens in motion
/// bring a timestamp at least as often.
const TIMELY: i64 = from_ms(120);
/// Sound that comes later than this was not written in one go with what stands before it.
const LATE: i64 = from_ms(80);
/// A pause shorter than this is jitter, and would be heard as a click.
pub(super) const SEAM: i64 = from_ms(45);
/// Sound over a still picture mostly follows what changed the picture last, such as a key, within this time.
const PROMPT: i64 = from_ms(500);
/// So many timely arrivals tell the delay of a stream from its jitter.
const STEADY_ARRIVALS: usize = 8;
/// No more arrivals than these are looked at; at 20 frames a second they span some three seconds.
pub(super) const ARRIVALS: usize = 64;

/// Sound that arrived between two timestamps. All in ticks; `begin` and `end` count from the start of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    /// The timestamp before the first blob.
    pub(super) previous: i64,
    /// The timestamp after the last blob; `None` at the end of the recording.
    pub(super) next: Option<i64>,
    /// How much of the run came before.
    pub(super) begin: i64,
    /// How much of the run came up to `next`.
    pub(super) end: i64,
    /// How much sound of the same stream, but of later runs, arrived before `next` as well.
    pub(super) after: i64,
}

impl Arrival {
    /// The earliest start of a run whose sound waited as long as guacd ever lets it.
    fn waited_start(&self) -> i64 {
        self.previous - self.begin - BUFFERED
    }

    /// The earliest start of a run whose sound was written when it ended.
    fn prompt_start(&self) -> i64 {
        self.waited_start().max(self.previous - self.end)
    }

    /// The latest start: sound is never written before it was heard.
    fn latest_start(&self) -> Option<i64> {
        Some(self.next? - self.end - self.after)
    }

    /// The latest start, if sound filled the time between the timestamps so well that there is no other.
    fn timely_start(&self) -> Option<i64> {
        let slack = (self.next? - self.previous) - (self.end - self.begin);
        self.latest_start().filter(|_| slack <= TIMELY)
    }

    /// More sound than time: a backlog, which tells nothing but that it is one.
    fn is_backlog(&self) -> bool {
        self.latest_start().is_some_and(|latest| latest < self.waited_start())
    }
}

/// What is known about the start of a run.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    /// The starts that the last timely arrivals mean.
    timely: VecDeque<i64>,
    /// The bounds that the other arrivals leave.
    earliest: i64,
    latest: Option<i64>,
    /// The timestamp before the first sound.
    opened: i64,
    /// The start if nothing is known.
    fallback: i64,
    /// The first timestamp after the first sound.
    since: Option<i64>,
}

impl Evidence {
    /// Begins with a run whose first sound came after the timestamp `previous`.
    pub(super) fn new(previous: i64) -> Self {
        Self {
            timely: VecDeque::new(),
            earliest: i64::MIN,
            latest: None,
            opened: previous,
            fallback: previous,
            since: None,
        }
    }

    /// Takes note of an arrival.
    pub(super) fn observe(&mut self, arrival: &Arrival) {
        let Some(latest) = arrival.latest_start() else { return };
        if self.since.is_none() {
            self.since = arrival.next;
        }
        if arrival.is_backlog() {
            self.fallback = self.fallback.min(arrival.waited_start());
        } else if let Some(start) = arrival.timely_start() {
            if self.timely.len() == ARRIVALS {
                self.timely.pop_front();
            }
            self.timely.push_back(start);
        } else {
            self.earliest = self.earliest.max(arrival.prompt_start());
            self.latest = Some(self.latest.map_or(latest, |known| known.min(latest)));
        }
    }

    /// Whether this arrival cannot continue a run that began at `start`: the source was silent in between, and
    /// silence is not recorded. A steady stream may be as late as it was before.
    pub(super) fn is_late(&self, arrival: &Arrival, start: i64) -> bool {
        let came = match arrival.next {
            Some(_) => arrival.timely_start().unwrap_or_else(|| arrival.prompt_start()),
            None => arrival.waited_start(),
        };
        let steady = self.timely.len() >= STEADY_ARRIVALS;
        let latest = self.timely.iter().max().filter(|_| steady).map_or(start, |latest| latest + SEAM);
        came > latest.max(start + LATE)
    }

    /// Where the run most likely began.
    ///
    /// Few timely arrivals bound it: the last sample ends at the timestamp after the last blob, or before. Many
    /// of them scatter around the delay of the stream, whose middle is the better guess. With none the middle
    /// of what the bounds leave errs least, unless that is long after the picture changed.
    pub(super) fn start(&self) -> i64 {
        if let Some(start) = self.middle().filter(|_| self.timely.len() >= STEADY_ARRIVALS) {
            return start;
        }
        if let Some(&start) = self.timely.iter().min() {
            return start;
        }
        match self.latest {
            Some(latest) => {
                let middle = latest - (latest.saturating_sub(self.earliest) - TIMELY).max(0) / 2;
                middle.min(self.earliest.max(self.opened + PROMPT))
            }
            None => self.fallback,
        }
    }

    /// The start that a full set of arrivals agrees on.
    pub(super) fn steady_start(&self) -> Option<i64> {
        self.middle().filter(|_| self.timely.len() == ARRIVALS)
    }

    /// Whether any timestamp after the first sound is known.
    pub(super) fn is_known(&self) -> bool {
        self.since.is_some()
    }

    /// The first timestamp after the first sound.
    pub(super) fn since(&self) -> Option<i64> {
        self.since
    }

    /// The mean of the middle half: like a median no stray arrival moves it, and it does not jump when arrivals
    /// and timestamps beat at the same rate.
    fn middle(&self) -> Option<i64> {
        let mut sorted: Vec<i64> = self.timely.iter().copied().collect();
        sorted.sort_unstable();
        let quarter = sorted.len() / 4;
        let half = sorted.get(quarter..sorted.len() - quarter)?;
        let (&origin, count) = (half.first()?, i64::try_from(half.len()).ok()?);
        Some(origin + half.iter().map(|start| start - origin).sum::<i64>() / count)
    }
}
