//! All visible layers as one picture.

use super::layer::Distortion;
use super::layers::Layers;
use super::mask::{Mask, Pixel, TRANSPARENT, fade};
use super::paint::{Brush, Paint};
use super::place::{Placed, Position, signed};
use super::shape::{self, Shape, float, real};
use super::surface::Surface;
use crate::geometry::{Rect, Size};
use crate::matrix::Matrix;
use crate::picture::Picture;

/// Rows of a translucent group that are drawn together: bounds the memory of groups within groups.
const BAND_ROWS: usize = 16;

/// Draws `area` of all visible layers on black.
pub(super) fn flatten(layers: &Layers, area: Rect, picture: &mut Picture) {
    let area = area.intersection(&Rect::of_size(picture.size));
    for y in area.top..area.bottom {
        picture.row_mut(y, area.left, area.right).fill([0, 0, 0, 255]);
    }
    let mut target = Target { width: picture.size.width, left: 0, top: 0, pixels: &mut picture.pixels };
    if let Some(screen) = Node::new(layers, 0) {
        screen.show(Position::default(), area, &mut target);
    }
}

/// A visible layer and those inside it, from the lowest to the highest.
struct Node<'a> {
    surface: &'a Surface,
    position: Position,
    opacity: u8,
    /// From its pixels to those of its parent, and back, where it is not only moved.
    distortion: Option<(Matrix, Matrix)>,
    /// Whether it or a layer inside it is distorted.
    warped: bool,
    children: Vec<Self>,
}

impl<'a> Node<'a> {
    /// The tree below a layer, or nothing if the layer cannot be seen.
    fn new(layers: &'a Layers, index: i32) -> Option<Self> {
        let layer = layers.get(index)?;
        let opacity = layer.placement.opacity;
        if opacity == 0 || layer.surface.size().area() == 0 {
            return None;
        }
        // The limit of visible layers bounds this recursion, and a tree has no cycles.
        let children = layers.children(index).into_iter().filter_map(|child| Self::new(layers, child));
        let children: Vec<_> = children.collect();
        let distortion = match layer.distortion() {
            None => None,
            Some(Distortion::Seen { there, back }) => Some((there, back)),
            Some(Distortion::Invisible) => return None,
        };
        Some(Self {
            surface: &layer.surface,
            position: layer.placement.position(),
            opacity,
            distortion,
            warped: distortion.is_some() || children.iter().any(|child| child.warped),
            children,
        })
    }

    /// Draws the part inside `clip` in its place; `corner` is that of the parent.
    fn show(&self, corner: Position, clip: Rect, target: &mut Target<'_>) {
        match &self.distortion {
            None => self.draw(corner.plus(self.position.x, self.position.y), clip, target),
            Some((there, back)) => self.draw_distorted([there, back], corner, clip, target),
        }
    }

    /// Draws the part inside `clip`, with the layer's top left at `corner`.
    fn draw(&self, corner: Position, clip: Rect, target: &mut Target<'_>) {
        let clip = self.place(corner).to.intersection(&clip);
        if clip.is_empty() {
            return;
        }
        if self.opacity == 255 || self.children.is_empty() {
            self.draw_rows(corner, clip, self.opacity, target);
            self.draw_children(corner, clip, target);
            return;
        }
        // Layers inside a translucent one cover each other first, and are translucent together. A distorted one
        // among them is drawn once: bands of it would overlap.
        let band_rows = if self.warped { clip.height() } else { BAND_ROWS.min(clip.height()) };
        let mut group = vec![TRANSPARENT; clip.width() * band_rows];
        for top in (clip.top..clip.bottom).step_by(band_rows) {
            let band = Rect { top, bottom: clip.bottom.min(top + band_rows), ..clip };
            group.fill(TRANSPARENT);
            let mut inner = Target { width: clip.width(), left: clip.left, top, pixels: &mut group };
            self.draw_rows(corner, band, 255, &mut inner);
            self.draw_children(corner, band, &mut inner);
            for y in band.top..band.bottom {
                let row = inner.row_mut(y, clip.left, clip.right);
                fade(row, self.opacity);
                Mask::Over.composite(target.row_mut(y, clip.left, clip.right), row);
            }
        }
    }

    fn draw_children(&self, corner: Position, clip: Rect, target: &mut Target<'_>) {
        for child in &self.children {
            child.show(corner, clip, target);
        }
    }

    /// Draws the part inside `clip`, transformed; `corner` is that of the parent.
    fn draw_distorted(
        &self,
        [there, back]: [&Matrix; 2],
        corner: Position,
        clip: Rect,
        target: &mut Target<'_>,
    ) {
        let corner = Matrix::moving(real(corner.x), real(corner.y));
        let away = Matrix::moving(-corner.e, -corner.f);
        let (Some(there), Some(back)) = (corner.after(there), back.after(&away)) else { return };
        let size = self.surface.size();
        let shape = Shape::of_box(size, &there);
        let clip = shape.bounds(Size { width: clip.right, height: clip.bottom }).intersection(&clip);
        let seen = shape::landing(clip, &back, size);
        if seen.is_empty() {
            return;
        }
        let mut group = Surface::new(Size { width: seen.width(), height: seen.height() });
        let (width, pixels) = (seen.width(), group.pixels_mut());
        let mut inner = Target { left: seen.left, top: seen.top, width, pixels };
        self.draw_rows(Position::default(), seen, 255, &mut inner);
        self.draw_children(Position::default(), seen, &mut inner);
        let Some(to_source) = Matrix::moving(-float(seen.left), -float(seen.top)).after(&back) else {
            return;
        };
        let paint =
            Paint::Picture { source: &group, area: Rect::of_size(group.size()), to_source, repeats: false };
        Brush { shape, clips: &[], paint }.rows(clip, |y, row, _| {
            fade(row, self.opacity);
            Mask::Over.composite(target.row_mut(y, clip.left, clip.right), row);
        });
    }

    /// Draws the layer's own pixels on `clip`, which lies inside it.
    fn draw_rows(&self, corner: Position, clip: Rect, opacity: u8, target: &mut Target<'_>) {
        let placed = self.place(corner);
        let mut faded = Vec::new();
        for y in clip.top..clip.bottom {
            let from_x = placed.from_x + (clip.left - placed.to.left);
            let from_y = placed.from_y + (y - placed.to.top);
            let mut from = self.surface.row(from_y, from_x, from_x + clip.width());
            if opacity < 255 {
                faded.clear();
                faded.extend_from_slice(from);
                fade(&mut faded, opacity);
                from = &faded;
            }
            Mask::Over.composite(target.row_mut(y, clip.left, clip.right), from);
        }
    }

    /// The layer on an endless screen: cut on the left and the top only.
    fn place(&self, corner: Position) -> Placed {
        let size = self.surface.size();
        let end = |start: i64, length: usize| {
            usize::try_from(start.saturating_add(signed(length)).max(0)).unwrap_or(usize::MAX)
        };
        let endless = Size { width: end(corner.x, size.width), height: end(corner.y, size.height) };
        Placed::new(Rect::of_size(size), corner, endless)
    }
}

/// Pixels to draw on, in coordinates of the screen.
struct Target<'a> {
    /// The screen's column and row of the first pixel.
    left: usize,
    top: usize,
    /// Pixels in a row.
    width: usize,
    pixels: &'a mut [Pixel],
}

impl Target<'_> {
    fn row_mut(&mut self, y: usize, left: usize, right: usize) -> &mut [Pixel] {
        let start = (y - self.top) * self.width;
        &mut self.pixels[start + (left - self.left)..start + (right - self.left)]
    }
}
