//! Characters as ink on cells.

use super::fonts::Fonts;
use super::shapes::shape;
use super::square::{Square, length};
use crate::geometry::Size;
use std::collections::HashMap;
use std::sync::Arc;
use swash::FontRef;
use swash::scale::image::{Content, Image};
use swash::scale::{Render, ScaleContext, Source, StrikeWith};
use swash::zeno::{Angle, Format, Transform};

/// Most characters that are kept; then all are forgotten.
const KEPT_MAX: usize = 4096;
/// Where text stands, as a share of the height of a cell.
const BASELINE: f32 = 0.785;
/// How much wider bold strokes are, as a share of the size of the text.
const BOLD: f32 = 0.035;
/// The size of text that fills the height of a cell.
const FULL: f32 = 0.9;
/// How far italics lean, in degrees.
const LEAN: f32 = 12.0;

/// What is to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct GlyphKey {
    pub(super) character: char,
    /// Cells.
    pub(super) width: u8,
    pub(super) bold: bool,
    pub(super) italic: bool,
}

/// A character on its cells.
#[derive(Debug)]
pub(super) enum Glyph {
    /// In the colour of the text.
    Ink(Square),
    /// In its own colours, with straight alpha.
    Colors(Vec<[u8; 4]>),
}

/// Draws characters, each once.
pub(super) struct Glyphs {
    fonts: Arc<Fonts>,
    context: ScaleContext,
    cell: Size,
    kept: HashMap<GlyphKey, Option<Arc<Glyph>>>,
}

impl Glyphs {
    pub(super) fn new(fonts: Arc<Fonts>, cell: Size) -> Self {
        Self { fonts, context: ScaleContext::new(), cell, kept: HashMap::new() }
    }

    /// A character; `None` for one that has no ink.
    pub(super) fn glyph(&mut self, key: GlyphKey) -> Option<Arc<Glyph>> {
        if let Some(glyph) = self.kept.get(&key) {
            return glyph.clone();
        }
        if self.kept.len() >= KEPT_MAX {
            self.kept.clear();
        }
        let glyph = self.draw(key).map(Arc::new);
        self.kept.insert(key, glyph.clone());
        glyph
    }

    fn draw(&mut self, key: GlyphKey) -> Option<Glyph> {
        let size = Size { width: self.cell.width * usize::from(key.width.max(1)), height: self.cell.height };
        if key.character == ' ' {
            return None;
        }
        if let Some(square) = shape(key.character, size) {
            return Some(Glyph::Ink(square));
        }
        let fonts = Arc::clone(&self.fonts);
        match fonts.find(key.character, key.width) {
            Some((font, glyph)) => self.render(font, glyph, key, size),
            None => Some(Glyph::Ink(missing(size))),
        }
    }

    fn render(&mut self, font: FontRef<'_>, glyph: u16, key: GlyphKey, size: Size) -> Option<Glyph> {
        let room = length(size.width);
        let main = self.fonts.main()?;
        let em = length(self.cell.width) / advance(main, main.charmap().map('M')).max(0.1);
        let is_text = font.key == main.key;
        let share = advance(font, glyph);
        // What is wider than its cells is made smaller, and what has two of them fills their height.
        let em = match key.width {
            2 if !is_text => length(size.height) * FULL,
            _ => em,
        };
        let em = if share * em > room + 0.5 { room / share } else { em };
        let wide = share * em;
        let left = if is_text || wide == 0.0 { 0.0 } else { ((room - wide.min(room)) / 2.0).round() };
        let mut scaler = self.context.builder(font).size(em).hint(true).build();
        let sources = [Source::ColorOutline(0), Source::ColorBitmap(StrikeWith::BestFit), Source::Outline];
        let mut render = Render::new(&sources);
        render.format(Format::Alpha);
        if key.bold {
            render.embolden(em * BOLD);
        }
        if key.italic {
            render.transform(Some(Transform::skew(Angle::from_degrees(LEAN), Angle::from_degrees(0.0))));
        }
        let image = render.render(&mut scaler, glyph)?;
        let baseline = (length(size.height) * BASELINE).round();
        // A mark without a width of its own stands in front of its origin: it is drawn over a cell.
        let origin = if wide == 0.0 { room } else { left - if key.italic { 1.0 } else { 0.0 } };
        placed(&image, whole(origin), whole(baseline), size)
    }
}

/// A width in ems.
fn advance(font: FontRef<'_>, glyph: u16) -> f32 {
    let metrics = font.glyph_metrics(&[]);
    metrics.advance_width(glyph) / f32::from(metrics.units_per_em().max(1))
}

/// An image on its cells, cut to them.
fn placed(image: &Image, origin: i32, baseline: i32, size: Size) -> Option<Glyph> {
    let (width, height) = (image.placement.width, image.placement.height);
    let columns = usize::try_from(width).ok().filter(|&columns| columns > 0)?;
    let (left, top) = (origin + image.placement.left, baseline - image.placement.top);
    let side = |side: u32| i32::try_from(side).unwrap_or(0);
    // What would be cut is moved in, as far as there is room.
    let moved = |start: i32, extent: i32, room: usize| {
        let last = i32::try_from(room).unwrap_or(i32::MAX) - extent;
        if last < 0 { start } else { start.clamp(0, last) }
    };
    let (left, top) = (moved(left, side(width), size.width), moved(top, side(height), size.height));
    let inside = |at: usize| {
        let column = i32::try_from(at % columns).ok()? + left;
        let row = i32::try_from(at / columns).ok()? + top;
        let (column, row) = (usize::try_from(column).ok()?, usize::try_from(row).ok()?);
        (column < size.width && row < size.height).then_some(row * size.width + column)
    };
    match image.content {
        Content::Mask => {
            let mut square = Square::new(size);
            for (at, &ink) in image.data.iter().enumerate() {
                if let Some(pixel) = inside(at).and_then(|place| square.ink.get_mut(place)) {
                    *pixel = ink;
                }
            }
            Some(Glyph::Ink(square))
        }
        Content::Color => {
            let mut colors = vec![[0; 4]; size.area()];
            for (at, &color) in image.data.as_chunks::<4>().0.iter().enumerate() {
                if let Some(pixel) = inside(at).and_then(|place| colors.get_mut(place)) {
                    *pixel = color;
                }
            }
            Some(Glyph::Colors(colors))
        }
        Content::SubpixelMask => None,
    }
}

/// A box for what no font has.
fn missing(size: Size) -> Square {
    let mut square = Square::new(size);
    let (columns, rows) = (size.width / 5, size.height / 5);
    let frame = crate::geometry::Rect {
        left: columns,
        top: rows,
        right: size.width.saturating_sub(columns),
        bottom: size.height.saturating_sub(rows),
    };
    square.fill(frame, 160);
    let hole = crate::geometry::Rect {
        left: frame.left + 1,
        top: frame.top + 1,
        right: frame.right.saturating_sub(1),
        bottom: frame.bottom.saturating_sub(1),
    };
    square.fill(hole, 0);
    square
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "a place in a cell is small")]
fn whole(pixels: f32) -> i32 {
    pixels.round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: Size = Size { width: 10, height: 20 };

    fn ink(character: char, width: u8, bold: bool, italic: bool) -> Square {
        let mut glyphs = Glyphs::new(Fonts::bundled(), CELL);
        match glyphs.glyph(GlyphKey { character, width, bold, italic }).as_deref() {
            Some(Glyph::Ink(square)) => square.clone(),
            Some(Glyph::Colors(_)) | None => unreachable!("{character} has ink"),
        }
    }

    fn weight(square: &Square) -> u32 {
        square.ink.iter().map(|&ink| u32::from(ink)).sum()
    }

    #[test]
    fn text_stands_on_one_line_inside_its_cell() {
        let bottom = |character| {
            let square = ink(character, 1, false, false);
            square.ink.iter().rposition(|&ink| ink > 100).unwrap() / CELL.width
        };
        assert_eq!([bottom('M'), bottom('x'), bottom('1')], [bottom('H'); 3]);
        assert!(bottom('g') > bottom('x') && bottom('g') < CELL.height);
        assert_eq!(ink('W', 1, false, false).size, CELL);
    }

    #[test]
    fn bold_has_more_ink_and_italics_lean() {
        assert!(weight(&ink('H', 1, true, false)) > weight(&ink('H', 1, false, false)) * 11 / 10);
        let slant = ink('l', 1, false, true);
        assert_ne!(slant, ink('l', 1, false, false));
    }

    #[test]
    fn an_emoji_fills_two_cells_and_what_no_font_has_is_a_box() {
        let emoji = ink('😀', 2, false, false);
        assert_eq!(emoji.size, Size { width: 20, height: 20 });
        let columns = (0..20).filter(|&x| (0..20).any(|y| emoji.at(x, y) > 0)).count();
        assert!(columns > 13, "{columns}");
        assert_eq!(ink('漢', 2, false, false), missing(Size { width: 20, height: 20 }));
    }

    #[test]
    fn a_blank_has_no_ink() {
        let mut glyphs = Glyphs::new(Fonts::bundled(), CELL);
        assert!(glyphs.glyph(GlyphKey { character: ' ', width: 1, bold: true, italic: false }).is_none());
    }
}
