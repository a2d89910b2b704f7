//! Pixels that were drawn elsewhere.

use super::canvas::Canvas;
use crate::geometry::Rect;

impl Canvas {
    /// Puts opaque pixels, row by row, on an area of the screen; what lies outside of the screen is not seen.
    pub(crate) fn put(&mut self, area: Rect, pixels: &[[u8; 4]]) {
        let inside = area.intersection(&Rect::of_size(self.size()));
        if inside.is_empty() {
            return;
        }
        let mut surface = self.layers.take_surface(0);
        let rows = pixels.chunks(area.width()).skip(inside.top - area.top).take(inside.height());
        for (y, row) in (inside.top..).zip(rows) {
            let columns = inside.left - area.left..inside.right - area.left;
            if let Some(row) = row.get(columns) {
                surface.row_mut(y, inside.left, inside.right).copy_from_slice(row);
            }
        }
        self.layers.put_surface(0, surface);
        self.damage_area(0, inside);
    }
}
