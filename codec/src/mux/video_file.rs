//! One door to all containers.

use super::{Chunk, FragmentedMp4, Metadata, Mp4, MuxError, Tracks, Webm};

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Container {
    /// MP4 with its index in front: what everything plays.
    #[default]
    Mp4,
    /// WebM: Matroska for browsers.
    Webm,
    /// MP4 in fragments that each have their own index: what is there of it plays, while the rest is still being written.
    FragmentedMp4,
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

/// A file that is laid out in some container.
#[derive(Debug)]
pub enum VideoFile<'a> {
    /// MP4.
    Mp4(Mp4<'a>),
    /// WebM.
    Webm(Webm<'a>),
    /// MP4 in fragments.
    FragmentedMp4(FragmentedMp4<'a>),
}

impl<'a> VideoFile<'a> {
    /// Decides where every packet stands.
    pub fn lay_out(container: Container, tracks: Tracks<'a>, metadata: &Metadata) -> Result<Self, MuxError> {
        Ok(match container {
            Container::Mp4 => Self::Mp4(Mp4::lay_out(tracks, metadata)?),
            Container::Webm => Self::Webm(Webm::lay_out(tracks, metadata)?),
            Container::FragmentedMp4 => Self::FragmentedMp4(FragmentedMp4::lay_out(tracks, metadata)?),
        })
    }

    /// The file from its first byte to its last.
    pub fn pieces(&self) -> Box<dyn Iterator<Item = Piece> + '_> {
        match self {
            Self::Mp4(file) => Box::new(file.pieces()),
            Self::Webm(file) => Box::new(file.pieces()),
            Self::FragmentedMp4(file) => Box::new(file.pieces()),
        }
    }
}
