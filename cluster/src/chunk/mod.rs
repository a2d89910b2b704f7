//! The bytes half: how recordings lie on a member's disk, encrypted, hashed and durable.
//!
//! The data's way: a [`Writer`] cuts appended bytes into sealed records; an [`OpenChunk`] takes them; the
//! [`journal`] makes them durable; a [`ChunkStore`] turns the open file into a closed chunk when its hash is the
//! committed one; a [`Manifest`] lists the closed chunks; a [`Reader`] checks and decrypts any range of them.
//!
//! Nothing here commits a fact: the caller commits OpenChunk before it creates a chunk, CloseChunk before it
//! closes one and Seal after it stored the manifest. Every format is drawn in the crate's DESIGN.md.

mod closed;
mod copy;
mod damage;
pub mod disk;
mod fields;
mod file;
mod file_digest;
mod hash;
pub mod journal;
mod keks;
pub mod key;
mod manifest;
pub mod merkle;
mod open;
mod reader;
mod record;
mod store;
mod tails;
mod writer;

pub use closed::ClosedFile;
pub use copy::CopyState;
pub use damage::{Damage, FileError, Part};
pub use disk::{DiskError, DiskLevel, DiskSpace, Fatal, Volume};
pub(crate) use fields::{Fields, disk_size, memory_size};
pub use file::{CHUNK_BYTES_MAX, ChunkHeader, ClosedChunk, LEAF_BYTES};
pub(crate) use file::{leaves_of, trailer_bytes};
pub(crate) use file_digest::Hashing;
pub use hash::{Hash, ParseHashError};
pub use keks::{KekStore, Keks, NoKek, SealedKek};
pub use manifest::{ChunksError, GatherError, MANIFEST_CHUNKS_MAX, Manifest, ManifestFormatError};
pub use open::{AppendError, OpenChunk, Tail};
pub use reader::{LoadManifestError, RangeRead, ReadError, Reader, ReaderError, StoreManifestError};
pub(crate) use record::first_index;
#[cfg(any(test, feature = "simulation"))]
pub(crate) use record::{FRAME_HEADER_BYTES as RECORD_FRAME_HEADER_BYTES, FrameHeader};
pub use record::{
    FRAME_OVERHEAD_BYTES, FrameError, OpenError, OtherRecording, RECORD_BYTES_MAX, RecordKey, RecordSealer,
    SealError, SealedRecord,
};
pub use store::{ChunkStore, CloseError, CreateError};
pub use tails::Tails;
pub use writer::Writer;

#[cfg(test)]
mod tests;
