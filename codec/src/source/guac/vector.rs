//! Drawing beyond rectangles and images: paths, strokes, patterns, clips and transforms.
//!
//! guacd before 1.0 could send these; `Client.js` of guacamole-common-js draws all of them.

use super::instruction::{Arguments, Color};
use crate::matrix::Matrix;

/// One operation on the path, the state or the pixels of a layer. Coordinates are pixels before the transform
/// of the layer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the fields carry the protocol's own argument names")]
pub enum Vector {
    /// Begins a sub-path.
    Start { x: i32, y: i32 },
    /// Adds a line.
    Line { x: i32, y: i32 },
    /// Adds a cubic Bézier curve.
    Curve { x1: i32, y1: i32, x2: i32, y2: i32, x: i32, y: i32 },
    /// Adds a line to a circular arc, and the arc. Angles are radians, clockwise from the right.
    Arc(Arc),
    /// Closes the sub-path and ends the path.
    Close,
    /// Cuts what is drawn later to the path.
    Clip,
    /// Fills the path with another layer, which is repeated.
    Lfill { mask: u8, source: i32 },
    /// Strokes the path with a colour.
    Cstroke { mask: u8, pen: Pen, color: Color },
    /// Strokes the path with another layer, which is repeated.
    Lstroke { mask: u8, pen: Pen, source: i32 },
    /// Saves transform, clip and pen.
    Push,
    /// Brings the last saved ones back.
    Pop,
    /// Forgets the path and all states.
    Reset,
    /// Forgets the transform.
    Identity,
    /// Transforms what is drawn later, before the transforms so far.
    Transform(Matrix),
    /// Sets how far a pointed corner of a stroke may reach, in half widths of the stroke.
    MiterLimit(f64),
    /// Transforms the visible layer itself.
    Distort(Matrix),
}

/// A part of a circle.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the fields carry the protocol's own argument names")]
pub struct Arc {
    pub x: i32,
    pub y: i32,
    pub radius: i32,
    pub start: f64,
    pub end: f64,
    /// Against the clock.
    pub negative: bool,
}

/// The shape of a stroke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pen {
    /// How it ends.
    pub cap: LineCap,
    /// How it turns.
    pub join: LineJoin,
    /// Its width in pixels; 0 or less means that of the last stroke.
    pub thickness: i32,
}

/// How a stroke ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineCap {
    /// At the point.
    Butt,
    /// With half a circle.
    Round,
    /// With half a square.
    Square,
}

/// How a stroke turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineJoin {
    /// With a cut corner.
    Bevel,
    /// With a pointed corner.
    Miter,
    /// With a part of a circle.
    Round,
}

impl Vector {
    /// The opcode.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Line { .. } => "line",
            Self::Curve { .. } => "curve",
            Self::Arc(_) => "arc",
            Self::Close => "close",
            Self::Clip => "clip",
            Self::Lfill { .. } => "lfill",
            Self::Cstroke { .. } => "cstroke",
            Self::Lstroke { .. } => "lstroke",
            Self::Push => "push",
            Self::Pop => "pop",
            Self::Reset => "reset",
            Self::Identity => "identity",
            Self::Transform(_) => "transform",
            Self::MiterLimit(_) => "set",
            Self::Distort(_) => "distort",
        }
    }

    /// Reads an operation and the layer that it is for.
    pub(super) fn read(opcode: &str, arg: Arguments<'_, '_>) -> Option<(i32, Self)> {
        let vector = match opcode {
            "lfill" => Self::Lfill { mask: arg.byte(0)?, source: arg.int(2)? },
            "cstroke" => Self::Cstroke { mask: arg.byte(0)?, pen: arg.pen()?, color: arg.color(5)? },
            "lstroke" => Self::Lstroke { mask: arg.byte(0)?, pen: arg.pen()?, source: arg.int(5)? },
            _ => return Some((arg.int(0)?, Self::read_unmasked(opcode, arg)?)),
        };
        Some((arg.int(1)?, vector))
    }

    fn read_unmasked(opcode: &str, arg: Arguments<'_, '_>) -> Option<Self> {
        Some(match opcode {
            "start" => Self::Start { x: arg.int(1)?, y: arg.int(2)? },
            "line" => Self::Line { x: arg.int(1)?, y: arg.int(2)? },
            "curve" => Self::Curve {
                x1: arg.int(1)?,
                y1: arg.int(2)?,
                x2: arg.int(3)?,
                y2: arg.int(4)?,
                x: arg.int(5)?,
                y: arg.int(6)?,
            },
            "arc" => Self::Arc(Arc {
                x: arg.int(1)?,
                y: arg.int(2)?,
                radius: arg.int(3)?,
                start: arg.number(4)?,
                end: arg.number(5)?,
                negative: arg.int(6)? != 0,
            }),
            "close" => Self::Close,
            "clip" => Self::Clip,
            "push" => Self::Push,
            "pop" => Self::Pop,
            "reset" => Self::Reset,
            "identity" => Self::Identity,
            "transform" => Self::Transform(arg.matrix()?),
            "distort" => Self::Distort(arg.matrix()?),
            "set" if arg.text(1)? == "miter-limit" => Self::MiterLimit(arg.number(2)?),
            _ => return None,
        })
    }
}

impl Arguments<'_, '_> {
    /// A finite number.
    fn number(self, index: usize) -> Option<f64> {
        self.text(index)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    fn matrix(self) -> Option<Matrix> {
        Some(Matrix {
            a: self.number(1)?,
            b: self.number(2)?,
            c: self.number(3)?,
            d: self.number(4)?,
            e: self.number(5)?,
            f: self.number(6)?,
        })
    }

    fn pen(self) -> Option<Pen> {
        let cap = match self.int(2)? {
            0 => LineCap::Butt,
            1 => LineCap::Round,
            2 => LineCap::Square,
            _ => return None,
        };
        let join = match self.int(3)? {
            0 => LineJoin::Bevel,
            1 => LineJoin::Miter,
            2 => LineJoin::Round,
            _ => return None,
        };
        Some(Pen { cap, join, thickness: self.int(4)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(i32, Vector)> {
        let (opcode, arguments) = text.split_once(' ').unwrap();
        Vector::read(opcode, Arguments(&arguments.split(' ').collect::<Vec<_>>()))
    }

    #[test]
    fn arguments_come_in_the_order_of_the_protocol() {
        let pen = Pen { cap: LineCap::Square, join: LineJoin::Bevel, thickness: 3 };
        let color = Color { red: 1, green: 2, blue: 3, alpha: 4 };
        let matrix = Matrix { a: 1.0, b: 2.5, c: -3.0, d: 4e-1, e: 5.0, f: 6.0 };
        let arc = Arc { x: 1, y: 2, radius: 3, start: 0.5, end: -1.5, negative: true };
        for (text, expected) in [
            ("start 9 1 2", Vector::Start { x: 1, y: 2 }),
            ("line 9 1 2", Vector::Line { x: 1, y: 2 }),
            ("curve 9 1 2 3 4 5 6", Vector::Curve { x1: 1, y1: 2, x2: 3, y2: 4, x: 5, y: 6 }),
            ("arc 9 1 2 3 0.5 -1.5 1", Vector::Arc(arc)),
            ("close 9", Vector::Close),
            ("clip 9", Vector::Clip),
            ("lfill 14 9 -7", Vector::Lfill { mask: 14, source: -7 }),
            ("cstroke 14 9 2 0 3 1 2 3 4", Vector::Cstroke { mask: 14, pen, color }),
            ("lstroke 14 9 2 0 3 -7", Vector::Lstroke { mask: 14, pen, source: -7 }),
            ("push 9", Vector::Push),
            ("pop 9", Vector::Pop),
            ("reset 9", Vector::Reset),
            ("identity 9", Vector::Identity),
            ("transform 9 1 2.5 -3 4e-1 5 6", Vector::Transform(matrix)),
            ("set 9 miter-limit 2.5", Vector::MiterLimit(2.5)),
            ("distort 9 1 2.5 -3 4e-1 5 6", Vector::Distort(matrix)),
        ] {
            assert_eq!(read(text), Some((9, expected)), "{text}");
            assert_eq!(text.split(' ').next(), Some(expected.name()));
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_drawing() {
        for text in [
            "cstroke 14 9 3 0 3 1 2 3 4",
            "cstroke 14 9 0 3 3 1 2 3 4",
            "transform 9 1 0 0 1 0",
            "transform 9 1 0 0 1 0 inf",
            "distort 9 NaN 0 0 1 0 0",
            "arc 9 1 2 3 0.5 1e999 1",
            "set 9 multi-touch 1",
            "undefine 9",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
