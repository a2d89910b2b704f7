//! One door to all containers with an index in front.

#[cfg(doc)]
use super::FragmentedMp4;
use super::{Chunk, Metadata, Mp4, MuxError, Tracks, Webm};

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// A file with its index in front, which is laid out when all is coded: [`VideoFile`].
    Indexed(Indexed),
    /// MP4 in fragments that each have their own index: what is there of it plays, while the rest is still being coded.
    /// [`FragmentedMp4`] lays it out.
    FragmentedMp4,
}

/// The format of a file with its index in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Indexed {
    /// MP4: what everything plays.
    #[default]
    Mp4,
    /// WebM: Matroska for browsers.
    Webm,
}

impl Default for Container {
    fn default() -> Self {
        Self::Indexed(Indexed::default())
    }
}

/// Bytes of a file, and the packets that follow them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What the container writes.
    pub bytes: Vec<u8>,
    /// Pictures or sound that the caller appends; never texts, which are in `bytes`.
    pub packets: Option<Chunk>,
}

impl Piece {
    /// Bytes that no packet follows.
    pub(super) fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, packets: None }
    }
}

/// A file with its index in front that is laid out.
#[derive(Debug)]
pub enum VideoFile<'a> {
    /// MP4.
    Mp4(Mp4<'a>),
    /// WebM.
    Webm(Webm<'a>),
}

impl<'a> VideoFile<'a> {
    /// Decides where every packet stands.
    pub fn lay_out(container: Indexed, tracks: Tracks<'a>, metadata: &Metadata) -> Result<Self, MuxError> {
        Ok(match container {
            Indexed::Mp4 => Self::Mp4(Mp4::lay_out(tracks, metadata)?),
            Indexed::Webm => Self::Webm(Webm::lay_out(tracks, metadata)?),
        })
    }

    /// The file from its first byte to its last.
    pub fn pieces(&self) -> Box<dyn Iterator<Item = Piece> + '_> {
        match self {
            Self::Mp4(file) => Box::new(file.pieces()),
            Self::Webm(file) => Box::new(file.pieces()),
        }
    }
}
