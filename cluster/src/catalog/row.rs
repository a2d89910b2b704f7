//! Rows as they are stored: a version, the value, a checksum over place and value.

use super::engine::Tree;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The most bytes of a stored row.
pub(crate) const ROW_BYTES_MAX: usize = 4096;
const CRC_BYTES: usize = 4;

/// A value with a tree of its own. Changing its fields means a new version with a `From` of the older one.
pub(crate) trait Row: Serialize + DeserializeOwned {
    /// Where it is stored.
    const TREE: Tree;
    /// The version that is written.
    const VERSION: u8 = 1;
}

/// Why a row is not stored or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Too many bytes.
    #[error("a row of {tree:?} has {bytes} bytes, the limit is {ROW_BYTES_MAX}")]
    TooLong {
        /// Where.
        tree: Tree,
        /// How many it has.
        bytes: usize,
    },
    /// A value that cannot be encoded.
    #[error("a row of {tree:?} cannot be encoded: {source}")]
    Encode {
        /// Where.
        tree: Tree,
        /// Why.
        source: postcard::Error,
    },
    /// A checksum that does not fit: the store has damaged it.
    #[error("a row of {tree:?} is damaged: its checksum differs")]
    Checksum {
        /// Where.
        tree: Tree,
    },
    /// A version of a later Custody.
    #[error("a row of {tree:?} has version {found}, the newest known is {known}")]
    Version {
        /// Where.
        tree: Tree,
        /// What it says.
        found: u8,
        /// What is known.
        known: u8,
    },
    /// A row that other rows say is there.
    #[error("a row of {tree:?} is missing")]
    Missing {
        /// Where.
        tree: Tree,
    },
    /// Bytes that are not the value.
    #[error("a row of {tree:?} cannot be read: {source}")]
    Decode {
        /// Where.
        tree: Tree,
        /// Why.
        source: postcard::Error,
    },
}

pub(crate) fn encode<R: Row>(key: &[u8], row: &R) -> Result<Vec<u8>, RowError> {
    encode_in(R::TREE, R::VERSION, key, row)
}

/// The same of a value that stands in several trees.
pub(super) fn encode_in<R: Serialize>(
    tree: Tree,
    version: u8,
    key: &[u8],
    row: &R,
) -> Result<Vec<u8>, RowError> {
    let bytes =
        postcard::to_extend(row, vec![version]).map_err(|source| RowError::Encode { tree, source })?;
    let crc = checksum(tree, key, &bytes);
    let mut bytes = bytes;
    bytes.extend_from_slice(&crc);
    match bytes.len() <= ROW_BYTES_MAX {
        true => Ok(bytes),
        false => Err(RowError::TooLong { tree, bytes: bytes.len() }),
    }
}

pub(crate) fn decode<R: Row>(key: &[u8], bytes: &[u8]) -> Result<R, RowError> {
    decode_in(R::TREE, R::VERSION, key, bytes)
}

/// The same of a value that stands in several trees.
pub(super) fn decode_in<'a, R: Deserialize<'a>>(
    tree: Tree,
    known: u8,
    key: &[u8],
    bytes: &'a [u8],
) -> Result<R, RowError> {
    let (value, crc) = bytes.split_last_chunk::<CRC_BYTES>().ok_or(RowError::Checksum { tree })?;
    if checksum(tree, key, value) != *crc {
        return Err(RowError::Checksum { tree });
    }
    let (version, value) = value.split_first().ok_or(RowError::Checksum { tree })?;
    if *version != known {
        return Err(RowError::Version { tree, found: *version, known });
    }
    postcard::from_bytes(value).map_err(|source| RowError::Decode { tree, source })
}

fn checksum(tree: Tree, key: &[u8], value: &[u8]) -> [u8; CRC_BYTES] {
    let place = crc32c::crc32c_append(crc32c::crc32c(&[tree.number()]), key);
    crc32c::crc32c_append(place, value).to_le_bytes()
}
