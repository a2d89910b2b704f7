//! A canvas as the instructions that draw it again.
//!
//! Only what any client of the protocol understands is written, in an order in which nothing is needed beyond the
//! limits that the canvas itself kept: a canvas may have all the layers, buffers and pixels that there may be, so
//! none of them is used in passing. What has no instruction of its own follows from the order:
//!
//! - The pointer's image is drawn on the screen's layer before that has its size and pixels.
//! - A layer that lost its parent is moved to one that is then disposed of, before the other layers exist.
//! - Siblings of equal z are created, and moved to their parents, in the order in which they came to them.
//! - Pixels come first, while drawing on their layer is plain; then the states that the layer saved and its clips,
//!   in the order in which they came, and its path. A drawn path is ended by a fill of no colour.
//!
//! Pixels are drawn with `over` on what is transparent, so they arrive as they are; straight colours of an image
//! give back each premultiplied one (see `mask`).

use super::canvas::Canvas;
use super::content::{self, Content};
use super::cursor::{Cursor, Pointer};
use super::damage::Damage;
use super::drawing::{Drawing, State};
use super::error::RestoreError;
use super::key_image::{Packing, png_of};
use super::layer::{Layer, Placement};
use super::layers::Layers;
use super::mask::{Mask, unpremultiply};
use super::path::{Path, Segment, Step};
use super::place::signed;
use super::script::Script;
use super::stream::{ImageStream, ImageStreams, ImageTarget};
use super::surface::Surface;
use crate::cost::Cost;
use crate::geometry::{Rect, Size};
use crate::limits::Limits;
use crate::matrix::Matrix;
use crate::source::guac::{Arc, Parser};

/// Pixels of one image: decoding it takes little memory beside a canvas that has all it may have.
const IMAGE_PIXELS: usize = 256 << 10;
/// The stream of all images that are complete; streams that stay open are opened after them.
const STREAM: i32 = 0;

/// What of a canvas is written down.
pub(super) struct Parts<'a> {
    pub(super) layers: &'a Layers,
    pub(super) streams: &'a ImageStreams,
    pub(super) cursor: &'a Cursor,
}

impl Canvas {
    /// The instructions from which [`Self::restore`] makes this canvas again; any client of the protocol can draw
    /// them. `None` when they would have more than `limit_bytes`.
    pub fn key_state(&self, packing: Packing, limit_bytes: usize) -> Option<Vec<u8>> {
        self.parts().write(packing, limit_bytes)
    }

    pub(super) fn parts(&self) -> Parts<'_> {
        let Self {
            limits: _,
            layers,
            streams,
            cursor,
            damage: _,
            frame: _,
            cost: _,
            cost_max: _,
            decoded: _,
        } = self;
        Parts { layers, streams, cursor }
    }

    /// The canvas of a key state, under the limits of the one that it was made from. Nothing of it was shown yet:
    /// all of the screen is damage. Its cost begins anew.
    pub fn restore(key_state: &[u8], limits: Limits) -> Result<Self, RestoreError> {
        let mut canvas = Self::new(limits);
        // What is only needed in passing: an image beside full layers, a path that only clips have at the end.
        canvas.limits.memory_bytes = usize::MAX;
        canvas.limits.all_segments = limits.all_segments.saturating_add(limits.path_segments);
        let mut parser = Parser::new(limits);
        parser.push(key_state);
        while let Some(instruction) = parser.read()? {
            canvas.apply(&instruction)?;
        }
        parser.finish()?;
        canvas.limits = limits;
        canvas.damage = Damage::default();
        canvas.damage.add(Rect::of_size(canvas.size()));
        canvas.frame = Damage::default();
        canvas.cost = Cost::default();
        Ok(canvas)
    }

    /// Pixels of all layers and buffers.
    pub fn pixels(&self) -> usize {
        self.layers.pixels()
    }
}

impl Parts<'_> {
    /// The instructions, or `None` when they would have more than `limit_bytes`.
    fn write(&self, packing: Packing, limit_bytes: usize) -> Option<Vec<u8>> {
        let layers = self.layers.in_order();
        let mut script = Script::new(packing, limit_bytes);
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
        for (index, layer) in &layers {
            script.size(*index, layer.surface.size());
        }
        for (index, layer) in &layers {
            script.placement(*index, &layer.placement);
        }
        for (number, (index, layer)) in layers.iter().enumerate() {
            let Layer { surface, drawing: _, placement: _ } = layer;
            // What is most often a copy: buffers of the screen, and a buffer of the one before.
            let earlier = [0, number.saturating_sub(1)].into_iter().take(number);
            let candidates: Vec<_> = earlier.map(|number| layers[number]).collect();
            script.surface(*index, surface, &candidates);
        }
        if let Some((index, _)) = holder.filter(|_| !image.is_empty()) {
            script.pointer(*index, &pointer);
        }
        for (index, layer) in &layers {
            script.drawing(*index, &layer.drawing);
        }
        if let Some(tip) = pointer.tip {
            script.put("mouse", &[tip.x, tip.y, 0]);
        }
        script.streams(self.streams);
        script.finish()
    }
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
            let Placement { parent: _, attached: _, x, y, z, opacity: _, matrix: _ } = layer.placement;
            self.size(*index, Size::default());
            self.put("move", &[*index, parent, x, y, z].map(i64::from));
        }
        self.put("dispose", &[parent.into()]);
    }

    fn placement(&mut self, index: i32, placement: &Placement) {
        let Placement { parent, attached: _, x, y, z, opacity, matrix } = *placement;
        if let Some(parent) = parent.filter(|parent| [*parent, x, y, z] != [0; 4]) {
            self.put("move", &[index, parent, x, y, z].map(i64::from));
        }
        if opacity < 255 {
            self.put("shade", &[index.into(), opacity.into()]);
        }
        if matrix != Matrix::IDENTITY {
            self.matrix("distort", index, &matrix);
        }
    }

    /// The pixels of a layer that is transparent, and on which drawing is plain.
    fn surface(&mut self, index: i32, surface: &Surface, earlier: &[(i32, &Layer)]) {
        let bounds = content::bounds(surface);
        if bounds.is_empty() {
            return;
        }
        let color = surface.row(bounds.top, bounds.left, bounds.right)[0];
        if !content::is_all(surface, bounds, color) {
            self.pixels(index, surface, bounds, earlier);
            return;
        }
        let [x, y] = [bounds.left, bounds.top].map(signed);
        self.put("rect", &[index.into(), x, y, signed(bounds.width()), signed(bounds.height())]);
        let [red, green, blue, alpha] = unpremultiply(color).map(i64::from);
        self.put("cfill", &[Mask::Over.value().into(), index.into(), red, green, blue, alpha]);
        self.put("reset", &[index.into()]);
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
            self.blobs(STREAM, &png_of(size, &content.straight(band), self.packing()));
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

    /// What is prepared for the drawing on a layer on which nothing is.
    fn drawing(&mut self, index: i32, drawing: &Drawing) {
        let Drawing { path, state, saved, clips } = drawing;
        let mut now = Drawing::default();
        for (number, wanted) in saved.iter().chain([state]).enumerate() {
            for clip in clips.iter().take(wanted.clips).skip(now.clips.len()) {
                self.path(index, &mut now, clip);
                self.put("clip", &[index.into()]);
                now.clip();
            }
            if number == saved.len() {
                self.path(index, &mut now, path);
            }
            let State { transform, clips: _, miter_limit } = *wanted;
            self.transform(index, &mut now, transform);
            if now.state.miter_limit != miter_limit {
                self.put_texts("set", &[&index.to_string(), "miter-limit", &format!("{miter_limit:?}")]);
                now.state.miter_limit = miter_limit;
            }
            if number < saved.len() {
                self.put("push", &[index.into()]);
                now.push();
            }
        }
    }

    /// Makes the path of a layer, on which `now` is drawn with, to `path`.
    fn path(&mut self, index: i32, now: &mut Drawing, path: &Path) {
        let (steps, is_ended) = (path.steps(), path.is_ended() && !path.steps().is_empty());
        // An ended path can be closed again and again; anything else begins another one.
        let kept = now.path.steps().len();
        let is_longer = now.path.is_ended() && is_ended && steps.starts_with(now.path.steps());
        let is_closed = |step: &Step| step.segment == Segment::Close;
        let rest = match steps.get(kept..) {
            Some(rest) if is_longer && rest.iter().all(is_closed) => rest,
            Some(_) | None => steps,
        };
        for Step { segment, transform } in rest {
            self.transform(index, now, *transform);
            self.segment(index, segment);
            now.add(*segment);
        }
        if is_ended && !now.path.is_ended() {
            self.put("cfill", &[Mask::Over.value().into(), index.into(), 0, 0, 0, 0]);
            now.path.end();
        }
    }

    fn transform(&mut self, index: i32, now: &mut Drawing, transform: Matrix) {
        if now.state.transform == transform {
            return;
        }
        if now.state.transform != Matrix::IDENTITY {
            self.put("identity", &[index.into()]);
        }
        if transform != Matrix::IDENTITY {
            self.matrix("transform", index, &transform);
        }
        now.state.transform = transform;
    }

    fn segment(&mut self, index: i32, segment: &Segment) {
        let mut put = |opcode, numbers: &[i32]| {
            let all: Vec<_> = [index].iter().chain(numbers).copied().map(i64::from).collect();
            self.put(opcode, &all);
        };
        match *segment {
            Segment::Rect { x, y, width, height } => put("rect", &[x, y, width, height]),
            Segment::Start { x, y } => put("start", &[x, y]),
            Segment::Line { x, y } => put("line", &[x, y]),
            Segment::Curve { x1, y1, x2, y2, x, y } => put("curve", &[x1, y1, x2, y2, x, y]),
            Segment::Close => put("close", &[]),
            Segment::Arc(Arc { x, y, radius, start, end, negative }) => {
                let [x, y, radius] = [x, y, radius].map(|number| number.to_string());
                let [start, end] = [start, end].map(|angle| format!("{angle:?}"));
                let negative = if negative { "1" } else { "0" };
                self.put_texts("arc", &[&index.to_string(), &x, &y, &radius, &start, &end, negative]);
            }
        }
    }

    fn matrix(&mut self, opcode: &str, index: i32, matrix: &Matrix) {
        let Matrix { a, b, c, d, e, f } = *matrix;
        // The shortest text that is read as the same number.
        let [a, b, c, d, e, f] = [a, b, c, d, e, f].map(|number| format!("{number:?}"));
        self.put_texts(opcode, &[&index.to_string(), &a, &b, &c, &d, &e, &f]);
    }

    fn pointer(&mut self, source: i32, pointer: &Pointer<'_>) {
        let size = pointer.image.size();
        let (hot, sides) = (pointer.hot, [size.width, size.height].map(signed));
        self.put("cursor", &[hot.x, hot.y, source.into(), 0, 0, sides[0], sides[1]]);
    }

    /// The streams that are open, with the bytes that came.
    fn streams(&mut self, streams: &ImageStreams) {
        for (&index, stream) in streams.iter() {
            let ImageStream { target, bytes, covered } = stream;
            let ImageTarget { layer, mask, x, y } = *target;
            self.open_image(index, mask.value(), layer, [x, y].map(i64::from));
            self.blobs(index, bytes);
            if *covered {
                self.put_texts("pipe", &[&index.to_string(), "application/octet-stream", "-"]);
            }
        }
    }
}

#[cfg(test)]
mod tests;
