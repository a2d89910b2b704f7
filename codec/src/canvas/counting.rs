//! What drawing costs. All is counted from the instructions alone: whether and when somebody looks at the canvas
//! changes nothing.

use super::canvas::Canvas;
use super::mask::Mask;
use super::shape::Shape;
use crate::geometry::{Rect, Size};
use crate::source::guac::Instruction;

impl Canvas {
    /// Memory of all layers, and of the two pictures of the screen that are shown, with and without the pointer, in
    /// bytes. It never exceeds [`crate::limits::Limits::memory_bytes`].
    pub fn memory_bytes(&self) -> usize {
        self.layers.bytes()
    }

    /// Counts what every instruction of its kind takes. A `sync` shows what was drawn since the last one, a `mouse`
    /// moves the pointer: both are counted as if somebody looked.
    pub(super) fn count(&mut self, instruction: &Instruction<'_>) {
        match instruction {
            Instruction::Size { .. }
            | Instruction::Move { .. }
            | Instruction::Shade { .. }
            | Instruction::Dispose { .. }
            | Instruction::Rect { .. }
            | Instruction::Cfill { .. }
            | Instruction::Copy { .. }
            | Instruction::Transfer { .. }
            | Instruction::Vector { .. }
            | Instruction::Img { .. }
            | Instruction::InlineImage { .. }
            | Instruction::End { .. }
            | Instruction::Cursor { .. } => self.cost.drawing(self.layers.visible_count()),
            Instruction::Sync { .. } => self.count_frame(),
            Instruction::Mouse { .. } => self.count_pointer(),
            Instruction::Blob { .. }
            | Instruction::Key { .. }
            | Instruction::Audio { .. }
            | Instruction::Clipboard { .. }
            | Instruction::OtherStream { .. }
            | Instruction::Error { .. }
            | Instruction::Nop
            | Instruction::Other { .. } => {}
        }
    }

    /// Counts a drawn area, and the rest of its layer if the mask clears that.
    pub(super) fn count_draw(&mut self, drawn: Rect, layer: i32, mask: Mask) {
        if mask.replaces() {
            self.cost.copied(drawn.area());
            self.cost.blended(drawn.height(), 0);
        } else {
            self.cost.blended(drawn.height(), drawn.area());
        }
        self.count_clearing(self.layers.size_of(layer), mask);
    }

    /// Counts a filled path.
    pub(super) fn count_fill(&mut self, rects: &[Rect], size: Size, mask: Mask) {
        let pixels = rects.iter().map(Rect::area).sum::<usize>().min(size.area());
        let rows = rects.iter().map(Rect::height).sum();
        self.cost.path(rects.len());
        self.cost.blended(rows, if mask.replaces() { 0 } else { pixels });
        self.cost.copied(pixels);
        self.count_clearing(size, mask);
    }

    /// Counts what is drawn through a shape with smooth edges and clips.
    pub(super) fn count_shapes(
        &mut self,
        layer: i32,
        shape: &Shape,
        clips: &[Shape],
        is_color: bool,
        mask: Mask,
    ) {
        let size = self.layers.size_of(layer);
        let reach = if mask.is_unbounded() { Rect::of_size(size) } else { shape.bounds(size) };
        for shape in clips.iter().chain([shape]) {
            self.cost.covered(shape.work(size.height), reach.area());
        }
        self.cost.blended(reach.height(), 2 * reach.area());
        if !is_color {
            self.cost.sampled(reach.area());
        }
        // A layer that is drawn with on itself is copied.
        self.cost.copied(size.area());
    }

    fn count_clearing(&mut self, size: Size, mask: Mask) {
        if mask.is_unbounded() {
            self.cost.copied(size.area());
        }
    }

    /// Each visible layer is drawn once on what changed, which is then shown with the pointer.
    fn count_frame(&mut self) {
        let changed = std::mem::take(&mut self.frame).rects;
        if changed.is_empty() {
            return;
        }
        let (layers, distorted) = self.layers.visible_areas();
        for area in &changed {
            let of = |layers: &[Rect]| layers.iter().map(|layer| layer.intersection(area).area()).sum();
            let drawn: usize = of(&layers);
            self.cost.sampled(of(&distorted));
            self.cost.ordered(self.layers.visible_count());
            self.cost.blended(area.height() * layers.len(), drawn);
            self.cost.copied(2 * area.area());
        }
        self.count_pointer();
    }

    /// The pointer is taken away from where it was and drawn where it is.
    fn count_pointer(&mut self) {
        if let Some(pointer) = self.cursor() {
            let Size { width, height } = pointer.size();
            self.cost.blended(2 * height, 2 * width * height);
        }
    }
}
