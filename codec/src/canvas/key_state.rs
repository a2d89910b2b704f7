//! A canvas as the instructions that draw it again.
//!
//! Only what any client of the protocol understands is written, in an order in which nothing is needed beyond the
//! limits that the canvas itself kept: a canvas may have all the layers, buffers and pixels that there may be, so
//! none of them is used in passing. What has no instruction of its own follows from the order:
//!
//! - The pointer's image is drawn on the screen's layer before that has its size and pixels.
//! - A layer that lost its parent is moved to one that is then disposed of, before the other layers exist.
//! - Siblings of equal z are created, and moved to their parents, in the order in which they came to them.
//! - A closed path is closed by a fill of no colour. A path that once reached beyond its buffer is written while
//!   the buffer is empty, which is then made small again.
//!
//! Pixels are drawn with `over` on what is transparent, so they arrive as they are; straight colours of an image
//! give back each premultiplied one (see `mask`).

use super::content::{self, Content};
use super::cursor::Cursor;
use super::key_image::png_of;
use super::layer::{Layer, Placement};
use super::layers::Layers;
use super::mask::{Mask, unpremultiply};
use super::place::signed;
use super::script::Script;
use super::stream::{ImageStream, ImageStreams, ImageTarget};
use super::surface::Surface;
use crate::geometry::{Rect, Size};

/// Pixels of one image: its coded bytes and its decoding stay far below the limits of images.
const IMAGE_PIXELS: usize = 1 << 20;
/// The stream of all images that are complete; streams that stay open are opened after them.
const STREAM: i32 = 0;

/// What a canvas is made of.
pub(super) struct State<'a> {
    pub(super) layers: &'a Layers,
    pub(super) streams: &'a ImageStreams,
    pub(super) cursor: &'a Cursor,
}

impl State<'_> {
    /// The instructions, or `None` when they would have more than `limit_bytes`.
    pub(super) fn write(&self, limit_bytes: usize) -> Option<Vec<u8>> {
        let layers = self.layers.in_order();
        let mut script = Script::new(limit_bytes);
        let pointer = self.cursor.state();
        let image = Rect::of_size(pointer.image.size());
        let holds_image =
            |(_, layer): &&(i32, &Layer)| content::is_same(pointer.image, image, &layer.surface);
        let holder = layers.iter().find(holds_image);
        if holder.is_none() {
            script.size(0, pointer.image.size());
            script.pixels(0, pointer.image, content::bounds(pointer.image), &[]);
            script.pointer(0, &pointer);
            script.size(0, Size::default());
        }
        script.orphans(&layers);
        for (index, layer) in layers.iter().filter(|(index, layer)| outgrows(*index, layer)) {
            script.path(*index, layer);
        }
        for (index, layer) in &layers {
            script.size(*index, layer.surface.size());
        }
        for (index, layer) in &layers {
            script.placement(*index, &layer.placement);
        }
        for (number, (index, layer)) in layers.iter().enumerate() {
            // What is most often a copy: buffers of the screen, and a buffer of the one before.
            let earlier = [0, number.saturating_sub(1)].into_iter().take(number);
            let candidates: Vec<_> = earlier.map(|number| layers[number]).collect();
            script.content(*index, layer, &candidates);
        }
        if let Some((index, _)) = holder.filter(|_| !image.is_empty()) {
            script.pointer(*index, &pointer);
        }
        if let Some(tip) = pointer.tip {
            script.put("mouse", &[tip.x, tip.y, 0]);
        }
        script.streams(self.streams);
        script.finish()
    }
}

/// What a pointer is made of.
pub(super) struct Pointer<'a> {
    pub(super) image: &'a Surface,
    pub(super) hot: super::place::Position,
    pub(super) tip: Option<super::place::Position>,
}

/// Whether the path reaches beyond its buffer: to write it makes the buffer larger.
fn outgrows(index: i32, layer: &Layer) -> bool {
    let size = layer.surface.size();
    let is_outside = |&[x, y, width, height]: &[i32; 4]| {
        let end = |start: i32, length: i32| i64::from(start) + i64::from(length.max(0));
        end(x, width) > signed(size.width) || end(y, height) > signed(size.height)
    };
    index < 0 && layer.path.state().0.iter().any(is_outside)
}

impl Script {
    fn size(&mut self, layer: i32, size: Size) {
        self.put("size", &[layer.into(), signed(size.width), signed(size.height)]);
    }

    /// Layers without a parent. There is always room for one more layer beside them, the last parent's.
    fn orphans(&mut self, layers: &[(i32, &Layer)]) {
        let is_orphan = |(index, layer): &&(i32, &Layer)| *index > 0 && layer.placement.parent.is_none();
        let orphans: Vec<_> = layers.iter().filter(is_orphan).collect();
        let is_free = |parent: &i32| layers.iter().all(|(index, _)| index != parent);
        let Some(parent) = (1..=i32::MAX).find(is_free).filter(|_| !orphans.is_empty()) else { return };
        self.size(parent, Size::default());
        for (index, layer) in orphans {
            let Placement { parent: _, attached: _, x, y, z, opacity: _ } = layer.placement;
            self.size(*index, Size::default());
            self.put("move", &[*index, parent, x, y, z].map(i64::from));
        }
        self.put("dispose", &[parent.into()]);
    }

    fn placement(&mut self, index: i32, placement: &Placement) {
        let Placement { parent, attached: _, x, y, z, opacity } = *placement;
        if let Some(parent) = parent.filter(|parent| [*parent, x, y, z] != [0; 4]) {
            self.put("move", &[index, parent, x, y, z].map(i64::from));
        }
        if opacity < 255 {
            self.put("shade", &[index.into(), opacity.into()]);
        }
    }

    /// The pixels and the path of a layer that is transparent.
    fn content(&mut self, index: i32, layer: &Layer, earlier: &[(i32, &Layer)]) {
        let Layer { surface, path, placement: _ } = layer;
        let bounds = content::bounds(surface);
        let outgrows = outgrows(index, layer);
        let color = surface.pixels().get(bounds.top * surface.size().width + bounds.left).copied();
        let (boxes, _) = path.state();
        match color {
            _ if bounds.is_empty() => {}
            // A fill leaves a path behind, which only another one replaces.
            Some(color) if !boxes.is_empty() && !outgrows && content::is_all(surface, bounds, color) => {
                let [x, y] = [bounds.left, bounds.top].map(signed);
                self.put("rect", &[index.into(), x, y, signed(bounds.width()), signed(bounds.height())]);
                let [red, green, blue, alpha] = unpremultiply(color).map(i64::from);
                self.put("cfill", &[Mask::Over.value().into(), index.into(), red, green, blue, alpha]);
            }
            Some(_) | None => self.pixels(index, surface, bounds, earlier),
        }
        if !outgrows {
            self.path(index, layer);
        }
    }

    /// The pixels of `surface` inside `bounds`, which is all that is not transparent: what an earlier layer holds
    /// is copied from there.
    fn pixels(&mut self, index: i32, surface: &Surface, bounds: Rect, earlier: &[(i32, &Layer)]) {
        let candidates: Vec<_> = earlier.iter().map(|(_, layer)| &layer.surface).collect();
        let content = Content::new(surface, bounds, &candidates);
        let own = content.own();
        let rows = (IMAGE_PIXELS / own.width().max(1)).max(1);
        for top in (own.top..own.bottom).step_by(rows) {
            if self.is_over() {
                return;
            }
            let band = Rect { top, bottom: own.bottom.min(top + rows), ..own };
            let size = Size { width: band.width(), height: band.height() };
            self.open_image(STREAM, Mask::Over.value(), index, [band.left, band.top].map(signed));
            self.blobs(STREAM, &png_of(size, &content.straight(band)));
            self.put("end", &[STREAM.into()]);
        }
        for shared in content.shared() {
            let (source, _) = earlier[shared.candidate];
            let Rect { left, top, .. } = shared.area;
            let [x, y] = [left, top].map(signed);
            let [width, height] = [shared.area.width(), shared.area.height()].map(signed);
            let mask = Mask::Over.value().into();
            self.put("copy", &[source.into(), x, y, width, height, mask, index.into(), x, y]);
        }
    }

    /// The path of a layer whose own is empty or closed. A buffer that it makes larger is empty again after it.
    fn path(&mut self, index: i32, layer: &Layer) {
        let (boxes, is_closed) = layer.path.state();
        let outgrows = outgrows(index, layer);
        for [x, y, width, height] in boxes {
            self.put("rect", &[index, *x, *y, *width, *height].map(i64::from));
            if outgrows {
                self.size(index, Size::default());
            }
        }
        if is_closed && !boxes.is_empty() {
            self.put("cfill", &[Mask::Over.value().into(), index.into(), 0, 0, 0, 0]);
        }
    }

    fn pointer(&mut self, source: i32, pointer: &Pointer<'_>) {
        let size = pointer.image.size();
        let (hot, sides) = (pointer.hot, [size.width, size.height].map(signed));
        self.put("cursor", &[hot.x, hot.y, source.into(), 0, 0, sides[0], sides[1]]);
    }

    /// The streams that are open, with the bytes that came.
    fn streams(&mut self, streams: &ImageStreams) {
        for (&index, stream) in streams.iter() {
            let ImageStream { target, bytes } = stream;
            let ImageTarget { layer, mask, x, y } = *target;
            self.open_image(index, mask.value(), layer, [x, y].map(i64::from));
            self.blobs(index, bytes);
        }
    }
}

#[cfg(test)]
mod tests;
