//! What the API asks of those who know formats.

mod intake;
mod media;

pub(crate) use intake::FormatIntake;
pub(crate) use media::FramePool;
