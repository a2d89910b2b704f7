//! Coded packets to a file that every player reads.
//!
//! A file with its index in front is laid out before one packet is copied: the tables need only the length and the duration of
//! each packet. [`VideoFile::pieces`] says what follows what: bytes of the container, and packets, which the caller appends.
//! A file in fragments grows: [`FragmentedMp4`] takes what is known of packets as they are made, and says of each fragment that is
//! complete what follows what. Nothing is written twice, nothing is sought.
//!
//! This module never holds a packet, never reads a clock and never writes: the same tables give the same bytes.

mod checks;
mod chunks;
mod error;
mod metadata;
mod mp4;
mod sequence_header;
mod sound_track;
mod spans;
mod temporal_unit;
mod text_track;
mod tracks;
mod video_file;
mod video_track;
mod webm;

pub use chunks::{Chunk, Chunks, Track};
pub use error::MuxError;
pub use metadata::Metadata;
pub use mp4::{FragmentedMp4, Mp4, Outline, SoundOutline, VideoSegment};
pub use sequence_header::{SequenceHeader, SequenceHeaderError};
pub use sound_track::{Channels, SoundPacket, SoundTrack};
pub use temporal_unit::{TemporalUnit, TemporalUnitError};
pub use text_track::{Cue, TextTrack, Texts};
pub use tracks::Tracks;
pub use video_file::{Container, Indexed, Piece, VideoFile};
pub use video_track::{VideoSample, VideoTrack};
pub use webm::Webm;
