//! The mouse pointer, which is shown over the canvas and is part of no layer.

use super::mask::{Mask, Pixel};
use super::place::{Placed, Position};
use super::surface::Surface;
use crate::geometry::{Rect, Size};
use crate::picture::Picture;

/// The pointer's state. It is hidden until the first `mouse`.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    image: Surface,
    hot: Position,
    tip: Option<Position>,
    revision: u64,
}

/// What a pointer is made of.
pub(super) struct Pointer<'a> {
    pub(super) image: &'a Surface,
    pub(super) hot: Position,
    pub(super) tip: Option<Position>,
}

impl Cursor {
    /// Sets the image. Recordings often repeat the same one.
    pub(super) fn set(&mut self, image: Surface, hot_x: i32, hot_y: i32) {
        let hot = Position::new(hot_x, hot_y);
        if self.image != image || self.hot != hot {
            self.image = image;
            self.hot = hot;
            self.revision += 1;
        }
    }

    pub(super) fn move_to(&mut self, x: i32, y: i32) {
        self.tip = Some(Position::new(x, y));
    }

    /// All of it, but for the revision: that is compared within one canvas only.
    pub(super) fn state(&self) -> Pointer<'_> {
        let Self { image, hot, tip, revision: _ } = self;
        Pointer { image, hot: *hot, tip: *tip }
    }

    /// What is shown on a screen of `screen` pixels.
    pub(super) fn image(&self, screen: Size) -> Option<CursorImage<'_>> {
        let tip = self.tip.filter(|_| self.image.size().area() > 0)?;
        let corner = Position { x: tip.x - self.hot.x, y: tip.y - self.hot.y };
        Some(CursorImage { image: &self.image, corner, screen, revision: self.revision })
    }
}

/// The mouse pointer as it is shown at one moment.
///
/// To know what to redraw, keep [`Self::area`] and [`Self::revision`]: when either differs from the last
/// frame's, the old and the new area changed.
#[derive(Debug, Clone, Copy)]
pub struct CursorImage<'a> {
    image: &'a Surface,
    corner: Position,
    screen: Size,
    revision: u64,
}

impl CursorImage<'_> {
    /// Position of the top left pixel: the mouse minus the hot spot. It may lie outside the screen.
    pub fn corner(&self) -> (i64, i64) {
        (self.corner.x, self.corner.y)
    }

    /// Width and height, not cut to the screen.
    pub fn size(&self) -> Size {
        self.image.size()
    }

    /// Premultiplied RGBA, row by row.
    pub fn pixels(&self) -> &[Pixel] {
        self.image.pixels()
    }

    /// A number that differs whenever the image or its hot spot does.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The part of the screen that it covers.
    pub fn area(&self) -> Rect {
        self.placed().to
    }

    /// Draws the part inside `area` on a flattened picture.
    pub fn draw(&self, area: Rect, picture: &mut Picture) {
        let placed = self.placed();
        let to = placed.to.intersection(&area).intersection(&Rect::of_size(picture.size));
        if to.is_empty() {
            return;
        }
        for y in to.top..to.bottom {
            let from_x = placed.from_x + (to.left - placed.to.left);
            let from_y = placed.from_y + (y - placed.to.top);
            let from = self.image.row(from_y, from_x, from_x + to.width());
            Mask::Over.composite(picture.row_mut(y, to.left, to.right), from);
        }
    }

    fn placed(&self) -> Placed {
        Placed::new(Rect::of_size(self.image.size()), self.corner, self.screen)
    }
}
