//! What the person at the screen saw: the canvas, flattened, with the pointer on it.

use crate::canvas::Canvas;
use crate::geometry::{CopyVector, Rect, Size};
use crate::picture::Picture;

/// The picture of the last frame, kept up to date by damage alone.
///
/// The canvas is drawn on between two frames; what is half drawn is not shown. The pointer moves at any time.
#[derive(Debug, Default)]
pub struct Screen {
    clean: Picture,
    shown: Picture,
    pointer: Rect,
}

/// What changed on the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScreenChange {
    /// The screen has another size than before; everything changed.
    pub resized: bool,
    /// Areas that were drawn on.
    pub damage: Vec<Rect>,
    /// Areas that probably only moved.
    pub copies: Vec<CopyVector>,
}

impl Screen {
    /// Size of the screen.
    pub fn size(&self) -> Size {
        self.shown.size
    }

    /// The picture with the pointer.
    pub fn picture(&self) -> &Picture {
        &self.shown
    }

    /// The picture without the pointer.
    pub fn picture_without_pointer(&self) -> &Picture {
        &self.clean
    }

    /// Shows what the canvas holds: the end of a frame.
    pub fn show_frame(&mut self, canvas: &mut Canvas) -> ScreenChange {
        let drawn = canvas.take_damage();
        let size = canvas.size();
        let resized = size != self.clean.size;
        let mut damage = drawn.rects;
        if resized {
            self.clean = Picture::black(size);
            self.shown = Picture::black(size);
            self.pointer = Rect::default();
            damage = vec![Rect::of_size(size)];
        }
        for area in &damage {
            canvas.flatten(*area, &mut self.clean);
        }
        damage.extend(self.move_pointer(canvas));
        self.draw(canvas, &damage);
        ScreenChange { resized, damage, copies: drawn.copies }
    }

    /// Shows the pointer where it is over the picture of the last frame.
    pub fn show_pointer(&mut self, canvas: &Canvas) -> ScreenChange {
        let damage = self.move_pointer(canvas);
        self.draw(canvas, &damage);
        ScreenChange { damage, ..ScreenChange::default() }
    }

    /// Where the pointer was and where it is.
    fn move_pointer(&mut self, canvas: &Canvas) -> Vec<Rect> {
        let pointer = canvas.cursor().map_or_else(Rect::default, |pointer| pointer.area());
        let pointer = pointer.intersection(&Rect::of_size(self.clean.size));
        let last = std::mem::replace(&mut self.pointer, pointer);
        [last, pointer].into_iter().filter(|area| !area.is_empty()).collect()
    }

    fn draw(&mut self, canvas: &Canvas, damage: &[Rect]) {
        for area in damage {
            for y in area.top..area.bottom {
                let clean = self.clean.row(y, area.left, area.right);
                self.shown.row_mut(y, area.left, area.right).copy_from_slice(clean);
            }
            if let Some(pointer) = canvas.cursor() {
                pointer.draw(*area, &mut self.shown);
            }
        }
    }
}
