//! Sound beside a recording: a file of its own that is heard with it, such as a commentary or the sound of the room.
//!
//! The data's way: `source` bounds what is read of the file; `decoder` takes it apart and decodes it, with `edits`
//! where an MP4 says what of it is played, `ogg` for what follows in a file of Ogg, and `opus` for Opus; a [`SideCar`] places the samples and hands them to the
//! mix that the recording's own streams use. A [`SideCarSurvey`] only tells where it is heard.
//!
//! A file that is no sound is refused; one that is damaged is heard up to the damage.

mod decoder;
mod edits;
mod error;
mod ogg;
mod opus;
mod packets;
mod source;
mod survey;

use crate::limits::Limits;
use decoder::Decoder;
pub use error::SideCarError;
pub use source::SoundSource;
pub use survey::SideCarSurvey;

use super::opus::FRAME;
use super::pcm::StereoSample;
use super::place::Directive;
use super::resample::{ResampleError, StereoLevel};
use super::ticks::{from_ms, from_samples, to_ms_ceil, to_samples};

use super::voice::Voice;

/// What is decoded ahead of the mix, in ticks: more than the resampler holds back.
const AHEAD: i64 = from_ms(1_000);

/// The sound of one file, on its way to the mix. Only about a second of it is held.
pub struct SideCar {
    feed: Feed,
    voice: Voice,
}

impl SideCar {
    /// Opens sound that begins `offset_ms` after media time 0, or before it: then its beginning is not heard.
    pub fn open(source: impl SoundSource, offset_ms: i64, limits: &Limits) -> Result<Self, SideCarError> {
        Ok(Self { feed: Feed::open(source, offset_ms, limits)?, voice: Voice::default() })
    }

    /// Adds what is heard from the tick `from` on to `mix`; says whether that was anything.
    pub(super) fn add_to(&mut self, mix: &mut [StereoLevel], from: i64) -> Result<bool, ResampleError> {
        let length = i64::try_from(mix.len()).expect("a frame's length fits 63 bits");
        while self.feed.end < from.saturating_add(length + AHEAD) {
            let Some(piece) = self.feed.next() else { break };
            if let Some(start) = piece.start() {
                self.voice.direct(start);
            }
            self.voice.push(piece.samples);
            self.voice.direct(piece.play());
        }
        self.voice.add_to(mix, from)
    }

    /// Why some of it cannot be heard, as far as it was read.
    pub fn loss(&self) -> Option<&SideCarError> {
        self.feed.loss.as_ref()
    }

    /// Mixes all of it with nothing, shows the levels, and says where it ends, in milliseconds of media time.
    pub(crate) fn heard_ms(&mut self, show: &mut impl FnMut(f32)) -> i64 {
        let mut from = 0;
        while !self.feed.is_over || from < self.feed.end {
            let mut mix = [[0.0; 2]; FRAME];
            // A rate that cannot be resampled is refused before.
            self.add_to(&mut mix, from).expect("a rate within the limits");
            mix.as_flattened().iter().for_each(|level| show(*level));
            from += i64::try_from(FRAME).expect("a frame's length fits 63 bits");
        }
        to_ms_ceil(self.feed.end).max(0)
    }

    /// Memory of what waits, in bytes.
    #[cfg(test)]
    fn held_bytes(&self) -> usize {
        self.voice.held_bytes()
    }
}

/// The samples of a file in their order, each with its place on the media timeline.
struct Feed {
    decoder: Decoder,
    samples: Vec<StereoSample>,
    /// The rate of the run that goes on; 0 before the first.
    rate_hz: u32,
    /// Where the run began, and its samples.
    run_start: i64,
    run_samples: u64,
    /// The tick after the last sample.
    end: i64,
    /// Nothing is heard from this tick on.
    end_max: i64,
    is_over: bool,
    loss: Option<SideCarError>,
    limit_ms: i64,
}

/// Samples that follow one another.
struct Piece<'a> {
    samples: &'a [StereoSample],
    rate_hz: u32,
    /// Where the first of them lies, if they do not just go on.
    at: Option<i64>,
}

impl Piece<'_> {
    /// What a mix is told before it.
    fn start(&self) -> Option<Directive> {
        self.at.map(|at| Directive::Start { at, rate_hz: self.rate_hz })
    }

    /// What it is told of it.
    fn play(&self) -> Directive {
        Directive::Play(u64::try_from(self.samples.len()).expect("a buffer's length fits 64 bits"))
    }
}

impl Feed {
    fn open(source: impl SoundSource, offset_ms: i64, limits: &Limits) -> Result<Self, SideCarError> {
        let limit_ms = limits.side_car_ms;
        let start = from_ms(offset_ms.clamp(-limit_ms, limit_ms));
        Ok(Self {
            decoder: Decoder::open(source, limits)?,
            samples: Vec::new(),
            rate_hz: 0,
            run_start: start,
            run_samples: 0,
            end: start,
            end_max: start.saturating_add(from_ms(limit_ms)),
            is_over: false,
            loss: None,
            limit_ms,
        })
    }

    /// The next samples that are not before media time 0; `None` at the end.
    fn next(&mut self) -> Option<Piece<'_>> {
        let mut starts = false;
        while !self.is_over {
            match self.decoder.next(&mut self.samples) {
                Ok(Some(chunk)) => starts |= self.place(chunk.rate_hz, chunk.hole_samples),
                Ok(None) => {
                    self.is_over = true;
                    self.loss = self.decoder.take_loss();
                }
                Err(error) => {
                    self.is_over = true;
                    self.loss = Some(error);
                }
            }
            if self.is_over || self.end >= self.end_max {
                break;
            }
            let before = to_samples(-self.end, self.rate_hz);
            let count = u64::try_from(self.samples.len()).expect("a buffer's length fits 64 bits");
            self.run_samples = self.run_samples.saturating_add(count);
            self.end = self.run_start.saturating_add(from_samples(self.run_samples, self.rate_hz));
            // What is cut off at the beginning makes the rest begin anew.
            starts |= before > 0;
            if before < count {
                let first = usize::try_from(before).unwrap_or(usize::MAX);
                let (samples, rate_hz) = (&self.samples[first..], self.rate_hz);
                let done = self.run_samples - count + before;
                let at = starts.then(|| self.run_start.saturating_add(from_samples(done, rate_hz)));
                return Some(Piece { samples, rate_hz, at });
            }
        }
        if !self.is_over {
            self.is_over = true;
            self.loss = Some(SideCarError::TooLong { limit_ms: self.limit_ms });
        }
        None
    }

    /// Follows what comes before samples; whether they do not just go on.
    fn place(&mut self, rate_hz: u32, hole_samples: u64) -> bool {
        if rate_hz == self.rate_hz && hole_samples == 0 {
            return false;
        }
        self.end = self.end.saturating_add(from_samples(hole_samples, rate_hz)).min(self.end_max);
        self.run_start = self.end;
        self.run_samples = 0;
        self.rate_hz = rate_hz;
        true
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
