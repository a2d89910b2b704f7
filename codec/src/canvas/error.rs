//! Why a drawing was refused.

use crate::refusal::RefusalCode;
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
    /// A path of too many segments, the clips of its layer counted.
    #[error("the path of layer {layer} would be above the limit of {limit} segments")]
    PathSegments {
        /// Whose path.
        layer: i32,
        /// The limit.
        limit: usize,
    },
    /// Too many segments and saved states in all layers.
    #[error("with layer {layer} all paths and saved states would be above the limit of {limit}")]
    AllSegments {
        /// The layer that would have one more.
        layer: i32,
        /// The limit.
        limit: usize,
    },
    /// Too many clips on one layer.
    #[error("layer {layer} would be above the limit of {limit} clips")]
    Clips {
        /// Which layer.
        layer: i32,
        /// The limit.
        limit: usize,
    },
    /// Too many saved states of one layer.
    #[error("layer {layer} would be above the limit of {limit} saved states")]
    SavedStates {
        /// Which layer.
        layer: i32,
        /// The limit.
        limit: usize,
    },
    /// A layer that is drawn with on itself, and too large to be copied.
    #[error("layer {layer} of {pixels} pixels cannot be drawn with on itself, the limit is {limit_pixels}")]
    PatternPixels {
        /// Which layer.
        layer: i32,
        /// Its pixels.
        pixels: usize,
        /// The limit.
        limit_pixels: usize,
    },
    /// A terminal that is too large, or has no size.
    #[error("a terminal of {columns}x{rows}, expected 1 to {limit} columns and rows")]
    Terminal {
        /// Columns.
        columns: u64,
        /// Rows.
        rows: u64,
        /// The limit.
        limit: usize,
    },
    /// A transform whose numbers become too large.
    #[error("the transform of layer {layer} would no longer be finite")]
    Transform {
        /// Which layer.
        layer: i32,
    },
    /// Before the key state that the replay started from.
    #[error("{reason}")]
    Earlier {
        /// What kind of refusal it was.
        code: RefusalCode,
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
    /// An inline image that is too long.
    #[error("an inline image of {chars} base64 characters is above the limit of {limit_bytes} bytes")]
    InlineImageBytes {
        /// Its length.
        chars: usize,
        /// The limit of its decoded bytes.
        limit_bytes: usize,
    },
    /// An inline image that is no base64.
    #[error("an inline image is not base64")]
    InlineBase64,
    /// Too much memory for all that is kept.
    #[error("with layer {layer} the pictures would take {bytes} bytes, the limit is {limit_bytes}")]
    Memory {
        /// The layer that would grow.
        layer: i32,
        /// The memory of all pictures then.
        bytes: usize,
        /// The limit.
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

/// Why an image cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Bytes that are none of the formats.
    #[error("expected PNG, JPEG or WebP, found something else")]
    Format,
    /// No pixels by its header.
    #[error("the {format} has no pixels")]
    Empty {
        /// Its format.
        format: ImageFormat,
    },
    /// Too many pixels by its header.
    #[error("the {format} has {width}x{height} pixels, the limit is {limit_pixels} in all")]
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
    /// Decoding it would take too much memory, beside what is kept already.
    #[error("decoding the {format} of {width}x{height} pixels takes {bytes} bytes, {free_bytes} are free")]
    Memory {
        /// Its format.
        format: ImageFormat,
        /// Columns, as its header says.
        width: usize,
        /// Rows, as its header says.
        height: usize,
        /// What it would take.
        bytes: usize,
        /// What the limit leaves.
        free_bytes: usize,
    },
    /// Decoding it would take longer than the recording's duration allows.
    #[error("decoding the {format} of {width}x{height} pixels takes longer than the recording may")]
    Time {
        /// Its format.
        format: ImageFormat,
        /// Columns, as its header says.
        width: usize,
        /// Rows, as its header says.
        height: usize,
    },
    /// It ends too early.
    #[error("the {format} ends too early")]
    Truncated {
        /// Its format.
        format: ImageFormat,
    },
    /// Something that the decoder does not know.
    #[error("the {format} is of a kind that is not decoded: {reason}")]
    Unsupported {
        /// Its format.
        format: ImageFormat,
        /// The decoder's words.
        reason: String,
    },
    /// More inside it than the decoder may keep or read.
    #[error("the {format} is beyond a limit of its decoder: {reason}")]
    Limit {
        /// Its format.
        format: ImageFormat,
        /// The decoder's words.
        reason: String,
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
