//! The canvas: one instruction in, changed pixels out.

use super::cursor::{Cursor, CursorImage};
use super::damage::Damage;
use super::error::{DrawError, RestoreError};
use super::image;
use super::key_state::State;
use super::layers::Layers;
use super::mask::{Mask, premultiply};
use super::place::{Placed, Position, signed};
use super::stream::{ImageStreams, ImageTarget};
use super::surface::{Source, Surface};
use super::work::Work;
use super::{flatten, transfer};
use crate::geometry::{CopyVector, Rect, Size};
use crate::limits::Limits;
use crate::picture::Picture;
use crate::source::guac::{Color, Instruction, Parser};
use base64_simd::STANDARD;

/// The state of a screen: layers, buffers, open image streams and the mouse pointer.
#[derive(Debug)]
pub struct Canvas {
    limits: Limits,
    layers: Layers,
    streams: ImageStreams,
    cursor: Cursor,
    damage: Damage,
    work: Work,
}

/// An area of one layer and where it goes on another.
#[derive(Clone, Copy)]
struct Transit {
    source: i32,
    area: Rect,
    layer: i32,
    to: Position,
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
            work: Work::default(),
        }
    }

    /// The instructions from which [`Self::restore`] makes this canvas again; any client of the protocol can draw
    /// them. `None` when they would have more than `limit_bytes`.
    pub fn key_state(&self, limit_bytes: usize) -> Option<Vec<u8>> {
        self.state().write(limit_bytes)
    }

    /// All that a key state holds.
    pub(super) fn state(&self) -> State<'_> {
        let Self { limits: _, layers, streams, cursor, damage: _, work: _ } = self;
        State { layers, streams, cursor }
    }

    /// The canvas of a key state, under the limits of the one that it was made from. Nothing of it was shown yet:
    /// all of the screen is damage.
    pub fn restore(key_state: &[u8], limits: Limits) -> Result<Self, RestoreError> {
        let mut canvas = Self::new(limits);
        let mut parser = Parser::new(limits);
        parser.push(key_state);
        while let Some(instruction) = parser.read()? {
            canvas.apply(&instruction)?;
        }
        parser.finish()?;
        canvas.damage = Damage::default();
        canvas.damage_layer(0);
        canvas.work = Work::default();
        Ok(canvas)
    }

    /// Draws one instruction. Instructions that draw nothing are ignored.
    ///
    /// A refused instruction changes nothing that can be seen; the next ones can be drawn.
    pub fn apply(&mut self, instruction: &Instruction<'_>) -> Result<(), DrawError> {
        self.work.instructions += 1;
        match *instruction {
            Instruction::Size { layer, width, height } => self.resize(layer, width, height),
            Instruction::Move { layer, parent, x, y, z } => self.place(layer, parent, [x, y, z]),
            Instruction::Shade { layer, opacity } => self.shade(layer, opacity),
            Instruction::Dispose { layer } => {
                self.damage_layer(layer);
                self.layers.dispose(layer);
                Ok(())
            }
            Instruction::Rect { layer, x, y, width, height } => self.add_rect(layer, [x, y, width, height]),
            Instruction::Cfill { mask, layer, color } => self.fill(mask, layer, color),
            Instruction::Copy { source, source_x, source_y, width, height, mask, layer, x, y } => {
                let area = self.layers.source_area(source, [source_x, source_y, width, height]);
                let to = landing(area, [source_x, source_y], [x, y]);
                self.copy(Transit { source, area, layer, to }, mask)
            }
            Instruction::Transfer { source, source_x, source_y, width, height, function, layer, x, y } => {
                let area = self.layers.source_area(source, [source_x, source_y, width, height]);
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
            Instruction::Img { .. }
            | Instruction::InlineImage { .. }
            | Instruction::Blob { .. }
            | Instruction::End { .. }
            | Instruction::Audio { .. }
            | Instruction::Clipboard { .. }
            | Instruction::OtherStream { .. } => self.apply_stream(instruction),
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

    /// Pixels of all layers and buffers.
    pub fn pixels(&self) -> usize {
        self.layers.pixels()
    }

    /// What all drawing up to here has cost.
    pub fn work(&self) -> Work {
        self.work
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

    /// Stream indexes are not one namespace: whatever opens a stream ends the image of that index.
    fn apply_stream(&mut self, instruction: &Instruction<'_>) -> Result<(), DrawError> {
        match *instruction {
            Instruction::Img { stream, mask, layer, mimetype: _, x, y } => {
                let mask = mask_of(mask).inspect_err(|_| _ = self.streams.take(stream))?;
                self.streams.open(stream, ImageTarget { layer, mask, x, y }, &self.limits)
            }
            Instruction::InlineImage { mimetype: _, mask, layer, x, y, data } => {
                let target = ImageTarget { layer, mask: mask_of(mask)?, x, y };
                let limit_bytes = self.limits.image_bytes;
                let refusal = || DrawError::InlineImage { chars: data.len(), limit_bytes };
                if data.len() / 4 * 3 > limit_bytes {
                    return Err(refusal());
                }
                let bytes = STANDARD.decode_to_vec(data.as_bytes()).map_err(|_| refusal())?;
                self.draw_image(target, &bytes)
            }
            Instruction::Blob { stream, data } => self.streams.append(stream, data, &self.limits),
            Instruction::End { stream } => match self.streams.take(stream) {
                Some(image) => self.draw_image(image.target, &image.bytes),
                None => Ok(()),
            },
            Instruction::Audio { stream, .. }
            | Instruction::Clipboard { stream, .. }
            | Instruction::OtherStream { stream } => {
                self.streams.take(stream);
                Ok(())
            }
            Instruction::Size { .. }
            | Instruction::Move { .. }
            | Instruction::Shade { .. }
            | Instruction::Dispose { .. }
            | Instruction::Rect { .. }
            | Instruction::Cfill { .. }
            | Instruction::Copy { .. }
            | Instruction::Transfer { .. }
            | Instruction::Cursor { .. }
            | Instruction::Sync { .. }
            | Instruction::Mouse { .. }
            | Instruction::Key { .. }
            | Instruction::Error { .. }
            | Instruction::Nop
            | Instruction::Other { .. } => Ok(()),
        }
    }

    fn resize(&mut self, layer: i32, width: i32, height: i32) -> Result<(), DrawError> {
        let before = self.layers.size_of(layer);
        let shown_before = self.layers.on_screen(layer, Rect::of_size(before));
        self.layers.resize(layer, width.into(), height.into())?;
        if before == self.layers.size_of(layer) {
            return Ok(());
        }
        self.work.draw(self.layers.size_of(layer).area());
        if layer == 0 {
            // The rectangles of the old screen may lie outside the new one, which is new as a whole.
            self.damage = Damage::default();
        } else {
            self.damage.add(shown_before);
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
            self.damage.add(shown_before);
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

    fn add_rect(&mut self, layer: i32, [x, y, width, height]: [i32; 4]) -> Result<(), DrawError> {
        let end = |start: i32, length: i32| i64::from(start) + i64::from(length.max(0));
        self.layers.fit(layer, end(x, width), end(y, height))?;
        let limit = self.limits.path_rects;
        let path = &mut self.layers.target(layer)?.path;
        path.add([x, y, width, height], limit).map_err(|_| DrawError::PathRects { layer, limit })
    }

    fn fill(&mut self, mask: u8, layer: i32, color: Color) -> Result<(), DrawError> {
        let mask = mask_of(mask)?;
        let target = self.layers.target(layer)?;
        let size = target.surface.size();
        let rects = target.path.rects(size);
        target.path.close();
        let color = premultiply([color.red, color.green, color.blue, color.alpha]);
        let cleared = target.surface.fill(&rects, color, mask);
        self.work.draw(rects.iter().map(Rect::area).sum());
        self.work.clear(mask, size);
        for rect in rects.into_iter().chain([cleared]) {
            self.damage_area(layer, rect);
        }
        Ok(())
    }

    fn copy(&mut self, transit: Transit, mask: u8) -> Result<(), DrawError> {
        let mask = mask_of(mask)?;
        let mut cleared = Rect::default();
        let drawn = self.carry(transit, |to, from, placed| cleared = to.draw(from, placed, mask))?;
        self.work.clear(mask, self.layers.size_of(transit.layer));
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
        self.work.draw(placed.to.area());
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
        self.work.draw(image.size().area());
        if let Some(layer) = self.layers.get(source) {
            let area = self.layers.source_area(source, area);
            let placed = Placed::new(area, landing(area, [x, y], [0, 0]), image.size());
            image.draw(Source::Other(&layer.surface), &placed, Mask::Src);
        }
        self.cursor.set(image, hot[0], hot[1]);
        Ok(())
    }

    fn draw_image(&mut self, target: ImageTarget, bytes: &[u8]) -> Result<(), DrawError> {
        let ImageTarget { layer, mask, x, y } = target;
        self.work.decode(bytes);
        let image = image::decode(bytes, self.limits.image_pixels)
            .map_err(|error| DrawError::Image { layer, error })?;
        let (area, to) = (Rect::of_size(image.size()), Position::new(x, y));
        self.fit(layer, to, area)?;
        let surface = &mut self.layers.target(layer)?.surface;
        let placed = Placed::new(area, to, surface.size());
        let cleared = surface.draw(Source::Other(&image), &placed, mask);
        self.work.decoded(image.size());
        self.work.draw(placed.to.area());
        self.work.clear(mask, surface.size());
        self.damage_area(layer, placed.to);
        self.damage_area(layer, cleared);
        Ok(())
    }

    /// Makes room for `area` at `to`, on a buffer.
    fn fit(&mut self, layer: i32, to: Position, area: Rect) -> Result<(), DrawError> {
        let end = to.plus(signed(area.width()), signed(area.height()));
        self.layers.fit(layer, end.x, end.y)
    }

    /// A layer as a whole changed, or will.
    fn damage_layer(&mut self, layer: i32) {
        self.damage_area(layer, Rect::of_size(self.layers.size_of(layer)));
    }

    fn damage_area(&mut self, layer: i32, area: Rect) {
        self.damage.add(self.layers.on_screen(layer, area));
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

fn mask_of(mask: u8) -> Result<Mask, DrawError> {
    Mask::from_protocol(mask).ok_or(DrawError::Mask { mask })
}

#[cfg(test)]
mod tests;
