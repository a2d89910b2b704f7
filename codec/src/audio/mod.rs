//! The sound of a recording: found among its streams, placed on the media timeline, mixed, and encoded as one
//! Opus track that a video file carries beside its picture.
//!
//! The data's way: `streams` tells sound from images and clipboards and decodes its samples; `place` decides
//! from the timestamps around them when they are heard; `voice` resamples and mixes what is due; `opus` encodes
//! it. A [`SoundTrack`] drives them all; a [`SoundSurvey`] stops after the second.
//!
//! Sound that cannot be understood is left out and counted in a [`SoundReport`], never an error.

mod audible;
mod coder;
mod evidence;
mod format;
mod opus;
mod pcm;
mod place;
mod report;
mod resample;
mod schedule;
mod side_car;
mod splice;
mod streams;
mod survey;
mod ticks;
mod track;
mod voice;

pub use coder::{SoundCoder, SoundCoderError};
pub use format::{FormatError, SampleCoding, SoundFormat};
pub use report::SoundReport;
pub use resample::ResampleError;
pub use side_car::{SideCar, SideCarError, SideCarSurvey, SoundSource};
pub use survey::SoundSurvey;
pub use track::{SoundError, SoundHead, SoundPacket, SoundSettings, SoundTrack};
