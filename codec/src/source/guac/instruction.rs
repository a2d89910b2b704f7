//! The instructions that a recording holds, typed. Anything else is kept by name only, so that it can be
//! counted but never misread.

use super::vector::Vector;

/// A colour with straight (not premultiplied) alpha.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    /// Red, 0 to 255.
    pub red: u8,
    /// Green, 0 to 255.
    pub green: u8,
    /// Blue, 0 to 255.
    pub blue: u8,
    /// Opacity, 0 (transparent) to 255.
    pub alpha: u8,
}

/// One instruction; borrowed texts live in the parser's buffer. Coordinates are pixels, timestamps are
/// milliseconds of the monotonic clock of the guacd host.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the fields carry the protocol's own argument names")]
pub enum Instruction<'a> {
    /// Sets the size of a layer (>= 0) or buffer (< 0); old content stays, new area is transparent.
    Size { layer: i32, width: i32, height: i32 },
    /// Places a visible layer within its parent, above siblings of lower `z`.
    Move { layer: i32, parent: i32, x: i32, y: i32, z: i32 },
    /// Sets a visible layer's opacity, 0 to 255.
    Shade { layer: i32, opacity: u8 },
    /// Frees a layer or buffer.
    Dispose { layer: i32 },
    /// Adds a rectangle to the layer's current path.
    Rect { layer: i32, x: i32, y: i32, width: i32, height: i32 },
    /// Fills the layer's current path with a colour and closes it.
    Cfill { mask: u8, layer: i32, color: Color },
    /// Composites a part of one layer onto another.
    Copy {
        source: i32,
        source_x: i32,
        source_y: i32,
        width: i32,
        height: i32,
        mask: u8,
        layer: i32,
        x: i32,
        y: i32,
    },
    /// Combines a part of one layer with another by a binary function of the colour components.
    Transfer {
        source: i32,
        source_x: i32,
        source_y: i32,
        width: i32,
        height: i32,
        function: u8,
        layer: i32,
        x: i32,
        y: i32,
    },
    /// Draws with paths, or prepares it; see [`Vector`].
    Vector { layer: i32, vector: Vector },
    /// Opens an image stream; the image is drawn at its `end`.
    Img { stream: i32, mask: u8, layer: i32, mimetype: &'a str, x: i32, y: i32 },
    /// An inline PNG or JPEG of an old dump, base64.
    InlineImage { mimetype: &'static str, mask: u8, layer: i32, x: i32, y: i32, data: &'a str },
    /// A piece of a stream, base64.
    Blob { stream: i32, data: &'a str },
    /// Ends a stream.
    End { stream: i32 },
    /// Sets the pointer's image from a part of a layer; `(hot_x, hot_y)` is its tip.
    Cursor { hot_x: i32, hot_y: i32, source: i32, source_x: i32, source_y: i32, width: i32, height: i32 },
    /// The end of a frame.
    Sync { timestamp: i64 },
    /// The pointer moved or a button changed; dumps of guacd 0.9 have no timestamp here.
    Mouse { x: i32, y: i32, buttons: u32, timestamp: Option<i64> },
    /// A key was pressed or released.
    Key { keysym: u32, pressed: bool, timestamp: Option<i64> },
    /// Opens a sound stream.
    Audio { stream: i32, mimetype: &'a str },
    /// Opens a clipboard stream.
    Clipboard { stream: i32, mimetype: &'a str },
    /// Opens a stream that is neither drawn nor heard.
    OtherStream { stream: i32, kind: OtherStreamKind, mimetype: &'a str, name: &'a str },
    /// The server ended the session with an error.
    Error { text: &'a str, status: i32 },
    /// Does nothing.
    Nop,
    /// An opcode that changes neither picture nor sound, or one whose arguments cannot be read.
    Other { opcode: &'a str },
}

/// What goes through a stream that is neither drawn nor heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherStreamKind {
    /// Whatever a program sends or takes (`pipe`).
    Pipe,
    /// A file (`file`, `body`).
    File,
}

impl<'a> Instruction<'a> {
    /// The opcode; what is not drawn or heard is `other`, which keeps the set of names bounded.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Size { .. } => "size",
            Self::Move { .. } => "move",
            Self::Shade { .. } => "shade",
            Self::Dispose { .. } => "dispose",
            Self::Rect { .. } => "rect",
            Self::Cfill { .. } => "cfill",
            Self::Copy { .. } => "copy",
            Self::Transfer { .. } => "transfer",
            Self::Vector { vector, .. } => vector.name(),
            Self::Img { .. } => "img",
            Self::InlineImage { .. } => "inline image",
            Self::Blob { .. } => "blob",
            Self::End { .. } => "end",
            Self::Cursor { .. } => "cursor",
            Self::Sync { .. } => "sync",
            Self::Mouse { .. } => "mouse",
            Self::Key { .. } => "key",
            Self::Audio { .. } => "audio",
            Self::Clipboard { .. } => "clipboard",
            Self::OtherStream { .. } => "other stream",
            Self::Error { .. } => "error",
            Self::Nop => "nop",
            Self::Other { .. } => "other",
        }
    }

    /// Its timestamp, if it has one.
    pub fn timestamp(&self) -> Option<i64> {
        match *self {
            Self::Sync { timestamp } => Some(timestamp),
            Self::Mouse { timestamp, .. } | Self::Key { timestamp, .. } => timestamp,
            Self::Size { .. }
            | Self::Move { .. }
            | Self::Shade { .. }
            | Self::Dispose { .. }
            | Self::Rect { .. }
            | Self::Cfill { .. }
            | Self::Copy { .. }
            | Self::Transfer { .. }
            | Self::Vector { .. }
            | Self::Img { .. }
            | Self::InlineImage { .. }
            | Self::Blob { .. }
            | Self::End { .. }
            | Self::Cursor { .. }
            | Self::Audio { .. }
            | Self::Clipboard { .. }
            | Self::OtherStream { .. }
            | Self::Error { .. }
            | Self::Nop
            | Self::Other { .. } => None,
        }
    }

    /// Reads an opcode and its arguments. Missing or unreadable arguments make it [`Instruction::Other`].
    pub(super) fn read(opcode: &'a str, arguments: Arguments<'_, 'a>) -> Self {
        Self::read_known(opcode, arguments).unwrap_or(Self::Other { opcode })
    }

    fn read_known(opcode: &'a str, arg: Arguments<'_, 'a>) -> Option<Self> {
        Some(match opcode {
            "sync" => Self::Sync { timestamp: arg.timestamp(0)? },
            "mouse" => Self::Mouse {
                x: arg.int(0)?,
                y: arg.int(1)?,
                buttons: arg.unsigned(2).unwrap_or(0),
                timestamp: arg.timestamp(3),
            },
            "key" => {
                Self::Key { keysym: arg.unsigned(0)?, pressed: arg.int(1)? != 0, timestamp: arg.timestamp(2) }
            }
            "img" => Self::Img {
                stream: arg.int(0)?,
                mask: arg.byte(1)?,
                layer: arg.int(2)?,
                mimetype: arg.text(3)?,
                x: arg.int(4)?,
                y: arg.int(5)?,
            },
            "blob" => Self::Blob { stream: arg.int(0)?, data: arg.text(1)? },
            "end" => Self::End { stream: arg.int(0)? },
            "audio" => Self::Audio { stream: arg.int(0)?, mimetype: arg.text(1)? },
            "clipboard" => Self::Clipboard { stream: arg.int(0)?, mimetype: arg.text(1)? },
            "pipe" => arg.other_stream(0, OtherStreamKind::Pipe)?,
            "file" => arg.other_stream(0, OtherStreamKind::File)?,
            "body" => arg.other_stream(1, OtherStreamKind::File)?,
            "error" => Self::Error { text: arg.text(0)?, status: arg.int(1).unwrap_or(0) },
            "nop" => Self::Nop,
            _ => return Self::read_drawing(opcode, arg),
        })
    }

    fn read_drawing(opcode: &'a str, arg: Arguments<'_, 'a>) -> Option<Self> {
        Some(match opcode {
            "size" => Self::Size { layer: arg.int(0)?, width: arg.int(1)?, height: arg.int(2)? },
            "move" => Self::Move {
                layer: arg.int(0)?,
                parent: arg.int(1)?,
                x: arg.int(2)?,
                y: arg.int(3)?,
                z: arg.int(4)?,
            },
            "shade" => Self::Shade { layer: arg.int(0)?, opacity: arg.byte(1)? },
            "dispose" => Self::Dispose { layer: arg.int(0)? },
            "rect" => Self::Rect {
                layer: arg.int(0)?,
                x: arg.int(1)?,
                y: arg.int(2)?,
                width: arg.int(3)?,
                height: arg.int(4)?,
            },
            "cfill" => Self::Cfill { mask: arg.byte(0)?, layer: arg.int(1)?, color: arg.color(2)? },
            "cursor" => Self::Cursor {
                hot_x: arg.int(0)?,
                hot_y: arg.int(1)?,
                source: arg.int(2)?,
                source_x: arg.int(3)?,
                source_y: arg.int(4)?,
                width: arg.int(5)?,
                height: arg.int(6)?,
            },
            "copy" => arg.area_copy(|from, mask, layer, (x, y)| Self::Copy {
                source: from.layer,
                source_x: from.x,
                source_y: from.y,
                width: from.width,
                height: from.height,
                mask,
                layer,
                x,
                y,
            })?,
            "transfer" => arg.area_copy(|from, function, layer, (x, y)| Self::Transfer {
                source: from.layer,
                source_x: from.x,
                source_y: from.y,
                width: from.width,
                height: from.height,
                function,
                layer,
                x,
                y,
            })?,
            "png" | "jpeg" => Self::InlineImage {
                mimetype: if opcode == "png" { "image/png" } else { "image/jpeg" },
                mask: arg.byte(0)?,
                layer: arg.int(1)?,
                x: arg.int(2)?,
                y: arg.int(3)?,
                data: arg.text(4)?,
            },
            _ => {
                let (layer, vector) = Vector::read(opcode, arg)?;
                Self::Vector { layer, vector }
            }
        })
    }
}

/// The source of a `copy` or `transfer`.
struct SourceArea {
    layer: i32,
    x: i32,
    y: i32,
    width: i32,
    height: i32,
}

/// The arguments behind an opcode.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'e, 'a>(pub(super) &'e [&'a str]);

impl<'a> Arguments<'_, 'a> {
    pub(super) fn text(self, index: usize) -> Option<&'a str> {
        self.0.get(index).copied()
    }

    /// Whole numbers beyond 32 bits mean the nearest that fits: they are out of every picture anyway.
    pub(super) fn int(self, index: usize) -> Option<i32> {
        let value = self.timestamp(index)?;
        Some(i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX }))
    }

    fn unsigned(self, index: usize) -> Option<u32> {
        self.text(index)?.parse().ok()
    }

    pub(super) fn byte(self, index: usize) -> Option<u8> {
        u8::try_from(self.int(index)?).ok()
    }

    /// The four components of a colour, from `index` on.
    pub(super) fn color(self, index: usize) -> Option<Color> {
        Some(Color {
            red: self.byte(index)?,
            green: self.byte(index + 1)?,
            blue: self.byte(index + 2)?,
            alpha: self.byte(index + 3)?,
        })
    }

    fn timestamp(self, index: usize) -> Option<i64> {
        self.text(index)?.parse().ok()
    }

    /// A stream whose index is the argument `first`; mimetype and name follow it.
    fn other_stream(self, first: usize, kind: OtherStreamKind) -> Option<Instruction<'a>> {
        let text = |index| self.text(index).unwrap_or_default();
        let (mimetype, name) = (text(first + 1), text(first + 2));
        Some(Instruction::OtherStream { stream: self.int(first)?, kind, mimetype, name })
    }

    fn area_copy(
        self,
        make: impl FnOnce(SourceArea, u8, i32, (i32, i32)) -> Instruction<'a>,
    ) -> Option<Instruction<'a>> {
        let source = SourceArea {
            layer: self.int(0)?,
            x: self.int(1)?,
            y: self.int(2)?,
            width: self.int(3)?,
            height: self.int(4)?,
        };
        Some(make(source, self.byte(5)?, self.int(6)?, (self.int(7)?, self.int(8)?)))
    }
}
