//! The pixels of a surface, divided into what another one holds at the same place and what only it has.

use super::mask::{Pixel, TRANSPARENT, unpremultiply};
use super::surface::Surface;
use crate::geometry::Rect;
use std::ops::Range;

/// Side of the squares that are compared: guacd updates a screen in cells of this size.
const TILE_PIXELS: usize = 64;

/// What one square of a surface holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tile {
    Transparent,
    /// The same as another surface, by its place among the candidates.
    Same(usize),
    Own,
}

/// A surface, divided.
pub(super) struct Content<'a> {
    surface: &'a Surface,
    columns: usize,
    /// Row by row.
    tiles: Vec<Tile>,
    own: Rect,
}

/// An area that a candidate holds too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shared {
    pub(super) candidate: usize,
    pub(super) area: Rect,
}

impl<'a> Content<'a> {
    /// Divides `surface`, which is transparent outside of `area`.
    pub(super) fn new(surface: &'a Surface, area: Rect, candidates: &[&Surface]) -> Self {
        let size = surface.size();
        let columns = size.width.div_ceil(TILE_PIXELS);
        let mut tiles = vec![Tile::Transparent; columns * size.height.div_ceil(TILE_PIXELS)];
        let mut own = Rect::default();
        for (index, tile) in tiles.iter_mut().enumerate() {
            let square = square(index, columns).intersection(&area);
            *tile = classify(surface, square, candidates);
            if *tile == Tile::Own {
                own = own.union(&square);
            }
        }
        Self { surface, columns, tiles, own }
    }

    /// The box around all that no candidate holds.
    pub(super) fn own(&self) -> Rect {
        self.own
    }

    /// The areas that candidates hold: disjoint.
    pub(super) fn shared(&self) -> Vec<Shared> {
        let mut areas = Vec::new();
        let mut above = 0..0;
        for (row, tiles) in self.tiles.chunks(self.columns.max(1)).enumerate() {
            let first = areas.len();
            let mut column = 0;
            for run in tiles.chunk_by(|left, right| left == right) {
                let start = row * self.columns + column;
                column += run.len();
                if let Tile::Same(candidate) = run[0] {
                    let ends =
                        square(start, self.columns).union(&square(start + run.len() - 1, self.columns));
                    let area = ends.intersection(&Rect::of_size(self.surface.size()));
                    areas.push(Shared { candidate, area });
                }
            }
            above = join_rows(&mut areas, above, first);
        }
        areas
    }

    /// The pixels of `area` with straight alpha; what candidates hold is transparent.
    pub(super) fn straight(&self, area: Rect) -> Vec<Pixel> {
        let mut pixels = vec![TRANSPARENT; area.area()];
        for (index, tile) in self.tiles.iter().enumerate() {
            let part = square(index, self.columns).intersection(&area);
            if *tile != Tile::Own || part.is_empty() {
                continue;
            }
            for y in part.top..part.bottom {
                let start = (y - area.top) * area.width() + (part.left - area.left);
                let from = self.surface.row(y, part.left, part.right);
                pixels[start..start + part.width()].copy_from_slice(from);
            }
        }
        for pixel in pixels.iter_mut().filter(|pixel| pixel[3] < 255) {
            *pixel = unpremultiply(*pixel);
        }
        pixels
    }
}

/// Joins the areas from `first` on with those that end above them, if both rows have the same columns. Answers
/// where the areas that end in the last row stand.
fn join_rows(areas: &mut Vec<Shared>, above: Range<usize>, first: usize) -> Range<usize> {
    let (upper, lower) = (&areas[above.clone()], &areas[first..]);
    let continues = |(upper, lower): (&Shared, &Shared)| {
        let columns = |shared: &Shared| (shared.candidate, shared.area.left, shared.area.right);
        columns(upper) == columns(lower)
    };
    if lower.is_empty() || upper.len() != lower.len() || !upper.iter().zip(lower).all(continues) {
        return first..areas.len();
    }
    for (upper, lower) in above.clone().zip(first..) {
        areas[upper].area.bottom = areas[lower].area.bottom;
    }
    areas.truncate(first);
    above
}

/// The square of a tile, not cut to its surface.
fn square(index: usize, columns: usize) -> Rect {
    let (left, top) = (index % columns * TILE_PIXELS, index / columns * TILE_PIXELS);
    Rect { left, top, right: left + TILE_PIXELS, bottom: top + TILE_PIXELS }
}

fn classify(surface: &Surface, square: Rect, candidates: &[&Surface]) -> Tile {
    if is_all(surface, square, TRANSPARENT) {
        return Tile::Transparent;
    }
    let holder = candidates.iter().position(|other| is_same(surface, square, other));
    holder.map_or(Tile::Own, Tile::Same)
}

/// Whether `other` holds the same pixels as `surface` in `area`.
pub(super) fn is_same(surface: &Surface, area: Rect, other: &Surface) -> bool {
    let row = |y| (surface.row(y, area.left, area.right), other.row(y, area.left, area.right));
    area.is_empty()
        || Rect::of_size(other.size()).contains(&area)
            && (area.top..area.bottom).map(row).all(|(own, others)| own == others)
}

/// Whether `area` has only this colour.
pub(super) fn is_all(surface: &Surface, area: Rect, color: Pixel) -> bool {
    let row = |y| surface.row(y, area.left, area.right);
    (area.top..area.bottom).all(|y| row(y).iter().all(|&pixel| pixel == color))
}

/// The box around what is not transparent.
pub(super) fn bounds(surface: &Surface) -> Rect {
    let size = surface.size();
    let mut bounds = Rect::default();
    for y in 0..size.height {
        let row = surface.row(y, 0, size.width);
        let is_drawn = |&pixel: &Pixel| pixel != TRANSPARENT;
        if let (Some(left), Some(last)) = (row.iter().position(is_drawn), row.iter().rposition(is_drawn)) {
            bounds = bounds.union(&Rect { left, top: y, right: last + 1, bottom: y + 1 });
        }
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;

    const OPAQUE: Pixel = [1, 2, 3, 255];

    /// Transparent, but for the area that has one colour.
    fn painted(size: Size, area: Rect, color: Pixel) -> Surface {
        let mut surface = Surface::new(size);
        for y in area.top..area.bottom {
            let row = y * size.width;
            surface.pixels_mut()[row + area.left..row + area.right].fill(color);
        }
        surface
    }

    #[test]
    fn what_another_surface_holds_is_shared_and_the_rest_is_own() {
        let size = Size { width: 200, height: 150 };
        let whole = Rect::of_size(size);
        let older = painted(size, whole, OPAQUE);
        let mut surface = older.clone();
        surface.pixels_mut()[70 * 200 + 130] = [0, 0, 0, 255];
        let content = Content::new(&surface, bounds(&surface), &[&older]);
        let area =
            |left, top, right, bottom| Shared { candidate: 0, area: Rect { left, top, right, bottom } };
        assert_eq!(
            content.shared(),
            [area(0, 0, 200, 64), area(0, 64, 128, 128), area(192, 64, 200, 128), area(0, 128, 200, 150)]
        );
        assert_eq!(content.own(), Rect { left: 128, top: 64, right: 192, bottom: 128 });
        let copied = content.straight(whole).iter().filter(|&&pixel| pixel == TRANSPARENT).count();
        assert_eq!(copied, whole.area() - 64 * 64);
    }

    #[test]
    fn equal_rows_of_squares_are_one_area_and_transparent_ones_none() {
        let size = Size { width: 130, height: 190 };
        let left = Rect { left: 3, top: 5, right: 64, bottom: 190 };
        let surface = painted(size, left, [9, 9, 9, 99]);
        assert_eq!(bounds(&surface), left);
        let content = Content::new(&surface, left, &[&surface]);
        let shared = Shared { candidate: 0, area: Rect { left: 0, top: 0, right: 64, bottom: 190 } };
        assert_eq!((content.shared(), content.own()), (vec![shared], Rect::default()));
        let empty = Surface::new(size);
        assert_eq!(bounds(&empty), Rect::default());
        let content = Content::new(&empty, Rect::default(), &[&surface]);
        assert_eq!((content.shared(), content.own()), (Vec::new(), Rect::default()));
    }
}
