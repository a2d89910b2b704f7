//! The stream of a snapshot: magic, then blocks of length, chained checksum and payload.

use super::{SnapshotDamage, SnapshotError, SnapshotFile, read_failed, sync_failed, write_failed};
use crate::chunk::disk::{Disk, DiskFile};
use crate::raft::files;
use crate::raft::types::SnapshotMeta;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The last byte is the version.
const MAGIC: [u8; 8] = *b"CustSnp\x01";
const HEAD_BYTES: usize = 8;
/// The longest payload of a block.
const BLOCK_BYTES_MAX: usize = 8 << 20;

/// The number of a tree, a key, and a row as it is stored.
pub(super) type StoredRow = (u8, Vec<u8>, Vec<u8>);

/// A part of a snapshot. Variants are only ever added at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Block {
    /// The first: of which place of the log it is.
    Head(SnapshotMeta),
    /// Rows.
    Rows(Vec<StoredRow>),
    /// The last.
    End {
        /// How many rows there were.
        rows: u64,
    },
}

/// Writes blocks to a new file.
pub(super) struct BlockWriter {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    offset: u64,
    chain: u32,
    rows: u64,
}

impl BlockWriter {
    pub(super) fn create(disk: &dyn Disk, path: &Path, meta: &SnapshotMeta) -> Result<Self, SnapshotError> {
        let file = files::create(disk, path).map_err(write_failed(path))?;
        file.write_at(0, &MAGIC).map_err(write_failed(path))?;
        let offset = u64::try_from(MAGIC.len()).unwrap_or(0);
        let mut writer = Self { file, path: path.to_owned(), offset, chain: 0, rows: 0 };
        writer.write(&Block::Head(meta.clone()))?;
        Ok(writer)
    }

    pub(super) fn rows(&mut self, rows: Vec<StoredRow>) -> Result<(), SnapshotError> {
        self.rows += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        self.write(&Block::Rows(rows))
    }

    /// Ends the file and makes its bytes durable.
    pub(super) fn finish(mut self) -> Result<(), SnapshotError> {
        self.write(&Block::End { rows: self.rows })?;
        self.file.sync().map_err(sync_failed(&self.path))
    }

    fn write(&mut self, block: &Block) -> Result<(), SnapshotError> {
        let payload = postcard::to_stdvec(block).map_err(|source| SnapshotError::Encode { source })?;
        let length = u32::try_from(payload.len())
            .map_err(|_| SnapshotError::Encode { source: postcard::Error::SerializeBufferFull })?;
        self.chain = checksum(self.chain, &payload);
        let mut bytes = Vec::with_capacity(HEAD_BYTES + payload.len());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&self.chain.to_le_bytes());
        bytes.extend_from_slice(&payload);
        self.file.write_at(self.offset, &bytes).map_err(write_failed(&self.path))?;
        self.offset += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }
}

/// Reads blocks and checks all that can be checked; after the end nothing follows.
pub(super) struct BlockReader {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    offset: u64,
    chain: u32,
    rows: u64,
    pub(super) meta: SnapshotMeta,
}

impl BlockReader {
    pub(super) fn open(snapshot: &SnapshotFile) -> Result<Self, SnapshotError> {
        let path = &snapshot.path;
        let file = snapshot.disk.open(path).map_err(read_failed(path))?;
        let meta = SnapshotMeta::default();
        let mut reader = Self { file, path: path.clone(), offset: 0, chain: 0, rows: 0, meta };
        if reader.bytes(MAGIC.len())? != MAGIC {
            return Err(reader.damaged(SnapshotDamage::Magic));
        }
        reader.offset = u64::try_from(MAGIC.len()).unwrap_or(0);
        match reader.block()? {
            Block::Head(meta) => reader.meta = meta,
            Block::Rows(_) | Block::End { .. } => return Err(reader.damaged(SnapshotDamage::Order)),
        }
        Ok(reader)
    }

    /// The next rows; none at a good end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<StoredRow>>, SnapshotError> {
        match self.block()? {
            Block::Rows(rows) => {
                self.rows += u64::try_from(rows.len()).unwrap_or(u64::MAX);
                Ok(Some(rows))
            }
            Block::End { rows } if rows == self.rows => {
                let length = self.file.length().map_err(read_failed(&self.path))?;
                match length == self.offset {
                    true => Ok(None),
                    false => Err(self.damaged(SnapshotDamage::Order)),
                }
            }
            Block::End { rows } => {
                Err(self.damaged(SnapshotDamage::Rows { expected: rows, found: self.rows }))
            }
            Block::Head(_) => Err(self.damaged(SnapshotDamage::Order)),
        }
    }

    /// Reads to the end, and says how many bytes that were.
    pub(super) fn verify(mut self) -> Result<u64, SnapshotError> {
        while self.next()?.is_some() {}
        Ok(self.offset)
    }

    pub(super) fn damaged(&self, damage: SnapshotDamage) -> SnapshotError {
        SnapshotError::Damaged { path: self.path.clone(), offset: self.offset, damage }
    }

    fn block(&mut self) -> Result<Block, SnapshotError> {
        let head = self.bytes(HEAD_BYTES)?;
        let (length, crc) = head.split_at_checked(HEAD_BYTES / 2).unwrap_or_default();
        let number = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).unwrap_or_default();
        let length = usize::try_from(number(length)).unwrap_or(usize::MAX);
        if length > BLOCK_BYTES_MAX {
            return Err(self.damaged(SnapshotDamage::Checksum));
        }
        let bytes = self.bytes(HEAD_BYTES + length)?;
        let payload = bytes.get(HEAD_BYTES..).unwrap_or_default();
        let chain = checksum(self.chain, payload);
        if chain != number(crc) {
            return Err(self.damaged(SnapshotDamage::Checksum));
        }
        let block =
            postcard::from_bytes(payload).map_err(|error| self.damaged(SnapshotDamage::Block(error)))?;
        self.chain = chain;
        self.offset += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(block)
    }

    fn bytes(&self, count: usize) -> Result<Vec<u8>, SnapshotError> {
        let bytes = files::read_at(&*self.file, self.offset, count).map_err(read_failed(&self.path))?;
        match bytes.len() == count {
            true => Ok(bytes),
            false => Err(self.damaged(SnapshotDamage::Short)),
        }
    }
}

fn checksum(chain: u32, payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&chain.to_le_bytes()), payload)
}
