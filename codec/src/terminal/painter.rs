//! Draws the cells of a terminal that changed on a canvas.

use super::emulator::Emulator;
use super::fonts::Fonts;
use super::glyphs::{Glyph, GlyphKey, Glyphs};
use super::look::{CursorLine, Look, NONE, cell_size, looks};
use super::scroll::{Scroll, scrolled};
use super::underline::thickness;
use crate::canvas::{Canvas, DrawError};
use crate::geometry::{Rect, Size};
use crate::source::guac::Instruction;
use crate::source::terminal::Theme;
use std::ops::Range;
use std::sync::Arc;

/// The channel mask of a copy over what was there.
const OVER: u8 = 14;

/// Keeps a canvas like a terminal.
pub(crate) struct Painter {
    theme: Theme,
    fonts: Arc<Fonts>,
    glyphs: Glyphs,
    cell: Size,
    /// What was drawn, row by row, and its columns and rows.
    drawn: Vec<Look>,
    grid: (usize, usize),
}

impl Painter {
    /// Nothing is drawn yet.
    pub(crate) fn new(theme: Theme, fonts: Arc<Fonts>) -> Self {
        let cell = Size::default();
        let glyphs = Glyphs::new(Arc::clone(&fonts), cell);
        Self { theme, fonts, glyphs, cell, drawn: Vec::new(), grid: (0, 0) }
    }

    /// Draws what changed since the last time. A picture that is refused, because there is no memory for it, stays as it was.
    pub(crate) fn paint(&mut self, emulator: &Emulator, canvas: &mut Canvas) -> Result<(), DrawError> {
        let looks = looks(emulator, &self.theme);
        let grid = emulator.size();
        if self.grid != grid {
            self.resize(grid, canvas)?;
        }
        let (columns, _) = grid;
        if let Some(scroll) = scrolled(&self.drawn, &looks, columns) {
            self.scroll(scroll, canvas);
        }
        for (row, now) in looks.chunks(columns).enumerate() {
            let start = row * columns;
            let drawn = self.drawn.get(start..start + columns).unwrap_or_default();
            for run in changed(drawn, now) {
                self.draw(row, run.start, &now[run], canvas);
            }
        }
        self.drawn = looks;
        Ok(())
    }

    fn resize(&mut self, grid: (usize, usize), canvas: &mut Canvas) -> Result<(), DrawError> {
        let cell = cell_size(grid);
        let side = |cells: usize, pixels: usize| i32::try_from(cells * pixels).unwrap_or(i32::MAX);
        let (width, height) = (side(grid.0, cell.width), side(grid.1, cell.height));
        canvas.apply(&Instruction::Size { layer: 0, width, height })?;
        if self.cell != cell {
            self.glyphs = Glyphs::new(Arc::clone(&self.fonts), cell);
        }
        (self.cell, self.grid) = (cell, grid);
        // No cell looks like this, so that all are drawn.
        let nothing = Look { width: u8::MAX, ..Look::empty(&self.theme) };
        self.drawn = vec![nothing; grid.0 * grid.1];
        Ok(())
    }

    /// Moves a block of rows as the terminal did.
    fn scroll(&mut self, scroll: Scroll, canvas: &mut Canvas) {
        let (columns, _) = self.grid;
        let Scroll { top, rows, from } = scroll;
        let pixels = |rows: usize| i32::try_from(rows * self.cell.height).unwrap_or(i32::MAX);
        let copied = canvas.apply(&Instruction::Copy {
            source: 0,
            source_x: 0,
            source_y: pixels(from),
            width: i32::try_from(columns * self.cell.width).unwrap_or(i32::MAX),
            height: pixels(rows),
            mask: OVER,
            layer: 0,
            x: 0,
            y: pixels(top),
        });
        if copied.is_ok() {
            self.drawn.copy_within(from * columns..(from + rows) * columns, top * columns);
        }
    }

    /// Draws cells that stand side by side.
    fn draw(&mut self, row: usize, column: usize, looks: &[Look], canvas: &mut Canvas) {
        let Size { width, height } = self.cell;
        let (left, top) = (column * width, row * height);
        let area = Rect { left, top, right: left + looks.len() * width, bottom: top + height };
        let mut pixels = vec![[0, 0, 0, 255]; area.area()];
        let mut strip = Strip { pixels: &mut pixels, width: area.width(), cell: self.cell };
        for (index, look) in looks.iter().enumerate().filter(|(_, look)| look.width > 0) {
            let cells = usize::from(look.width).min(looks.len() - index);
            let columns = index * width..(index + cells) * width;
            strip.fill(columns.clone(), 0..height, look.background);
            let characters = std::iter::once(look.character).chain(look.marks);
            for character in characters.filter(|&character| character != NONE) {
                let Look { width, bold, italic, .. } = *look;
                let key = GlyphKey { character, width, bold, italic };
                if let Some(glyph) = self.glyphs.glyph(key) {
                    strip.blend(columns.clone(), &glyph, look);
                }
            }
            strip.lines(columns, look, self.theme);
        }
        canvas.put(area, &pixels);
    }
}

/// The runs of cells that look other than what was drawn; a wide character is drawn whole.
fn changed(drawn: &[Look], now: &[Look]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let differs = |at: usize| drawn.get(at) != now.get(at);
    for (at, look) in now.iter().enumerate() {
        let is_tail = look.width == 0;
        let changes = differs(at) || (is_tail && differs(at.saturating_sub(1)));
        if !changes {
            continue;
        }
        let start = if is_tail { at.saturating_sub(1) } else { at };
        match runs.last_mut() {
            Some(last) if last.end >= start => last.end = at + 1,
            Some(_) | None => runs.push(start..at + 1),
        }
    }
    for run in &mut runs {
        if now.get(run.end).is_some_and(|behind| behind.width == 0) {
            run.end += 1;
        }
    }
    runs
}

/// A row of cells that is being drawn.
struct Strip<'a> {
    pixels: &'a mut [[u8; 4]],
    width: usize,
    cell: Size,
}

impl Strip<'_> {
    fn fill(&mut self, columns: Range<usize>, rows: Range<usize>, [red, green, blue]: [u8; 3]) {
        for y in rows.start..rows.end.min(self.cell.height) {
            let row = y * self.width;
            if let Some(pixels) = self.pixels.get_mut(row + columns.start..row + columns.end) {
                pixels.fill([red, green, blue, 255]);
            }
        }
    }

    /// Draws a character over what is there.
    fn blend(&mut self, columns: Range<usize>, glyph: &Glyph, look: &Look) {
        let [red, green, blue] = look.foreground;
        let ink_width = usize::from(look.width.max(1)) * self.cell.width;
        for y in 0..self.cell.height {
            for x in columns.clone() {
                let at = y * ink_width + x - columns.start;
                let [over @ .., alpha] = match glyph {
                    Glyph::Ink(square) => [red, green, blue, square.ink.get(at).copied().unwrap_or(0)],
                    Glyph::Colors(colors) => colors.get(at).copied().unwrap_or_default(),
                };
                if let Some(pixel) = self.pixels.get_mut(y * self.width + x).filter(|_| alpha > 0) {
                    for (own, over) in pixel.iter_mut().zip(over) {
                        *own = mixed(*own, over, alpha);
                    }
                }
            }
        }
    }

    /// Underline, strike and a cursor that is a line.
    fn lines(&mut self, columns: Range<usize>, look: &Look, theme: Theme) {
        let height = self.cell.height;
        let thin = thickness(self.cell);
        if let Some(underline) = look.underline {
            for column in columns.clone() {
                let of_cell = (column - columns.start) % self.cell.width;
                for rows in underline.rows(of_cell, self.cell) {
                    self.fill(column..column + 1, rows, look.foreground);
                }
            }
        }
        if look.strike {
            let middle = height * 11 / 20;
            self.fill(columns.clone(), middle..middle + thin, look.foreground);
        }
        match look.line {
            Some(CursorLine::Below) => {
                self.fill(columns, height.saturating_sub(2 * thin)..height, theme.foreground);
            }
            Some(CursorLine::Before) => {
                let end = columns.start + 2 * thin;
                self.fill(columns.start..end.min(columns.end), 0..height, theme.foreground);
            }
            None => {}
        }
    }
}

/// A channel with another one over it.
fn mixed(below: u8, over: u8, alpha: u8) -> u8 {
    let sum = u16::from(below) * u16::from(255 - alpha) + u16::from(over) * u16::from(alpha);
    u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests;
