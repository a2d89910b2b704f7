//! One layer or buffer.

use super::path::Path;
use super::place::Position;
use super::surface::Surface;

/// The state of a layer or buffer.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    pub(super) surface: Surface,
    pub(super) path: Path,
    /// Of a visible layer.
    pub(super) placement: Placement,
}

/// Where a visible layer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placement {
    /// `None` for layer 0, and for a layer whose parent was disposed of: that one is not shown.
    pub(super) parent: Option<i32>,
    /// When it came to its parent: siblings of the same `z` are shown in this order.
    pub(super) attached: u64,
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) z: i32,
    pub(super) opacity: u8,
}

impl Placement {
    pub(super) fn position(&self) -> Position {
        Position::new(self.x, self.y)
    }
}

impl Default for Placement {
    fn default() -> Self {
        Self { parent: None, attached: 0, x: 0, y: 0, z: 0, opacity: 255 }
    }
}
