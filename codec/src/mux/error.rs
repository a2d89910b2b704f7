//! Why tracks are no file.

use thiserror::Error;

use super::Track;
#[cfg(doc)]
use super::{Metadata, SoundTrack, Tracks};

/// Why no file can be laid out.
#[derive(Debug, Clone, Error)]
pub enum MuxError {
    /// A track without packets.
    #[error("the {track:?} track is empty, expected at least one packet")]
    NoPackets {
        /// Which track.
        track: Track,
    },
    /// More packets than tables are made for.
    #[error("the {track:?} track has {actual} packets, expected at most {limit}")]
    TooManyPackets {
        /// Which track.
        track: Track,
        /// How many it has.
        actual: usize,
        /// [`Tracks::MAX_PACKETS`].
        limit: usize,
    },
    /// A packet without bytes.
    #[error("packet {index} of the {track:?} track is empty")]
    EmptyPacket {
        /// Which track.
        track: Track,
        /// Which packet.
        index: usize,
    },
    /// A packet that nobody sees or hears.
    #[error("packet {index} of the {track:?} track lasts no time")]
    NoDuration {
        /// Which track.
        track: Track,
        /// Which packet.
        index: usize,
    },
    /// A packet that is no Opus packet.
    #[error("sound packet {index} has {actual} samples, expected at most {limit}")]
    SoundPacketTooLong {
        /// Which packet.
        index: usize,
        /// What it decodes to.
        actual: u16,
        /// [`SoundTrack::MAX_PACKET_SAMPLES`].
        limit: u16,
    },
    /// Nothing of the sound is heard: it plays for 0 ms, or ends within the pre-skip.
    #[error("the sound of {decoded_samples} samples is not heard after a pre-skip of {pre_skip_samples}")]
    SoundNotHeard {
        /// What the packets decode to.
        decoded_samples: u64,
        /// What is thrown away of it.
        pre_skip_samples: u16,
    },
    /// Decoding could not start at the first picture.
    #[error("the first picture is no sync sample")]
    FirstNotSync,
    /// The streams of the pictures are of different sizes.
    #[error("sequence header {index} has another size than the first one")]
    OtherSize {
        /// Which sequence header.
        index: usize,
    },
    /// A picture that no sequence header describes.
    #[error("picture {index} has no sequence header, or takes another one without being a sync sample")]
    NoSequenceHeader {
        /// Which picture.
        index: usize,
    },
    /// A picture is decoded with a sequence header that the head of the file does not have.
    #[error(
        "a picture has a sequence header of {bytes} bytes that is none of the {announced} announced ones"
    )]
    UnannouncedSequenceHeader {
        /// Its length.
        bytes: usize,
        /// How many the head has.
        announced: usize,
    },
    /// What the file would say of itself is a book.
    #[error("the {name} of the video has {actual_bytes} bytes, expected at most {limit_bytes}")]
    MetadataTooLong {
        /// What of it.
        name: &'static str,
        /// Its length.
        actual_bytes: usize,
        /// [`Metadata::MAX_TEXT_BYTES`].
        limit_bytes: usize,
    },
    /// The index does not fit into a box.
    #[error("expected boxes that can be written: {reason}")]
    Boxes {
        /// What the box writer says.
        reason: String,
    },
}
