//! Why a drawing was refused.

use crate::source::guac::ParseError;
use std::fmt;

/// Why one instruction drew nothing. The canvas is as before, and later instructions can be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// A layer or buffer with too long a side.
    #[error("layer {layer} would be {width}x{height}, the limit of a side is {limit_pixels} pixels")]
    Side {
        /// Which.
        layer: i32,
        /// Its width in pixels.
        width: i64,
        /// Its height in pixels.
        height: i64,
        /// The limit of either.
        limit_pixels: usize,
    },
    /// Too many pixels in all layers and buffers.
    #[error("with layer {layer} all layers would have {pixels} pixels, the limit is {limit_pixels}")]
    CanvasPixels {
        /// The layer that would grow.
        layer: i32,
        /// The pixels of all layers and buffers then.
        pixels: usize,
        /// The limit.
        limit_pixels: usize,
    },
    /// Too many visible layers.
    #[error("layer {layer} would be above the limit of {limit} visible layers")]
    Layers {
        /// The layer that would be created.
        layer: i32,
        /// The limit.
        limit: usize,
    },
    /// Too many buffers.
    #[error("buffer {layer} would be above the limit of {limit} buffers")]
    Buffers {
        /// The buffer that would be created.
        layer: i32,
        /// The limit.
        limit: usize,
    },
    /// A path of too many rectangles.
    #[error("the path of layer {layer} would be above the limit of {limit} rectangles")]
    PathRects {
        /// Whose path.
        layer: i32,
        /// The limit.
        limit: usize,
    },
    /// Before the key state that the replay started from.
    #[error("{reason}")]
    Earlier {
        /// What was wrong.
        reason: String,
    },
    /// A layer moved into itself or its own descendant.
    #[error("layer {layer} cannot be moved into {parent}, which is inside it")]
    Cycle {
        /// The layer to move.
        layer: i32,
        /// Its new parent.
        parent: i32,
    },
    /// A channel mask that the protocol does not define.
    #[error("channel mask 0x{mask:x} is not defined")]
    Mask {
        /// The mask.
        mask: u8,
    },
    /// A transfer function that the protocol does not define.
    #[error("transfer function 0x{function:x} is not defined")]
    Function {
        /// The function.
        function: u8,
    },
    /// A pointer image with too long a side.
    #[error("the cursor would be {width}x{height}, the limit of a side is {limit_pixels} pixels")]
    CursorSide {
        /// Its width in pixels.
        width: i32,
        /// Its height in pixels.
        height: i32,
        /// The limit of either.
        limit_pixels: usize,
    },
    /// Too many image streams.
    #[error("image stream {stream} would be above the limit of {limit} open streams")]
    Streams {
        /// The stream that would be opened.
        stream: i32,
        /// The limit.
        limit: usize,
    },
    /// Too many bytes of coded images.
    #[error("image stream {stream} exceeds the limit of {limit_bytes} bytes of all open images")]
    ImageBytes {
        /// The stream, which was dropped.
        stream: i32,
        /// The limit.
        limit_bytes: usize,
    },
    /// A piece of an image that is no base64.
    #[error("image stream {stream} has a piece that is not base64")]
    Base64 {
        /// The stream, which was dropped.
        stream: i32,
    },
    /// An inline image that is no base64, or too long.
    #[error("an inline image of {chars} characters is not base64 of at most {limit_bytes} bytes")]
    InlineImage {
        /// Its length.
        chars: usize,
        /// The limit of its decoded bytes.
        limit_bytes: usize,
    },
    /// An image that cannot be decoded.
    #[error("image for layer {layer}: {error}")]
    Image {
        /// The layer that it was for.
        layer: i32,
        /// Why.
        error: ImageError,
    },
}

/// Why an image cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Bytes that are none of the formats.
    #[error("expected PNG, JPEG or WebP, found something else")]
    Format,
    /// Too many pixels, or none, by its header.
    #[error("the {format} has {width}x{height} pixels, expected 1 to {limit_pixels} in all")]
    Pixels {
        /// Its format.
        format: ImageFormat,
        /// Columns, as its header says.
        width: usize,
        /// Rows, as its header says.
        height: usize,
        /// The limit.
        limit_pixels: usize,
    },
    /// A decoder's refusal.
    #[error("the {format} cannot be decoded: {reason}")]
    Malformed {
        /// Its format.
        format: ImageFormat,
        /// The decoder's words.
        reason: String,
    },
}

/// Why a key state gives no canvas.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Its instructions cannot be read.
    #[error("a key state cannot be read: {0}")]
    Instructions(#[from] ParseError),
    /// One of them draws nothing.
    #[error("a key state cannot be drawn: {0}")]
    Drawing(#[from] DrawError),
}

/// The formats of images in recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFormat {
    /// Portable Network Graphics.
    Png,
    /// JPEG, baseline or progressive.
    Jpeg,
    /// WebP, lossy or lossless.
    WebP,
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
        })
    }
}
