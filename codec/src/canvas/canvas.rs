//! The canvas: one instruction in, changed pixels out.

use super::allowance::Allowance;
use super::cursor::{Cursor, CursorImage};
use super::damage::Damage;
use super::decoders::Decoded;
use super::error::DrawError;
use super::image;
use super::layers::Layers;
use super::mask::Mask;
use super::path::Segment;
use super::place::{Placed, Position, signed};
use super::stream::{ImageStreams, ImageTarget};
use super::surface::{Source, Surface};
use super::vectors::Ink;
use super::{flatten, transfer};
use crate::cost::Cost;
use crate::geometry::{CopyVector, Rect, Size};
use crate::limits::Limits;
use crate::picture::Picture;
use crate::source::guac::Instruction;
use base64_simd::STANDARD;

/// The state of a screen: layers, buffers, open image streams and the mouse pointer.
#[derive(Debug)]
pub struct Canvas {
    pub(super) limits: Limits,
    pub(super) layers: Layers,
    pub(super) streams: ImageStreams,
    pub(super) cursor: Cursor,
    pub(super) damage: Damage,
    /// What changed since the last `sync`, whoever looks at it: the frame that is to be shown.
    pub(super) frame: Damage,
    pub(super) cost: Cost,
    pub(super) cost_max: Cost,
    /// The next image, decoded.
    pub(super) decoded: Option<Decoded>,
}

/// An area of one layer and where it goes on another.
#[derive(Clone, Copy)]
pub(super) struct Transit {
    pub(super) source: i32,
    pub(super) area: Rect,
    pub(super) layer: i32,
    pub(super) to: Position,
}

impl Canvas {
    /// An empty screen of no size.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            layers: Layers::new(limits),
            streams: ImageStreams::default(),
            cursor: Cursor::default(),
            damage: Damage::default(),
            frame: Damage::default(),
            cost: Cost::default(),
            cost_max: Cost::MAX,
            decoded: None,
        }
    }

    /// What was drawn up to here has cost so much; parsing is not part of it.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Images that would bring [`Self::cost`] above this are refused. Nothing else looks at it.
    pub fn set_cost_max(&mut self, cost_max: Cost) {
        self.cost_max = cost_max;
    }

    /// The image that the next instruction draws, if it was decoded before.
    pub(crate) fn offer(&mut self, decoded: Option<Decoded>) {
        self.decoded = decoded;
    }

    /// Draws one instruction. Instructions that draw nothing are ignored.
    ///
    /// A refused instruction changes nothing that can be seen; the next ones can be drawn.
    ///
    /// What it takes is counted, refused or not.
    pub fn apply(&mut self, instruction: &Instruction<'_>) -> Result<(), DrawError> {
        self.count(instruction);
        match *instruction {
            Instruction::Size { layer, width, height } => self.resize(layer, width, height),
            Instruction::Move { layer, parent, x, y, z } => self.place(layer, parent, [x, y, z]),
            Instruction::Shade { layer, opacity } => self.shade(layer, opacity),
            Instruction::Dispose { layer } => {
                self.damage_layer(layer);
                self.layers.dispose(layer);
                Ok(())
            }
            Instruction::Rect { layer, x, y, width, height } => {
                self.add_segment(layer, Segment::Rect { x, y, width, height })
            }
            Instruction::Cfill { mask, layer, color } => self.fill(mask, layer, Ink::of(color)),
            Instruction::Vector { layer, vector } => self.apply_vector(layer, vector),
            Instruction::Copy { source, source_x, source_y, width, height, mask, layer, x, y } => {
                let area = self.source_area(source, [source_x, source_y, width, height])?;
                let to = landing(area, [source_x, source_y], [x, y]);
                self.copy(Transit { source, area, layer, to }, mask)
            }
            Instruction::Transfer { source, source_x, source_y, width, height, function, layer, x, y } => {
                let area = self.source_area(source, [source_x, source_y, width, height])?;
                let to = landing(area, [source_x, source_y], [x, y]);
                self.transfer(Transit { source, area, layer, to }, function)
            }
            Instruction::Cursor { hot_x, hot_y, source, source_x, source_y, width, height } => {
                self.set_cursor([hot_x, hot_y], source, [source_x, source_y, width, height])
            }
            Instruction::Mouse { x, y, .. } => {
                self.cursor.move_to(x, y);
                Ok(())
            }
            Instruction::Img { stream, mask, layer, mimetype: _, x, y } => {
                let mask = mask_of(mask).inspect_err(|_| _ = self.streams.take(stream))?;
                self.streams.open(stream, ImageTarget { layer, mask, x, y }, &self.limits)
            }
            Instruction::InlineImage { mimetype: _, mask, layer, x, y, data } => {
                self.draw_inline(ImageTarget { layer, mask: mask_of(mask)?, x, y }, data)
            }
            // Stream indexes are not one namespace: guacd's images and sound share theirs, and end one another; what
            // a user sends has its own, and only covers an image of the same index until it ends.
            Instruction::Audio { stream, .. } => {
                self.streams.take(stream);
                Ok(())
            }
            Instruction::Clipboard { stream, .. } | Instruction::OtherStream { stream, .. } => {
                self.streams.cover(stream);
                Ok(())
            }
            Instruction::Blob { stream, data } => self.streams.append(stream, data, &self.limits),
            Instruction::End { stream } => match self.streams.end(stream) {
                Some(image) => self.draw_image(image.target, &image.bytes),
                None => Ok(()),
            },
            Instruction::Sync { .. }
            | Instruction::Key { .. }
            | Instruction::Error { .. }
            | Instruction::Nop
            | Instruction::Other { .. } => Ok(()),
        }
    }

    /// Width and height of the screen, layer 0.
    pub fn size(&self) -> Size {
        self.layers.size_of(0)
    }

    /// What changed on the screen since the last call.
    pub fn take_damage(&mut self) -> Damage {
        std::mem::take(&mut self.damage)
    }

    /// Draws `area` of the screen on a picture of the same size: layer 0 on black, then its children by z
    /// order with their opacity and offset. The mouse pointer is not drawn; see [`Self::cursor`].
    pub fn flatten(&self, area: Rect, picture: &mut Picture) {
        flatten::flatten(&self.layers, area, picture);
    }

    /// The mouse pointer, which is hidden until the mouse first moves and as long as it has no image.
    pub fn cursor(&self) -> Option<CursorImage<'_>> {
        self.cursor.image(self.size())
    }

    fn draw_inline(&mut self, target: ImageTarget, data: &str) -> Result<(), DrawError> {
        let (chars, limit_bytes) = (data.len(), self.limits.image_bytes);
        if chars / 4 * 3 > limit_bytes {
            return Err(DrawError::InlineImageBytes { chars, limit_bytes });
        }
        let bytes = STANDARD.decode_to_vec(data.as_bytes()).map_err(|_| DrawError::InlineBase64)?;
        self.draw_image(target, &bytes)
    }

    fn resize(&mut self, layer: i32, width: i32, height: i32) -> Result<(), DrawError> {
        let before = self.layers.size_of(layer);
        let shown_before = self.layers.on_screen(layer, Rect::of_size(before));
        self.layers.resize(layer, width.into(), height.into())?;
        let after = self.layers.size_of(layer);
        if before == after {
            return Ok(());
        }
        self.cost.copied(before.area() + after.area());
        if layer == 0 {
            // The rectangles of the old screen may lie outside the new one, which is new as a whole.
            self.damage = Damage::default();
            self.frame = Damage::default();
        } else {
            self.damage_screen(shown_before);
        }
        self.damage_layer(layer);
        Ok(())
    }

    fn place(&mut self, layer: i32, parent: i32, [x, y, z]: [i32; 3]) -> Result<(), DrawError> {
        if layer <= 0 || parent < 0 {
            return Ok(());
        }
        let before = self.layers.target(layer)?.placement;
        let shown_before = self.layers.on_screen(layer, Rect::of_size(self.layers.size_of(layer)));
        self.layers.attach(layer, parent)?;
        let placement = &mut self.layers.target(layer)?.placement;
        (placement.x, placement.y, placement.z) = (x, y, z);
        if *placement != before {
            self.damage_screen(shown_before);
            self.damage_layer(layer);
        }
        Ok(())
    }

    fn shade(&mut self, layer: i32, opacity: u8) -> Result<(), DrawError> {
        if layer < 0 {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.layers.target(layer)?.placement.opacity, opacity);
        if before != opacity {
            self.damage_layer(layer);
        }
        Ok(())
    }

    /// The part of a layer that a source box covers. A visible layer that is missing is created: it is as large
    /// as the screen, and transparent.
    fn source_area(&mut self, source: i32, area: [i32; 4]) -> Result<Rect, DrawError> {
        if source > 0 {
            self.layers.target(source)?;
        }
        Ok(self.layers.source_area(source, area))
    }

    fn copy(&mut self, transit: Transit, mask: u8) -> Result<(), DrawError> {
        let mask = mask_of(mask)?;
        if transit.area.is_empty() {
            return Ok(());
        }
        self.fit(transit.layer, transit.to, transit.area)?;
        if !self.layers.target(transit.layer)?.drawing.is_plain() {
            return self.copy_through(transit, mask);
        }
        let mut cleared = Rect::default();
        let drawn = self.carry(transit, |to, from, placed| cleared = to.draw(from, placed, mask))?;
        self.count_draw(drawn, transit.layer, mask);
        self.damage_area(transit.layer, drawn);
        self.damage_area(transit.layer, cleared);
        if mask.replaces() {
            self.note_displacement(transit, drawn);
        }
        Ok(())
    }

    fn transfer(&mut self, transit: Transit, function: u8) -> Result<(), DrawError> {
        let Some(combine) = transfer::function(function) else {
            return Err(DrawError::Function { function });
        };
        let drawn = self.carry(transit, |to, from, placed| to.transfer(from, placed, combine))?;
        self.cost.transferred(drawn.area());
        self.damage_area(transit.layer, drawn);
        Ok(())
    }

    /// Lets `draw` combine an area of one layer with another. Answers where that was.
    fn carry(
        &mut self,
        transit: Transit,
        draw: impl FnOnce(&mut Surface, Source<'_>, &Placed),
    ) -> Result<Rect, DrawError> {
        let Transit { source, area, layer, to } = transit;
        if area.is_empty() {
            return Ok(Rect::default());
        }
        self.fit(layer, to, area)?;
        let placed = Placed::new(area, to, self.layers.size_of(layer));
        let mut surface = self.layers.take_surface(layer);
        if source == layer {
            draw(&mut surface, Source::Itself, &placed);
        } else if let Some(source) = self.layers.get(source) {
            draw(&mut surface, Source::Other(&source.surface), &placed);
        }
        self.layers.put_surface(layer, surface);
        Ok(placed.to)
    }

    fn set_cursor(&mut self, hot: [i32; 2], source: i32, area: [i32; 4]) -> Result<(), DrawError> {
        let [x, y, width, height] = area;
        let limit_pixels = self.limits.cursor_side_pixels;
        let side = |length: i32| usize::try_from(length.max(0)).ok().filter(|&side| side <= limit_pixels);
        let (Some(columns), Some(rows)) = (side(width), side(height)) else {
            return Err(DrawError::CursorSide { width, height, limit_pixels });
        };
        let mut image = Surface::new(Size { width: columns, height: rows });
        // It is cleared, drawn, compared and kept.
        self.cost.blended(rows, columns * rows);
        if let Some(layer) = self.layers.get(source) {
            let area = self.layers.source_area(source, area);
            let placed = Placed::new(area, landing(area, [x, y], [0, 0]), image.size());
            image.draw(Source::Other(&layer.surface), &placed, Mask::Src);
        }
        self.cursor.set(image, hot[0], hot[1]);
        Ok(())
    }

    fn draw_image(&mut self, target: ImageTarget, bytes: &[u8]) -> Result<(), DrawError> {
        let (decoded, ImageTarget { layer, mask, x, y }) = (self.decoded.take(), target);
        let mut allowance = Allowance {
            limit_pixels: self.limits.image_pixels,
            free_bytes: self.limits.memory_bytes.saturating_sub(self.layers.bytes()),
            cost: &mut self.cost,
            cost_max: self.cost_max,
            decoded: decoded.filter(|decoded| decoded.coded == bytes).map(|decoded| decoded.surface),
        };
        let image =
            image::decode(bytes, &mut allowance).map_err(|error| DrawError::Image { layer, error })?;
        let (area, to) = (Rect::of_size(image.size()), Position::new(x, y));
        self.fit(layer, to, area)?;
        if !self.layers.target(layer)?.drawing.is_plain() {
            return self.draw_through(layer, (x, y), &image, mask);
        }
        let surface = &mut self.layers.target(layer)?.surface;
        let placed = Placed::new(area, to, surface.size());
        let cleared = surface.draw(Source::Other(&image), &placed, mask);
        self.count_draw(placed.to, layer, mask);
        self.damage_area(layer, placed.to);
        self.damage_area(layer, cleared);
        Ok(())
    }

    /// Makes room for `area` at `to`, on a buffer.
    fn fit(&mut self, layer: i32, to: Position, area: Rect) -> Result<(), DrawError> {
        let end = to.plus(signed(area.width()), signed(area.height()));
        self.fit_end(layer, end.x, end.y)
    }

    pub(super) fn fit_end(&mut self, layer: i32, right: i64, bottom: i64) -> Result<(), DrawError> {
        let before = self.layers.size_of(layer);
        self.layers.fit(layer, right, bottom)?;
        let after = self.layers.size_of(layer);
        if before != after {
            self.cost.copied(before.area() + after.area());
        }
        Ok(())
    }

    /// A layer as a whole changed, or will.
    pub(super) fn damage_layer(&mut self, layer: i32) {
        self.damage_area(layer, Rect::of_size(self.layers.size_of(layer)));
    }

    pub(super) fn damage_area(&mut self, layer: i32, area: Rect) {
        self.damage_screen(self.layers.on_screen(layer, area));
    }

    fn damage_screen(&mut self, area: Rect) {
        self.damage.add(area);
        self.frame.add(area);
    }

    /// Scrolls come as copies inside a layer, or back from a buffer that holds the last screen.
    fn note_displacement(&mut self, transit: Transit, drawn: Rect) {
        let Transit { source, area, layer, to } = transit;
        let from_screen = source < 0 && layer == 0 && self.layers.covers_screen(source);
        if source != layer && !from_screen {
            return;
        }
        let by = |to: i64, from: usize| i32::try_from(to - signed(from)).ok();
        if let (Some(dx), Some(dy)) = (by(to.x, area.left), by(to.y, area.top)) {
            self.damage.add_copy(CopyVector { to: self.layers.on_screen(layer, drawn), dx, dy });
        }
    }
}

/// Where the top left of a cut source area goes, when that of the whole one goes to `to`.
fn landing(area: Rect, from: [i32; 2], to: [i32; 2]) -> Position {
    let at = |area: usize, from: i32, to: i32| i64::from(to) + signed(area) - i64::from(from);
    Position { x: at(area.left, from[0], to[0]), y: at(area.top, from[1], to[1]) }
}

pub(super) fn mask_of(mask: u8) -> Result<Mask, DrawError> {
    Mask::from_protocol(mask).ok_or(DrawError::Mask { mask })
}

#[cfg(test)]
mod model;
#[cfg(test)]
pub(super) mod tests;
