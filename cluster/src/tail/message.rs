//! What members say to one another about bytes.

use super::frames::Frames;
use crate::chunk::{CHUNK_BYTES_MAX, ChunkHeader, ClosedChunk};
use crate::id::{ChunkId, Epoch};
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The version of all messages: the first byte of each.
const VERSION: u8 = 1;
/// Most bytes of a message: a whole chunk and what stands around it.
pub const MESSAGE_BYTES_MAX: u64 = CHUNK_BYTES_MAX + 4096;

/// One message. Variants are only ever added at the end, and a variant never changes.
///
/// Any of them may be lost, come twice, late, or in another order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// The sender is there.
    Alive,
    /// From an owner: records of the chunk that it writes.
    Append(Append),
    /// To an owner: so many records of the chunk are durable here.
    Appended {
        /// Which chunk.
        chunk: ChunkId,
        /// How many records.
        records: u32,
    },
    /// The request about a chunk is not done.
    Refused {
        /// Which chunk.
        chunk: ChunkId,
        /// Why not.
        why: Refused,
    },
    /// Asks for the promise to take nothing more of owners before `epoch`.
    Fence {
        /// Of which chunk.
        chunk: ChunkHeader,
        /// The epoch of who ends the chunk.
        epoch: Epoch,
    },
    /// From who ends a chunk: records that are missing here.
    Fill(Fill),
    /// The answer to a fence and to a fill: the promise is durable, and so is this.
    Held {
        /// Which chunk.
        chunk: ChunkId,
        /// The epoch that was promised.
        epoch: Epoch,
        /// What is held.
        held: Held,
    },
    /// Asks for records of a chunk that is fenced.
    Fetch {
        /// Which chunk.
        chunk: ChunkId,
        /// The first record.
        first: u32,
    },
    /// The answer: some records from there on.
    Fetched {
        /// Which chunk.
        chunk: ChunkId,
        /// The first record.
        first: u32,
        /// The records as they are stored.
        frames: Bytes,
    },
    /// Asks for a closed chunk.
    AskCopy {
        /// Which chunk.
        chunk: ChunkId,
    },
    /// The answer: its whole file.
    Copy {
        /// Which chunk.
        chunk: ChunkId,
        /// Its file.
        bytes: Bytes,
    },
    /// The answer of a member that has no good copy.
    NoCopy {
        /// Which chunk.
        chunk: ChunkId,
    },
    /// Asks for acknowledged records of a chunk that is still open.
    AskTail {
        /// Which chunk.
        chunk: ChunkId,
        /// Where in the object the first byte is.
        offset: u64,
    },
    /// The answer: records from the one with that byte on, as far as their owner has told that they are durable.
    Tail {
        /// Which chunk.
        chunk: ChunkHeader,
        /// The byte that was asked for.
        offset: u64,
        /// The records as they are stored; none when nothing more is known to be durable.
        frames: Bytes,
    },
    /// The sender ends in order: what it owns may be taken over at once.
    Gone,
    /// Asks which of some closed chunks the receiver is to hold, and holds well, by this very layout.
    AskKept {
        /// The stamp of the layout.
        stamp: u64,
        /// The chunks.
        chunks: Vec<ChunkId>,
    },
    /// The answer. The sender deletes none of these by this layout or an older one.
    Kept {
        /// The stamp of the layout that was asked about.
        stamp: u64,
        /// The chunks, and no others.
        chunks: Vec<ChunkId>,
    },
}

/// Records of an owner's chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Append {
    /// Which chunk.
    pub chunk: ChunkHeader,
    /// The index of the first record.
    pub first: u32,
    /// The records as they are stored; none tells the durable offset only.
    pub frames: Frames,
    /// Up to where in the object bytes are durable on enough members.
    pub durable_offset: u64,
}

/// Records of a chunk that is being ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// Which chunk.
    pub chunk: ChunkHeader,
    /// The epoch of who ends it.
    pub epoch: Epoch,
    /// The index of the first record.
    pub first: u32,
    /// The records as they are stored; none makes the empty file.
    pub frames: Frames,
}

/// What a member holds of a chunk that was fenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Held {
    /// No file, and it never acknowledged anything.
    Nothing,
    /// These records, as the closed chunk that they would be.
    Records(ClosedChunk),
    /// It acknowledged records that are damaged.
    Damaged,
}

/// Why a request about a chunk is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refused {
    /// A newer owner has the promise that nothing more is taken of older ones.
    Fenced {
        /// The epoch of that owner.
        by: Epoch,
    },
    /// The chunk is final.
    Closed,
    /// What was acknowledged here is damaged.
    Damaged,
    /// The records do not continue what is held, or the disk does not take them.
    NotTaken,
    /// The disk is full.
    NoRoom,
}

/// Bytes that are sent as they are. Clones share them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub bytes::Bytes);

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(bytes.to_vec().into())
            }
        }
        deserializer.deserialize_bytes(Whole).map_err(D::Error::custom)
    }
}

/// The bytes are no message of a version that is known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a message is a whole one of version {VERSION}, of at most {MESSAGE_BYTES_MAX} bytes")]
pub struct MessageError;

impl Message {
    /// The sent form.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).expect("messages hold nothing that postcard refuses")
    }

    /// Reads the sent form; what it says is checked where it is used.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let is_short = u64::try_from(bytes.len()).is_ok_and(|length| length <= MESSAGE_BYTES_MAX);
        let Some((&VERSION, rest)) = bytes.split_first().filter(|_| is_short) else {
            return Err(MessageError);
        };
        match postcard::take_from_bytes::<Self>(rest) {
            Ok((message, [])) if message.is_sound() => Ok(message),
            Ok(_) | Err(_) => Err(MessageError),
        }
    }

    /// Checks and hashes the records that it brings, so that whoever takes it need not. For any thread.
    pub fn check(self) -> Self {
        match self {
            Self::Append(Append { chunk, first, frames, durable_offset }) => {
                let frames = frames.check(&chunk, first);
                Self::Append(Append { chunk, first, frames, durable_offset })
            }
            Self::Fill(Fill { chunk, epoch, first, frames }) => {
                let frames = frames.check(&chunk, first);
                Self::Fill(Fill { chunk, epoch, first, frames })
            }
            Self::Alive
            | Self::Gone
            | Self::Appended { .. }
            | Self::Refused { .. }
            | Self::Fence { .. }
            | Self::Held { .. }
            | Self::Fetch { .. }
            | Self::Fetched { .. }
            | Self::AskCopy { .. }
            | Self::Copy { .. }
            | Self::NoCopy { .. }
            | Self::AskTail { .. }
            | Self::Tail { .. }
            | Self::AskKept { .. }
            | Self::Kept { .. } => self,
        }
    }

    /// Whether members of the wire's version before understand it.
    pub(crate) fn is_old(&self) -> bool {
        !matches!(self, Self::AskKept { .. } | Self::Kept { .. })
    }

    /// Whether no sum of offsets within a chunk overflows.
    fn is_sound(&self) -> bool {
        match self {
            Self::Append(Append { chunk, .. })
            | Self::Fill(Fill { chunk, .. })
            | Self::Fence { chunk, .. }
            | Self::Tail { chunk, .. } => chunk.offset.checked_add(CHUNK_BYTES_MAX).is_some(),
            Self::Alive
            | Self::Gone
            | Self::Appended { .. }
            | Self::Refused { .. }
            | Self::Held { .. }
            | Self::Fetch { .. }
            | Self::Fetched { .. }
            | Self::AskCopy { .. }
            | Self::Copy { .. }
            | Self::NoCopy { .. }
            | Self::AskTail { .. }
            | Self::AskKept { .. }
            | Self::Kept { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Vec<Message> {
        let id: ChunkId = "000102030405060708090a0b0c0d0e0f.1.2.3".parse().unwrap();
        let chunk = ChunkHeader { id, offset: 300 };
        let frames = Frames::from(vec![7; 300]);
        vec![
            Message::Alive,
            Message::Append(Append { chunk, first: 4, frames: frames.clone(), durable_offset: 200 }),
            Message::Refused { chunk: id, why: Refused::Fenced { by: Epoch(5) } },
            Message::Held { chunk: id, epoch: Epoch(5), held: Held::Nothing },
            Message::Fill(Fill { chunk, epoch: Epoch(5), first: 0, frames }),
            Message::Kept { stamp: 3, chunks: vec![id] },
        ]
    }

    #[test]
    fn a_message_reads_back_and_nothing_shorter_or_longer_does() {
        for message in messages() {
            let bytes = message.encode();
            assert_eq!(Message::decode(&bytes), Ok(message.clone()));
            assert_eq!(Message::decode(&[&bytes[..], &[0]].concat()), Err(MessageError), "{message:?}");
            for length in 0..bytes.len() {
                assert_eq!(Message::decode(&bytes[..length]), Err(MessageError), "{message:?} {length}");
            }
        }
    }

    #[test]
    fn other_versions_and_offsets_that_overflow_are_refused() {
        let mut bytes = Message::Alive.encode();
        bytes[0] = 2;
        assert_eq!(Message::decode(&bytes), Err(MessageError));
        let id = "000102030405060708090a0b0c0d0e0f.1.2.3".parse().unwrap();
        let chunk = ChunkHeader { id, offset: u64::MAX - 1 };
        assert_eq!(Message::decode(&Message::Fence { chunk, epoch: Epoch(1) }.encode()), Err(MessageError));
    }
}
