//! What the API asks of those who know formats.

mod codec_media;
mod frame_pool;
mod intake;
mod view_pool;

pub(crate) use codec_media::CodecMedia;
pub(crate) use intake::FormatIntake;
