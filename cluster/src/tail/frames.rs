//! Records of a chunk on their way to a replica: sealed by this process, or as they came from another one.

use super::message::Bytes;
use super::replica::FRAMES_BYTES_MAX;
use crate::chunk::{ChunkHeader, SealedRecord};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Records, one after the other. They are sent as their stored bytes. Clones share them.
#[derive(Clone)]
pub struct Frames(Form);

#[derive(Clone)]
enum Form {
    /// As they came: to be checked.
    Stored(Bytes),
    /// Sealed here, or checked: their leaves are known.
    ///
    /// INVARIANT: they are records of the chunk and have the indexes that the message around them names.
    Checked(Arc<[SealedRecord]>),
}

impl Frames {
    /// As many of these records, which are in order, as one message takes, and how many they are: at least one if there
    /// is one. They must be of the chunk that the message names.
    pub(crate) fn some<'a>(records: impl Iterator<Item = &'a SealedRecord>) -> (Self, u32) {
        let (mut some, mut bytes, mut count) = (Vec::new(), 0, 0);
        for record in records {
            bytes += record.frame().len();
            if bytes > FRAMES_BYTES_MAX && !some.is_empty() {
                break;
            }
            some.push(record.clone());
            count += 1;
        }
        (Self(Form::Checked(some.into())), count)
    }

    /// Checks and hashes records that came from another member. What is no such records stays as it is, and is refused
    /// by whoever wants to write it.
    pub(crate) fn check(self, chunk: &ChunkHeader, first: u32) -> Self {
        match self.records(chunk, first) {
            Some(Cow::Owned(records)) => Self(Form::Checked(records.into())),
            Some(Cow::Borrowed(_)) | None => self,
        }
    }

    /// The records of a chunk from an index on; none unless all are whole and in order.
    pub(crate) fn records(&self, chunk: &ChunkHeader, first: u32) -> Option<Cow<'_, [SealedRecord]>> {
        match &self.0 {
            Form::Stored(frames) => parse(chunk, first, &frames.0).map(Cow::Owned),
            Form::Checked(records) => Some(Cow::Borrowed(records)),
        }
    }

    /// How many bytes they are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Stored(frames) => frames.0.len(),
            Form::Checked(records) => records.iter().map(|record| record.frame().len()).sum(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records as they are stored.
    pub(crate) fn bytes(&self) -> Bytes {
        match &self.0 {
            Form::Stored(frames) => frames.clone(),
            Form::Checked(records) => {
                let mut bytes = Vec::with_capacity(self.len());
                records.iter().for_each(|record| bytes.extend_from_slice(record.frame()));
                bytes.into()
            }
        }
    }
}

/// The records of a chunk that were sent, from an index on; none unless all are whole and in order.
pub(crate) fn parse(chunk: &ChunkHeader, first: u32, frames: &[u8]) -> Option<Vec<SealedRecord>> {
    let (mut records, mut rest, mut next) = (Vec::new(), frames, first);
    while !rest.is_empty() {
        let record = SealedRecord::parse(chunk, rest).ok().filter(|record| record.index().0 == next)?;
        rest = rest.get(record.frame().len()..)?;
        next = next.checked_add(1)?;
        records.push(record);
    }
    Some(records)
}

impl Default for Frames {
    fn default() -> Self {
        Self(Form::Stored(Bytes::default()))
    }
}

impl From<Vec<u8>> for Frames {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Form::Stored(bytes.into()))
    }
}

impl PartialEq for Frames {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Frames {}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frames({})", self.len())
    }
}

impl Serialize for Frames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Frames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Bytes::deserialize(deserializer).map(|bytes| Self(Form::Stored(bytes)))
    }
}
