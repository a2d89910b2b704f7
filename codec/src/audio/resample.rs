//! From the rate of a stream to the rate of the track.

use super::pcm::StereoSample;
use super::ticks::{TRACK_RATE_HZ, from_samples};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler as _};
use std::collections::VecDeque;

/// Left and right in the range -1 to 1.
pub(super) type StereoLevel = [f32; 2];

/// Samples that are resampled in one go.
const CHUNK: usize = 1024;

/// A run shorter than this is a click whatever is done to it: a filter would cost more than it lasts.
const SHORT: u64 = 256;

/// Resamples one run of sound. What it yields has no delay, and lasts as long as what it was given.
pub(super) struct Resampler {
    rate_hz: u32,
    /// Interleaved input that does not fill a chunk.
    input: Vec<f32>,
    /// Made when the first run needs it.
    filter: Option<Filter>,
    taken: u64,
    yielded: i64,
}

struct Filter {
    fft: Fft<f32>,
    output: Vec<f32>,
    /// Samples of the filter's delay that are still to be left out.
    delay: usize,
}

/// A rate that cannot be resampled; the limits of a stream's format exclude it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sound of {rate_hz} Hz cannot be resampled: {reason}")]
pub struct ResampleError {
    /// The rate.
    pub rate_hz: u32,
    /// What the resampler says.
    pub reason: String,
}

impl Resampler {
    pub(super) fn new(rate_hz: u32) -> Self {
        Self { rate_hz, input: Vec::new(), filter: None, taken: 0, yielded: 0 }
    }

    pub(super) fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Prepares for another run.
    pub(super) fn restart(&mut self) {
        self.taken = 0;
        self.yielded = 0;
        self.input.clear();
        if let Some(filter) = &mut self.filter {
            filter.restart();
        }
    }

    /// Resamples the next samples of the run.
    pub(super) fn push(
        &mut self,
        samples: impl ExactSizeIterator<Item = StereoSample>,
        out: &mut VecDeque<StereoLevel>,
    ) -> Result<(), ResampleError> {
        self.taken += u64::try_from(samples.len()).expect("a buffer's length fits 64 bits");
        if self.rate_hz == TRACK_RATE_HZ {
            self.yielded += i64::try_from(samples.len()).expect("a buffer's length fits 63 bits");
            out.extend(samples.map(|moment| moment.map(level)));
            return Ok(());
        }
        for moment in samples {
            self.input.extend(moment.map(level));
            if self.input.len() == 2 * CHUNK {
                self.run(out)?;
            }
        }
        Ok(())
    }

    /// Ends the run: yields what the filter still holds, to the last sample and not more.
    pub(super) fn finish(&mut self, out: &mut VecDeque<StereoLevel>) -> Result<(), ResampleError> {
        let whole = from_samples(self.taken, self.rate_hz);
        if self.taken < SHORT && self.yielded < whole {
            self.hold(whole, out);
        }
        while self.yielded < whole {
            self.run(out)?;
        }
        let excess = usize::try_from(self.yielded - whole).unwrap_or(0);
        out.truncate(out.len() - excess.min(out.len()));
        self.yielded = whole;
        Ok(())
    }

    /// Filters one chunk; what is missing of it is silence.
    fn run(&mut self, out: &mut VecDeque<StereoLevel>) -> Result<(), ResampleError> {
        let filter = match self.filter.take() {
            Some(filter) => filter,
            None => Filter::new(self.rate_hz)?,
        };
        let filter = self.filter.insert(filter);
        let before = out.len();
        self.input.resize(2 * CHUNK, 0.0);
        filter.run(&self.input, out).map_err(|reason| failed(self.rate_hz, &reason))?;
        self.input.clear();
        self.yielded += i64::try_from(out.len() - before).expect("a buffer's length fits 63 bits");
        Ok(())
    }

    /// Yields a run that is too short for the filter, each sample until the next.
    fn hold(&mut self, whole: i64, out: &mut VecDeque<StereoLevel>) {
        let (moments, _) = self.input.as_chunks::<2>();
        for tick in self.yielded..whole {
            let index = usize::try_from(tick * i64::from(self.rate_hz) / i64::from(TRACK_RATE_HZ));
            out.push_back(index.ok().and_then(|index| moments.get(index)).copied().unwrap_or_default());
        }
        self.input.clear();
        self.yielded = whole;
    }
}

impl Filter {
    fn new(rate_hz: u32) -> Result<Self, ResampleError> {
        let [from, to] = [rate_hz, TRACK_RATE_HZ].map(|rate| usize::try_from(rate).expect("a rate fits"));
        let fft = Fft::new(from, to, CHUNK, 2, FixedSync::Input).map_err(|error| failed(rate_hz, &error))?;
        let output = vec![0.0; 2 * fft.output_frames_max()];
        let delay = fft.output_delay();
        Ok(Self { fft, output, delay })
    }

    fn restart(&mut self) {
        self.fft.reset();
        self.delay = self.fft.output_delay();
    }

    /// Filters one chunk of interleaved input.
    fn run(&mut self, input: &[f32], out: &mut VecDeque<StereoLevel>) -> Result<(), rubato::ResampleError> {
        let room = self.output.len() / 2;
        let input = InterleavedSlice::new(input, 2, CHUNK).expect("the input is a chunk");
        let mut output =
            InterleavedSlice::new_mut(&mut self.output, 2, room).expect("the output holds its room");
        let (_, yielded) = self.fft.process_into_buffer(&input, &mut output, None::<&Indexing>)?;
        let skipped = self.delay.min(yielded);
        self.delay -= skipped;
        let (moments, _) = self.output.as_chunks::<2>();
        out.extend(moments.iter().take(yielded).skip(skipped));
        Ok(())
    }
}

fn failed(rate_hz: u32, reason: &impl ToString) -> ResampleError {
    ResampleError { rate_hz, reason: reason.to_string() }
}

fn level(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::as_conversions, reason = "a test tone needs no exact rounding")]
    fn tone(rate_hz: u32, hertz: f64, samples: usize) -> Vec<f64> {
        (0..samples)
            .map(|index| (index as f64 / f64::from(rate_hz) * hertz * std::f64::consts::TAU).sin() * 0.5)
            .collect()
    }

    #[expect(clippy::as_conversions, reason = "a test tone needs no exact rounding")]
    fn resample(rate_hz: u32, tone: &[f64], piece: usize) -> Vec<StereoLevel> {
        let samples: Vec<StereoSample> =
            tone.iter().map(|level| [(level * 32_768.0) as i16, (level * -16_384.0) as i16]).collect();
        let mut resampler = Resampler::new(rate_hz);
        let mut out = VecDeque::new();
        for piece in samples.chunks(piece) {
            resampler.push(piece.iter().copied(), &mut out).expect("resampled");
        }
        resampler.finish(&mut out).expect("resampled");
        out.into()
    }

    #[test]
    fn a_run_keeps_its_length_to_the_sample() {
        for rate_hz in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000] {
            for samples in [1, 2, 146, 147, 255, 256, 1_023, 1_024, 1_025, 6_615, 50_001] {
                let resampled = resample(rate_hz, &vec![0.0; samples], 777);
                let expected = from_samples(u64::try_from(samples).expect("small"), rate_hz);
                assert_eq!(i64::try_from(resampled.len()), Ok(expected), "{samples} samples at {rate_hz} Hz");
            }
        }
    }

    #[test]
    fn a_tone_keeps_its_phase_its_level_and_its_sides() {
        for rate_hz in [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000] {
            let seconds = usize::try_from(rate_hz).expect("small");
            let resampled = resample(rate_hz, &tone(rate_hz, 1_000.0, seconds), 777);
            let ideal = tone(TRACK_RATE_HZ, 1_000.0, resampled.len());
            // The filter rings where the tone begins and ends.
            for index in 4_000..resampled.len() - 4_000 {
                let [left, right] = resampled[index].map(f64::from);
                let error = (left - ideal[index]).abs().max((right + ideal[index] / 2.0).abs());
                assert!(error < 0.002, "{rate_hz} Hz: sample {index} is off by {error}");
            }
        }
    }
}
