//! The sound of one stream, on its way to the mix.

use super::pcm::StereoSample;
use super::place::Directive;
use super::resample::{ResampleError, Resampler, StereoLevel};
use std::collections::VecDeque;

/// Samples that are resampled before the mix asks for them.
const STEP: u64 = 1024;

/// Samples that wait for their directives, and the run that is being heard.
#[derive(Default)]
pub(super) struct Voice {
    samples: VecDeque<StereoSample>,
    directives: VecDeque<Directive>,
    /// The resampler of the run that is being heard, or of the last one.
    resampler: Option<Resampler>,
    /// Whether that run goes on.
    sounding: bool,
    /// What comes next, from the tick `at` on.
    ready: VecDeque<StereoLevel>,
    at: i64,
}

impl Voice {
    pub(super) fn push(&mut self, samples: &[StereoSample]) {
        self.samples.extend(samples);
    }

    pub(super) fn direct(&mut self, directive: Directive) {
        self.directives.push_back(directive);
    }

    /// Whether nothing is left of it.
    pub(super) fn is_over(&self) -> bool {
        self.samples.is_empty() && self.directives.is_empty() && self.ready.is_empty() && !self.sounding
    }

    /// Memory of its samples, in bytes.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.samples.len() * size_of::<StereoSample>() + self.ready.len() * size_of::<StereoLevel>()
    }

    /// Adds what is heard from the tick `from` on to `mix`; says whether that was anything.
    pub(super) fn add_to(&mut self, mix: &mut [StereoLevel], from: i64) -> Result<bool, ResampleError> {
        let length = i64::try_from(mix.len()).expect("a frame's length fits 63 bits");
        let mut heard = false;
        while self.at < from + length {
            if self.ready.is_empty() {
                if !self.prepare()? {
                    break;
                }
                continue;
            }
            let skip = usize::try_from(from - self.at).unwrap_or(0).min(self.ready.len());
            self.ready.drain(..skip);
            self.at += i64::try_from(skip).expect("a buffer's length fits 63 bits");
            let Ok(offset) = usize::try_from(self.at - from) else { continue };
            let count = self.ready.len().min(mix.len().saturating_sub(offset));
            for (sum, level) in mix[offset..].iter_mut().zip(self.ready.drain(..count)) {
                sum[0] += level[0];
                sum[1] += level[1];
            }
            self.at += i64::try_from(count).expect("a buffer's length fits 63 bits");
            heard |= count > 0;
        }
        Ok(heard)
    }

    /// Follows the next directive; `false` if there is nothing more to be heard for now.
    fn prepare(&mut self) -> Result<bool, ResampleError> {
        match self.directives.pop_front() {
            Some(Directive::Play(samples)) => self.play(samples)?,
            Some(Directive::Drop(samples)) => {
                let count = self.available(samples);
                self.samples.drain(..count);
            }
            Some(start @ Directive::Start { .. }) if self.sounding => {
                self.directives.push_front(start);
                self.end_run()?;
            }
            Some(Directive::Start { at, rate_hz }) => {
                self.resampler = match self.resampler.take() {
                    Some(resampler) if resampler.rate_hz() == rate_hz => Some(resampler),
                    _ => Some(Resampler::new(rate_hz)),
                };
                self.at = at;
            }
            None if self.sounding => self.end_run()?,
            None => return Ok(false),
        }
        Ok(true)
    }

    fn play(&mut self, samples: u64) -> Result<(), ResampleError> {
        let count = self.available(samples.min(STEP));
        let Some(resampler) = &mut self.resampler else { return Ok(()) };
        if !self.sounding {
            resampler.restart();
            self.sounding = true;
        }
        resampler.push(self.samples.drain(..count), &mut self.ready)?;
        if samples > STEP && count > 0 {
            self.directives.push_front(Directive::Play(samples - STEP));
        }
        Ok(())
    }

    fn end_run(&mut self) -> Result<(), ResampleError> {
        self.sounding = false;
        match &mut self.resampler {
            Some(resampler) => resampler.finish(&mut self.ready),
            None => Ok(()),
        }
    }

    fn available(&self, samples: u64) -> usize {
        usize::try_from(samples).unwrap_or(usize::MAX).min(self.samples.len())
    }
}
