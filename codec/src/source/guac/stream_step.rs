//! What an instruction does to the stream of its index.

use super::instruction::Instruction;

/// A step in the life of a stream. What is told inline, or has no stream, is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamStep<'a> {
    /// The server draws an image.
    OpensImage,
    /// The server plays sound of this mimetype.
    OpensSound(&'a str),
    /// Somebody sends a clipboard of this mimetype.
    OpensClipboard(&'a str),
    /// Something opens that is neither drawn nor heard nor a clipboard.
    OpensOther,
    /// A piece of it, base64.
    Fills(&'a str),
    /// It is over.
    Ends,
}

impl<'a> Instruction<'a> {
    /// The stream that this is about, by its index, and what it does to it.
    pub fn stream_step(&self) -> Option<(i32, StreamStep<'a>)> {
        match *self {
            Self::Img { stream, .. } => Some((stream, StreamStep::OpensImage)),
            Self::Audio { stream, mimetype } => Some((stream, StreamStep::OpensSound(mimetype))),
            Self::Clipboard { stream, mimetype } => Some((stream, StreamStep::OpensClipboard(mimetype))),
            Self::OtherStream { stream, .. } => Some((stream, StreamStep::OpensOther)),
            Self::Blob { stream, data } => Some((stream, StreamStep::Fills(data))),
            Self::End { stream } => Some((stream, StreamStep::Ends)),
            Self::Size { .. }
            | Self::Move { .. }
            | Self::Shade { .. }
            | Self::Dispose { .. }
            | Self::Rect { .. }
            | Self::Cfill { .. }
            | Self::Copy { .. }
            | Self::Transfer { .. }
            | Self::Vector { .. }
            | Self::InlineImage { .. }
            | Self::Cursor { .. }
            | Self::Sync { .. }
            | Self::Mouse { .. }
            | Self::Key { .. }
            | Self::Error { .. }
            | Self::Nop
            | Self::Other { .. } => None,
        }
    }
}
