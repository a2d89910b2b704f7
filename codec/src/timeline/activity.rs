//! How much of the picture is drawn on, estimated from the instructions alone.

use crate::geometry::{Rect, Size};
use crate::limits::Limits;
use crate::source::guac::{Arc, Instruction, Vector};
use std::collections::BTreeMap;

/// What an image of unread size counts for each character of its coded bytes, in pixels.
const PIXELS_PER_CHAR: usize = 8;

/// Counts the visible pixels that instructions touch.
#[derive(Debug)]
pub(super) struct Activity {
    limits: Limits,
    /// Sizes of the visible layers.
    layers: BTreeMap<i32, Size>,
    /// Images that were opened and have not had a byte yet: stream to layer.
    images: BTreeMap<i32, i32>,
    dirty_pixels: usize,
}

impl Activity {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, layers: BTreeMap::new(), images: BTreeMap::new(), dirty_pixels: 0 }
    }

    /// The size of layer 0.
    pub(super) fn picture_size(&self) -> Size {
        self.size_of(0)
    }

    /// The pixels touched since the last call.
    pub(super) fn take(&mut self) -> usize {
        std::mem::take(&mut self.dirty_pixels)
    }

    /// Counts what one instruction touches.
    pub(super) fn apply(&mut self, instruction: &Instruction<'_>) {
        match *instruction {
            Instruction::Size { layer, width, height } => self.resize(layer, width, height),
            Instruction::Dispose { layer } => {
                let size = self.layers.remove(&layer).unwrap_or_default();
                self.touch(size.area());
            }
            Instruction::Move { layer, .. } | Instruction::Shade { layer, .. } => {
                self.touch(self.size_of(layer).area());
            }
            Instruction::Rect { layer, x, y, width, height }
            | Instruction::Copy { layer, x, y, width, height, .. }
            | Instruction::Transfer { layer, x, y, width, height, .. } => {
                self.touch(Rect::clipped(x, y, width, height, self.size_of(layer)).area());
            }
            Instruction::Img { stream, layer, .. } => {
                if self.images.len() < self.limits.streams {
                    self.images.insert(stream, layer);
                }
            }
            Instruction::Blob { stream, data } => {
                if let Some(layer) = self.images.remove(&stream) {
                    self.touch_image(layer, data);
                }
            }
            Instruction::InlineImage { layer, data, .. } => self.touch_image(layer, data),
            Instruction::Vector { layer, vector } => self.apply_vector(layer, vector),
            // A fill paints the path whose rectangles were counted; the rest paints nothing.
            Instruction::Cfill { .. }
            | Instruction::End { .. }
            | Instruction::Cursor { .. }
            | Instruction::Sync { .. }
            | Instruction::Mouse { .. }
            | Instruction::Key { .. }
            | Instruction::Audio { .. }
            | Instruction::Clipboard { .. }
            | Instruction::OtherStream { .. }
            | Instruction::Error { .. }
            | Instruction::Nop
            | Instruction::Other { .. } => {}
        }
    }

    /// Counts arcs by their box, and strokes and patterns, whose path is not kept, by the whole layer.
    fn apply_vector(&mut self, layer: i32, vector: Vector) {
        let size = self.size_of(layer);
        match vector {
            Vector::Arc(Arc { x, y, radius, .. }) => {
                let (left, top) = (x.saturating_sub(radius), y.saturating_sub(radius));
                let side = radius.saturating_mul(2);
                self.touch(Rect::clipped(left, top, side, side, size).area());
            }
            Vector::Lfill { .. } | Vector::Cstroke { .. } | Vector::Lstroke { .. } | Vector::Distort(_) => {
                self.touch(size.area());
            }
            Vector::Start { .. }
            | Vector::Line { .. }
            | Vector::Curve { .. }
            | Vector::Close
            | Vector::Clip
            | Vector::Push
            | Vector::Pop
            | Vector::Reset
            | Vector::Identity
            | Vector::Transform(_)
            | Vector::MiterLimit(_) => {}
        }
    }

    /// The size of a visible layer; buffers are never seen.
    fn size_of(&self, layer: i32) -> Size {
        self.layers.get(&layer).copied().unwrap_or_default()
    }

    fn resize(&mut self, layer: i32, width: i32, height: i32) {
        if layer < 0 || (!self.layers.contains_key(&layer) && self.layers.len() >= self.limits.layers) {
            return;
        }
        let side = |length: i32| usize::try_from(length).unwrap_or(0).min(self.limits.side_pixels);
        let size = Size { width: side(width), height: side(height) };
        self.layers.insert(layer, size);
        self.touch(size.area());
    }

    fn touch_image(&mut self, layer: i32, data: &str) {
        let pixels = png_pixels(data).unwrap_or(data.len() * PIXELS_PER_CHAR);
        self.touch(pixels.min(self.size_of(layer).area()));
    }

    fn touch(&mut self, pixels: usize) {
        self.dirty_pixels = self.dirty_pixels.saturating_add(pixels);
    }
}

/// Width times height of a PNG, from its first 24 bytes.
fn png_pixels(base64: &str) -> Option<usize> {
    let head = base64_simd::STANDARD.decode_to_vec(base64.get(..32)?).ok()?;
    let header = head.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")?;
    let side =
        |bytes: &[u8]| Some(usize::from_be_bytes([0, 0, 0, 0, bytes[0], bytes[1], bytes[2], bytes[3]]));
    side(header.get(..4)?)?.checked_mul(side(header.get(4..8)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_seen_counts_and_images_count_by_their_header() {
        let mut activity = Activity::new(Limits::default());
        activity.apply(&Instruction::Size { layer: 0, width: 100, height: 100 });
        assert_eq!(activity.take(), 10_000);
        activity.apply(&Instruction::Rect { layer: 0, x: 90, y: 90, width: 50, height: 50 });
        activity.apply(&Instruction::Rect { layer: -1, x: 0, y: 0, width: 50, height: 50 });
        activity.apply(&Instruction::Img {
            stream: 1,
            mask: 14,
            layer: 0,
            mimetype: "image/png",
            x: 0,
            y: 0,
        });
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x05\0\0\0\x07";
        let data = base64_simd::STANDARD.encode_to_string(png);
        activity.apply(&Instruction::Blob { stream: 1, data: &data });
        activity.apply(&Instruction::Blob { stream: 1, data: &data });
        assert_eq!(activity.take(), 100 + 35);
    }

    #[test]
    fn arcs_count_by_their_box_and_strokes_by_their_layer() {
        let mut activity = Activity::new(Limits::default());
        activity.apply(&Instruction::Size { layer: 0, width: 100, height: 100 });
        activity.take();
        let arc = Arc { x: 0, y: 50, radius: 10, start: 0.0, end: 1.0, negative: false };
        let mut touched = |vector| {
            activity.apply(&Instruction::Vector { layer: 0, vector });
            activity.take()
        };
        assert_eq!(touched(Vector::Arc(arc)), 10 * 20);
        assert_eq!(touched(Vector::Lfill { mask: 14, source: -1 }), 10_000);
        assert_eq!(touched(Vector::Line { x: 9, y: 9 }), 0);
    }
}
