//! The identifiers of everything that the cluster keeps.
//!
//! Random identifiers are 128 bits and read as 32 lower-case hexadecimal digits; counted ones read as decimal
//! numbers. Each text form is the only one that parses: what differs as text differs as an identifier.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// A random identifier has exactly 32 lower-case hexadecimal digits.
    #[error("a {kind} id has 32 lower-case hexadecimal digits")]
    NotHex {
        /// What the identifier names.
        kind: &'static str,
    },
    /// A counted identifier is a decimal number without sign or leading zeros, within its width.
    #[error("a {kind} id is a decimal number without sign or leading zeros")]
    NotDecimal {
        /// What the identifier names.
        kind: &'static str,
    },
    /// A compound identifier has its parts separated by full stops.
    #[error("a {kind} id reads {form}")]
    NotCompound {
        /// What the identifier names.
        kind: &'static str,
        /// The form of the text.
        form: &'static str,
    },
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hex(text).map(Self).ok_or(ParseIdError::NotHex { kind: $kind })
            }
        }

        /// Text where a person may read it, 16 bytes elsewhere.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match serializer.is_human_readable() {
                    true => serializer.collect_str(self),
                    false => self.0.serialize(serializer),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match deserializer.is_human_readable() {
                    true => String::deserialize(deserializer)?.parse().map_err(D::Error::custom),
                    false => <[u8; 16]>::deserialize(deserializer).map(Self),
                }
            }
        }
    };
}

macro_rules! counted_id {
    ($(#[$doc:meta])* $name:ident($number:ty), $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $number);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let error = ParseIdError::NotDecimal { kind: $kind };
                let canonical = text == "0" || text.starts_with(|c: char| ('1'..='9').contains(&c));
                if !canonical {
                    return Err(error);
                }
                text.parse().map(Self).map_err(|_| error)
            }
        }
    };
}

random_id!(
    /// A recording. The session that it records has the same identifier.
    RecordingId, "recording"
);
random_id!(
    /// A video that was asked for; its bytes are an object of the recording, one for each attempt.
    VideoId, "video"
);
counted_id!(
    /// A member. Never given twice: a member that lost its disk comes back under a new one.
    MemberId(u64), "member"
);
counted_id!(
    /// A job of the catalog.
    JobId(u64), "job"
);
counted_id!(
    /// The ownership of an object, counted from 1; a takeover and a restarted owner commit the next one.
    Epoch(u64), "epoch"
);
counted_id!(
    /// A stream of a recording, counted up by the catalog and never given twice.
    StreamId(u64), "stream"
);
counted_id!(
    /// A chunk of an object, counted from 0. See [`ChunkNumber::MANIFEST`].
    ChunkNumber(u32), "chunk"
);
counted_id!(
    /// A record of a chunk, counted from 0; it is the nonce of the record.
    RecordIndex(u32), "record"
);

impl StreamId {
    /// The recording's own bytes as they were received.
    pub const RECORDING: Self = Self(0);
    /// The bit that the numbers of streams have whose bytes are text of keystrokes. It is a part of the number, so
    /// that whoever holds a chunk knows its key, and no fact can name another one.
    const TEXT: u64 = 1 << 63;

    /// The same number for a stream of text that derives from keystrokes.
    #[must_use]
    pub fn of_text(self) -> Self {
        Self(self.0 | Self::TEXT)
    }

    /// Whether its bytes are text that derives from keystrokes, under the recording's second key.
    pub fn is_text(self) -> bool {
        self.0 & Self::TEXT != 0
    }
}

impl ChunkNumber {
    /// The chunk that holds the manifest of its object. Numbers below it count the object's own bytes.
    pub const MANIFEST: Self = Self(u32::MAX);
}

/// Anything that is stored as chunks: a stream of bytes of one recording.
///
/// Stream 0 is the recording itself. Whatever derives from it (its index, the packets and the sound of one
/// conversion attempt, a finished video) is a further stream of the same recording with a number of its own, so
/// that keys, folders and a purge of all that derives from a session follow from the recording's identifier. Text
/// of keystrokes is told by its number ([`StreamId::is_text`]): it has a key of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId {
    /// The recording which the bytes are or derive from.
    pub recording: RecordingId,
    /// Which of its streams.
    pub stream: StreamId,
}

impl From<RecordingId> for ObjectId {
    fn from(recording: RecordingId) -> Self {
        Self { recording, stream: StreamId::RECORDING }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.recording, self.stream)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

impl FromStr for ObjectId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let (recording, stream) = text
            .split_once('.')
            .ok_or(ParseIdError::NotCompound { kind: "object", form: "<recording>.<stream>" })?;
        Ok(Self { recording: recording.parse()?, stream: stream.parse()? })
    }
}

/// One chunk as one owner wrote it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChunkId {
    /// The object of which it is a part.
    pub object: ObjectId,
    /// Its place in the object.
    pub number: ChunkNumber,
    /// The ownership under which it was opened.
    pub epoch: Epoch,
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.object, self.number, self.epoch)
    }
}

impl fmt::Debug for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChunkId({self})")
    }
}

impl FromStr for ChunkId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let error =
            ParseIdError::NotCompound { kind: "chunk", form: "<recording>.<stream>.<number>.<epoch>" };
        let (rest, epoch) = text.rsplit_once('.').ok_or(error.clone())?;
        let (object, number) = rest.rsplit_once('.').ok_or(error)?;
        Ok(Self { object: object.parse()?, number: number.parse()?, epoch: epoch.parse()? })
    }
}

fn parse_hex(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    let mut bytes = [0; 16];
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

pub(crate) fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDING: RecordingId = RecordingId([0xab, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff]);

    #[test]
    fn identifiers_read_back_from_their_text() {
        let chunk = ChunkId {
            object: ObjectId { recording: RECORDING, stream: StreamId(7) },
            number: ChunkNumber(12),
            epoch: Epoch(3),
        };
        assert_eq!(chunk.to_string(), "ab0102030405060708090a0b0c0d0eff.7.12.3");
        assert_eq!(chunk.to_string().parse(), Ok(chunk));
        assert_eq!(chunk.object.to_string().parse(), Ok(chunk.object));
        assert_eq!(MemberId(u64::MAX).to_string().parse(), Ok(MemberId(u64::MAX)));
    }

    #[test]
    fn other_spellings_of_an_identifier_are_refused() {
        for text in ["", "AB0102030405060708090a0b0c0d0eff", "ab", "../../../../../../../../../../../"] {
            assert_eq!(
                text.parse::<RecordingId>(),
                Err(ParseIdError::NotHex { kind: "recording" }),
                "{text}"
            );
        }
        for text in ["", "+1", "01", "-1", " 1", "4294967296"] {
            assert_eq!(
                text.parse::<ChunkNumber>(),
                Err(ParseIdError::NotDecimal { kind: "chunk" }),
                "{text}"
            );
        }
        assert!("ab0102030405060708090a0b0c0d0eff.7.12".parse::<ChunkId>().is_err());
    }

    #[test]
    fn identifiers_are_text_in_json() {
        let object = ObjectId::from(RECORDING);
        let json = r#"{"recording":"ab0102030405060708090a0b0c0d0eff","stream":0}"#;
        assert_eq!(serde_json::to_string(&object).unwrap(), json);
        assert_eq!(serde_json::from_str::<ObjectId>(json).unwrap(), object);
    }
}
