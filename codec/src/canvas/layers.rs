//! All layers and buffers, and their limits.

use super::drawing::Drawing;
use super::error::DrawError;
use super::layer::{Distortion, Layer, Placement};
use super::mask::Pixel;
use super::place::{Placed, signed};
use super::shape;
use super::surface::Surface;
use crate::geometry::{Rect, Size};
use crate::limits::Limits;
use crate::matrix::Matrix;
use std::collections::BTreeMap;

/// The layers by index: 0 is the screen, above are visible layers, below are off-screen buffers.
///
/// INVARIANT: layer 0 exists; parents form a tree; `pixels` is the sum of all areas, `segments` that of what all
/// drawings hold, `buffers` the number of negative indexes.
#[derive(Debug)]
pub(super) struct Layers {
    limits: Limits,
    by_index: BTreeMap<i32, Layer>,
    /// How many of them are buffers.
    buffers: usize,
    pixels: usize,
    segments: usize,
    attachments: u64,
}

impl Layers {
    pub(super) fn new(limits: Limits) -> Self {
        let by_index = BTreeMap::from([(0, Layer::default())]);
        Self { limits, by_index, buffers: 0, pixels: 0, segments: 0, attachments: 0 }
    }

    /// How many visible layers there are, layer 0 included.
    pub(super) fn visible_count(&self) -> usize {
        self.by_index.len() - self.buffers
    }

    /// The parts of the screen that the visible layers cover, and those of them that are distorted or inside of a
    /// distorted one.
    pub(super) fn visible_areas(&self) -> (Vec<Rect>, Vec<Rect>) {
        let is_plain = |at: i32| self.get(at).is_none_or(|layer| layer.placement.matrix == Matrix::IDENTITY);
        let (mut all, mut distorted) = (Vec::new(), Vec::new());
        for (&index, layer) in self.by_index.range(0..) {
            let area = self.on_screen(index, Rect::of_size(layer.surface.size()));
            if area.is_empty() {
                continue;
            }
            all.push(area);
            if !self.ancestors(index).all(is_plain) {
                distorted.push(area);
            }
        }
        (all, distorted)
    }

    /// Memory of all layers, and of the two pictures of the screen that are shown, with and without the pointer.
    pub(super) fn bytes(&self) -> usize {
        picture_bytes(self.pixels, self.size_of(0).area())
    }

    pub(super) fn get(&self, index: i32) -> Option<&Layer> {
        self.by_index.get(&index)
    }

    /// The size of a layer; a missing one has none.
    pub(super) fn size_of(&self, index: i32) -> Size {
        self.get(index).map_or_else(Size::default, |layer| layer.surface.size())
    }

    /// The layer to draw on. A missing visible one is created as large as the screen, a buffer empty.
    pub(super) fn target(&mut self, index: i32) -> Result<&mut Layer, DrawError> {
        if !self.by_index.contains_key(&index) {
            self.create(index, if index < 0 { Size::default() } else { self.size_of(0) })?;
        }
        Ok(self.by_index.entry(index).or_default())
    }

    /// Sets the size of a layer, and creates it where it is missing.
    pub(super) fn resize(&mut self, index: i32, width: i64, height: i64) -> Result<(), DrawError> {
        let limit_pixels = self.limits.side_pixels;
        let side = |length: i64| usize::try_from(length.max(0)).ok().filter(|&side| side <= limit_pixels);
        let (Some(columns), Some(rows)) = (side(width), side(height)) else {
            return Err(DrawError::Side { layer: index, width, height, limit_pixels });
        };
        let size = Size { width: columns, height: rows };
        if !self.by_index.contains_key(&index) {
            return self.create(index, size);
        }
        if self.size_of(index) == size {
            return Ok(());
        }
        self.count_pixels(index, self.size_of(index), size)?;
        self.target(index)?.surface.resize(size);
        // A canvas of another size begins anew.
        self.draw(index, |drawing| *drawing = Drawing::default())
    }

    /// Lets `change` change what is prepared for the drawing on a layer.
    pub(super) fn draw(&mut self, index: i32, change: impl FnOnce(&mut Drawing)) -> Result<(), DrawError> {
        let drawing = &mut self.target(index)?.drawing;
        let before = drawing.weight();
        change(drawing);
        let after = drawing.weight();
        self.segments = self.segments - before + after;
        Ok(())
    }

    /// Segments and saved states of all layers.
    pub(super) fn segments(&self) -> usize {
        self.segments
    }

    /// Makes a buffer large enough for a drawing that ends at `right` and `bottom`. Layers do not grow.
    pub(super) fn fit(&mut self, index: i32, right: i64, bottom: i64) -> Result<(), DrawError> {
        self.target(index)?;
        let size = self.size_of(index);
        let (width, height) = (right.max(signed(size.width)), bottom.max(signed(size.height)));
        if index >= 0 || (width, height) == (signed(size.width), signed(size.height)) {
            return Ok(());
        }
        self.resize(index, width, height)
    }

    /// Pixels of all of them.
    pub(super) fn pixels(&self) -> usize {
        self.pixels
    }

    /// All of them: the screen, the buffers from the newest index down, the visible layers as they came to their
    /// parents.
    pub(super) fn in_order(&self) -> Vec<(i32, &Layer)> {
        let Self { limits: _, by_index, buffers: _, pixels: _, segments: _, attachments: _ } = self;
        let mut layers: Vec<_> = by_index.iter().map(|(&index, layer)| (index, layer)).collect();
        layers.sort_by_key(|(index, layer)| (*index > 0, layer.placement.attached, -i64::from(*index)));
        layers
    }

    /// Takes the pixels of an existing layer away, to draw on them with the others in view.
    pub(super) fn take_surface(&mut self, index: i32) -> Surface {
        self.by_index.get_mut(&index).map(|layer| std::mem::take(&mut layer.surface)).unwrap_or_default()
    }

    /// Puts the pixels of [`Self::take_surface`] back.
    pub(super) fn put_surface(&mut self, index: i32, surface: Surface) {
        if let Some(layer) = self.by_index.get_mut(&index) {
            layer.surface = surface;
        }
    }

    /// Frees a layer or buffer; its children are shown no more. Layer 0 stays.
    pub(super) fn dispose(&mut self, index: i32) {
        if index == 0 {
            return;
        }
        if let Some(layer) = self.by_index.remove(&index) {
            self.pixels -= layer.surface.size().area();
            self.buffers -= usize::from(index < 0);
            self.segments -= layer.drawing.weight();
        }
        for (_, layer) in self.by_index.range_mut(1..) {
            if layer.placement.parent == Some(index) {
                layer.placement.parent = None;
            }
        }
    }

    /// Makes `parent` the parent of a visible layer, both of which are created where they are missing.
    pub(super) fn attach(&mut self, index: i32, parent: i32) -> Result<(), DrawError> {
        self.target(index)?;
        self.target(parent)?;
        if self.ancestors(parent).any(|ancestor| ancestor == index) {
            return Err(DrawError::Cycle { layer: index, parent });
        }
        self.attachments += 1;
        let attached = self.attachments;
        let placement = &mut self.target(index)?.placement;
        if placement.parent != Some(parent) {
            placement.parent = Some(parent);
            placement.attached = attached;
        }
        Ok(())
    }

    /// The part of the screen on which `area` of a layer is shown: nothing for buffers.
    pub(super) fn on_screen(&self, index: i32, area: Rect) -> Rect {
        if index < 0 {
            return Rect::default();
        }
        let (mut at, mut shown) = (Some(index), area);
        while let Some(layer) = at.and_then(|at| self.get(at)) {
            shown = shown.intersection(&Rect::of_size(layer.surface.size()));
            let Placement { parent, .. } = layer.placement;
            if parent.is_none() && at != Some(0) {
                return Rect::default();
            }
            let size = self.size_of(parent.unwrap_or(0));
            shown = match layer.distortion() {
                None => {
                    let corner = layer.placement.position().plus(signed(shown.left), signed(shown.top));
                    Placed::new(shown, corner, size).to
                }
                Some(Distortion::Seen { there, .. }) => shape::landing(shown, &there, size),
                Some(Distortion::Invisible) => Rect::default(),
            };
            at = parent;
        }
        shown
    }

    /// The visible layers inside `parent`, from the lowest to the highest.
    pub(super) fn children(&self, parent: i32) -> Vec<i32> {
        let mut children: Vec<_> = self
            .by_index
            .range(1..)
            .filter(|(_, layer)| layer.placement.parent == Some(parent))
            .map(|(&index, layer)| (layer.placement.z, layer.placement.attached, index))
            .collect();
        children.sort_unstable();
        children.into_iter().map(|(_, _, index)| index).collect()
    }

    /// A layer, its parent, its parent's parent, and so on.
    fn ancestors(&self, index: i32) -> impl Iterator<Item = i32> {
        std::iter::successors(Some(index), |&at| self.get(at)?.placement.parent)
    }

    fn create(&mut self, index: i32, size: Size) -> Result<(), DrawError> {
        let layers = self.visible_count() - 1;
        if index < 0 && self.buffers >= self.limits.buffers {
            return Err(DrawError::Buffers { layer: index, limit: self.limits.buffers });
        }
        if index > 0 && layers >= self.limits.layers {
            return Err(DrawError::Layers { layer: index, limit: self.limits.layers });
        }
        self.count_pixels(index, Size::default(), size)?;
        let mut layer = Layer { surface: Surface::new(size), ..Layer::default() };
        if index > 0 {
            self.attachments += 1;
            layer.placement.parent = Some(0);
            layer.placement.attached = self.attachments;
        }
        self.by_index.insert(index, layer);
        self.buffers += usize::from(index < 0);
        Ok(())
    }

    /// Counts a layer's change of size, or refuses it.
    fn count_pixels(&mut self, layer: i32, old: Size, new: Size) -> Result<(), DrawError> {
        let pixels = self.pixels - old.area() + new.area();
        if pixels > self.limits.canvas_pixels && new.area() > old.area() {
            return Err(DrawError::CanvasPixels { layer, pixels, limit_pixels: self.limits.canvas_pixels });
        }
        let screen = if layer == 0 { new } else { self.size_of(0) };
        let (bytes, limit_bytes) = (picture_bytes(pixels, screen.area()), self.limits.memory_bytes);
        if bytes > limit_bytes && new.area() > old.area() {
            return Err(DrawError::Memory { layer, bytes, limit_bytes });
        }
        self.pixels = pixels;
        Ok(())
    }

    /// The part of a layer that a source box covers.
    pub(super) fn source_area(&self, index: i32, [x, y, width, height]: [i32; 4]) -> Rect {
        Rect::clipped(x, y, width, height, self.size_of(index))
    }

    /// Whether a layer is at least as large as the screen, as a copy of the screen is.
    pub(super) fn covers_screen(&self, index: i32) -> bool {
        let (size, screen) = (self.size_of(index), self.size_of(0));
        size.width >= screen.width && size.height >= screen.height
    }
}

/// Memory of `pixels` of layers, and of two pictures of the screen.
fn picture_bytes(pixels: usize, screen: usize) -> usize {
    (pixels + 2 * screen) * size_of::<Pixel>()
}
#[cfg(test)]
mod tests;
