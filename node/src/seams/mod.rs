//! What the API asks of those who know formats.

mod codec_media;
mod frame_pool;
mod growing_views;
mod intake;
mod join_pool;
mod newest;
mod sound_pool;
mod survey_pool;
mod view_pool;

pub(crate) use codec_media::CodecMedia;
pub(crate) use intake::FormatIntake;
