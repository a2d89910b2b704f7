//! One layer or buffer.

use super::drawing::Drawing;
use super::place::Position;
use super::shape::float;
use super::surface::Surface;
use crate::geometry::Size;
use crate::matrix::Matrix;

/// The state of a layer or buffer.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    pub(super) surface: Surface,
    pub(super) drawing: Drawing,
    /// Of a visible layer.
    pub(super) placement: Placement,
}

impl Layer {
    /// From the layer's pixels to those of its parent, unless it is only moved there.
    pub(super) fn distortion(&self) -> Option<Distortion> {
        let Placement { matrix, x, y, .. } = self.placement;
        if matrix == Matrix::IDENTITY {
            return None;
        }
        let Size { width, height } = self.surface.size();
        let middle = (float(width) / 2.0, float(height) / 2.0);
        let there = Matrix::moving(f64::from(x) + middle.0, f64::from(y) + middle.1).after(&matrix);
        let there = there.and_then(|there| there.after(&Matrix::moving(-middle.0, -middle.1)));
        let both = there.and_then(|there| Some((there, there.inverse()?)));
        Some(both.map_or(Distortion::Invisible, |(there, back)| Distortion::Seen { there, back }))
    }
}

/// How a layer is shown that is not only moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Distortion {
    /// From its pixels to those of its parent, and back.
    Seen { there: Matrix, back: Matrix },
    /// It has no area.
    Invisible,
}

/// Where a visible layer is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placement {
    /// `None` for layer 0, and for a layer whose parent was disposed of: that one is not shown.
    pub(super) parent: Option<i32>,
    /// When it came to its parent: siblings of the same `z` are shown in this order.
    pub(super) attached: u64,
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) z: i32,
    pub(super) opacity: u8,
    /// How it is transformed in its place, about its middle.
    pub(super) matrix: Matrix,
}

impl Placement {
    pub(super) fn position(&self) -> Position {
        Position::new(self.x, self.y)
    }
}

impl Default for Placement {
    fn default() -> Self {
        Self { parent: None, attached: 0, x: 0, y: 0, z: 0, opacity: 255, matrix: Matrix::IDENTITY }
    }
}
