//! Why sound beside a recording is refused, or is heard only in part.

use crate::audio::FormatError;
use crate::refusal::{Refusal, RefusalCode};
use std::io;
use symphonia::core::errors::Error;

/// Why a file cannot be heard, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SideCarError {
    /// Nothing that is known.
    #[error("expected sound as WAVE, FLAC, MP3, AAC, MP4, Ogg or Matroska")]
    NotSound,
    /// A file of a known format without sound.
    #[error("the file has no track of sound")]
    NoTrack,
    /// Sound of a kind that is not decoded.
    #[error("the sound is of a kind that is not decoded: {reason}")]
    Unsupported {
        /// What the decoder says.
        reason: String,
    },
    /// Behind what was heard comes something else.
    #[error("behind the sound follows a stream of which nothing is known")]
    UnknownStream,
    /// A rate or number of channels outside of the limits.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// It contradicts its format.
    #[error("the sound contradicts its format: {reason}")]
    Malformed {
        /// What the decoder says.
        reason: String,
    },
    /// It ends inside of something.
    #[error("the sound ends too early")]
    Truncated,
    /// Packets that are no sound.
    #[error("{packets} packets of the sound cannot be decoded")]
    Packets {
        /// How many.
        packets: u64,
    },
    /// More packets without any sound than a file needs.
    #[error("the sound has more than {limit} packets in a row that bring nothing")]
    EmptyPackets {
        /// The limit.
        limit: u32,
    },
    /// A packet that is too long.
    #[error("a packet of the sound has {bytes} bytes, the limit is {limit_bytes}")]
    PacketTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// The decoder wants far more than there is.
    #[error("reading the sound takes many times its length")]
    ReadInCircles,
    /// It is longer than the limit.
    #[error("the sound is longer than {limit_ms} ms, what follows is left out")]
    TooLong {
        /// The limit.
        limit_ms: i64,
    },
    /// The file cannot be read.
    #[error("the sound cannot be read: {reason}")]
    Unreadable {
        /// What the system says.
        reason: String,
    },
}

impl SideCarError {
    /// What kind of refusal it is.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::NotSound | Self::NoTrack | Self::Unsupported { .. } | Self::UnknownStream => {
                RefusalCode::Unsupported
            }
            Self::Format(error) => error.code(),
            Self::Malformed { .. } | Self::Packets { .. } => RefusalCode::Malformed,
            Self::Truncated => RefusalCode::Truncated,
            Self::EmptyPackets { .. }
            | Self::PacketTooLong { .. }
            | Self::ReadInCircles
            | Self::TooLong { .. } => RefusalCode::Limit,
            Self::Unreadable { .. } => RefusalCode::Crashed,
        }
    }

    pub(super) fn malformed(reason: &str) -> Self {
        Self::Malformed { reason: reason.to_owned() }
    }
}

impl From<&SideCarError> for Refusal {
    fn from(error: &SideCarError) -> Self {
        Self::new(error.code(), error)
    }
}

impl From<io::Error> for SideCarError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::Truncated
        } else if error.kind() == io::ErrorKind::QuotaExceeded {
            Self::ReadInCircles
        } else {
            Self::Unreadable { reason: error.to_string() }
        }
    }
}

impl From<Error> for SideCarError {
    fn from(error: Error) -> Self {
        if let Error::IoError(error) = error {
            return Self::from(error);
        }
        if let Error::Unsupported(reason) = error {
            return Self::Unsupported { reason: reason.to_owned() };
        }
        Self::malformed(&error.to_string())
    }
}
