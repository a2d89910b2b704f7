//! Coded packets to a file that every player reads.
//!
//! A file is laid out before one packet is copied: the tables need only the length and the duration of each
//! packet. [`Mp4::lay_out`] returns the file's head, and [`Mp4::chunks`] says which packets follow it, in order.
//! The caller writes the head and appends the packets; nothing is written twice, nothing is sought.
//!
//! This module never holds a packet, never reads a clock and never writes: the same tables give the same bytes.

mod chunks;
mod mp4;
mod sequence_header;
mod sound_track;
mod temporal_unit;
mod text_track;
mod tracks;
mod video_track;

pub use chunks::{Chunk, Chunks, Track};
pub use mp4::{Metadata, Mp4, Mp4Error};
pub use sequence_header::{SequenceHeader, SequenceHeaderError};
pub use sound_track::{Channels, SoundPacket, SoundTrack};
pub use temporal_unit::{TemporalUnit, TemporalUnitError};
pub use text_track::{Cue, TextTrack, Texts};
pub use tracks::Tracks;
pub use video_track::{VideoSample, VideoTrack};
