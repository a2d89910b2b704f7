//! All layers and buffers, and their limits.

use super::error::DrawError;
use super::layer::Layer;
use super::place::{Placed, signed};
use super::surface::Surface;
use crate::geometry::{Rect, Size};
use crate::limits::Limits;
use std::collections::BTreeMap;

/// The layers by index: 0 is the screen, above are visible layers, below are off-screen buffers.
///
/// INVARIANT: layer 0 exists; parents form a tree; `pixels` is the sum of all areas.
#[derive(Debug)]
pub(super) struct Layers {
    limits: Limits,
    by_index: BTreeMap<i32, Layer>,
    pixels: usize,
    attachments: u64,
}

impl Layers {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, by_index: BTreeMap::from([(0, Layer::default())]), pixels: 0, attachments: 0 }
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
        self.count_pixels(index, self.size_of(index), size)?;
        self.target(index)?.surface.resize(size);
        Ok(())
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
        let Self { limits: _, by_index, pixels: _, attachments: _ } = self;
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
        }
        for layer in self.by_index.values_mut() {
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
        let (mut at, mut shown) = (index, area.intersection(&Rect::of_size(self.size_of(index))));
        while at != 0 {
            let Some((placement, parent)) =
                self.get(at).and_then(|layer| Some((layer.placement, layer.placement.parent?)))
            else {
                return Rect::default();
            };
            let corner = placement.position().plus(signed(shown.left), signed(shown.top));
            shown = Placed::new(shown, corner, self.size_of(parent)).to;
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
        let buffers = self.by_index.range(..0).count();
        let layers = self.by_index.len() - 1 - buffers;
        if index < 0 && buffers >= self.limits.buffers {
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
        Ok(())
    }

    /// Counts a layer's change of size, or refuses it.
    fn count_pixels(&mut self, layer: i32, old: Size, new: Size) -> Result<(), DrawError> {
        let pixels = self.pixels - old.area() + new.area();
        if pixels > self.limits.canvas_pixels && new.area() > old.area() {
            return Err(DrawError::CanvasPixels { layer, pixels, limit_pixels: self.limits.canvas_pixels });
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
