//! Paths and what is drawn with them, and drawing that is transformed or cut.

use super::canvas::{Canvas, Transit, mask_of};
use super::drawing::Drawing;
use super::error::DrawError;
use super::mask::{Mask, Pixel, premultiply};
use super::paint::{Brush, Paint};
use super::path::Segment;
use super::shape::{Shape, float, real};
use super::surface::Surface;
use crate::geometry::{Rect, Size};
use crate::matrix::Matrix;
use crate::source::guac::{Color, Pen, Vector};

/// What is drawn through a shape.
#[derive(Clone, Copy)]
pub(super) enum Ink<'a> {
    /// A premultiplied colour.
    Color(Pixel),
    /// Another layer, again and again from the origin on.
    Pattern(i32),
    /// A picture, once; `to_source` tells which of its places is seen at a place of the untransformed layer.
    Picture { source: Picture<'a>, area: Rect, to_source: Matrix },
}

/// A picture to draw.
#[derive(Clone, Copy)]
pub(super) enum Picture<'a> {
    Layer(i32),
    Image(&'a Surface),
}

impl Ink<'_> {
    /// A colour of the protocol.
    pub(super) fn of(color: Color) -> Self {
        Self::Color(premultiply([color.red, color.green, color.blue, color.alpha]))
    }
}

impl Canvas {
    /// Follows one instruction on paths and states.
    pub(super) fn apply_vector(&mut self, layer: i32, vector: Vector) -> Result<(), DrawError> {
        match vector {
            Vector::Start { x, y } => self.add_segment(layer, Segment::Start { x, y }),
            Vector::Line { x, y } => self.add_segment(layer, Segment::Line { x, y }),
            Vector::Curve { x1, y1, x2, y2, x, y } => {
                self.add_segment(layer, Segment::Curve { x1, y1, x2, y2, x, y })
            }
            Vector::Arc(arc) => self.add_segment(layer, Segment::Arc(arc)),
            Vector::Close => self.add_segment(layer, Segment::Close),
            Vector::Clip => self.clip(layer),
            Vector::Lfill { mask, source } => self.fill(mask, layer, Ink::Pattern(source)),
            Vector::Cstroke { mask, pen, color } => self.stroke(mask, layer, pen, Ink::of(color)),
            Vector::Lstroke { mask, pen, source } => self.stroke(mask, layer, pen, Ink::Pattern(source)),
            Vector::Push => self.save(layer),
            Vector::Pop => self.layers.draw(layer, Drawing::pop),
            Vector::Reset => self.layers.draw(layer, |drawing| *drawing = Drawing::default()),
            Vector::Identity => self.layers.draw(layer, |drawing| drawing.state.transform = Matrix::IDENTITY),
            Vector::Transform(matrix) => self.transform(layer, matrix),
            Vector::MiterLimit(limit) if limit > 0.0 => {
                self.layers.draw(layer, |drawing| drawing.state.miter_limit = limit)
            }
            Vector::MiterLimit(_) => Ok(()),
            Vector::Distort(matrix) => self.distort(layer, matrix),
        }
    }

    /// Adds a segment to the path of a layer. Buffers grow to hold its end.
    pub(super) fn add_segment(&mut self, layer: i32, segment: Segment) -> Result<(), DrawError> {
        if let Some((right, bottom)) = segment.corner() {
            self.fit_end(layer, right, bottom)?;
        }
        let dropped = self.layers.target(layer)?.drawing.dropped_by(segment);
        self.check_room(layer, dropped, 1)?;
        self.layers.draw(layer, |drawing| drawing.add(segment))
    }

    /// Checks that a layer may hold more segments when it drops others.
    fn check_room(&mut self, layer: i32, dropped: usize, added: usize) -> Result<(), DrawError> {
        let (limit, all_limit) = (self.limits.path_segments, self.limits.all_segments);
        if self.layers.target(layer)?.drawing.segments() - dropped + added > limit {
            return Err(DrawError::PathSegments { layer, limit });
        }
        if self.layers.segments() - dropped + added > all_limit {
            return Err(DrawError::AllSegments { layer, limit: all_limit });
        }
        Ok(())
    }

    fn clip(&mut self, layer: i32) -> Result<(), DrawError> {
        let limit = self.limits.clips;
        let drawing = &self.layers.target(layer)?.drawing;
        let segments = drawing.path.steps().len();
        if drawing.clips.len() >= limit {
            return Err(DrawError::Clips { layer, limit });
        }
        self.check_room(layer, 0, segments)?;
        self.layers.draw(layer, Drawing::clip)
    }

    fn save(&mut self, layer: i32) -> Result<(), DrawError> {
        let (limit, all_limit) = (self.limits.saved_states, self.limits.all_segments);
        if self.layers.target(layer)?.drawing.saved.len() >= limit {
            return Err(DrawError::SavedStates { layer, limit });
        }
        if self.layers.segments() >= all_limit {
            return Err(DrawError::AllSegments { layer, limit: all_limit });
        }
        self.layers.draw(layer, Drawing::push)
    }

    fn transform(&mut self, layer: i32, matrix: Matrix) -> Result<(), DrawError> {
        let before = self.layers.target(layer)?.drawing.state.transform;
        let transform = before.after(&matrix).ok_or(DrawError::Transform { layer })?;
        self.layers.draw(layer, |drawing| drawing.state.transform = transform)
    }

    fn distort(&mut self, layer: i32, matrix: Matrix) -> Result<(), DrawError> {
        if layer < 0 || self.layers.target(layer)?.placement.matrix == matrix {
            return Ok(());
        }
        self.damage_layer(layer);
        self.layers.target(layer)?.placement.matrix = matrix;
        self.damage_layer(layer);
        Ok(())
    }

    /// Fills the path, and ends it. Of a path with nothing in it not even an unbounded mask takes note.
    pub(super) fn fill(&mut self, mask: u8, layer: i32, ink: Ink<'_>) -> Result<(), DrawError> {
        let mask = mask_of(mask)?;
        let target = self.layers.target(layer)?;
        target.drawing.path.end();
        let path = &target.drawing.path;
        if path.steps().is_empty() {
            return Ok(());
        }
        let rects = if target.drawing.is_plain() { path.rects(target.surface.size()) } else { None };
        match (ink, rects) {
            (Ink::Color(color), Some(rects)) => {
                let size = target.surface.size();
                let cleared = target.surface.fill(&rects, color, mask);
                self.count_fill(&rects, size, mask);
                for rect in rects.into_iter().chain([cleared]) {
                    self.damage_area(layer, rect);
                }
                Ok(())
            }
            (Ink::Color(_) | Ink::Pattern(_) | Ink::Picture { .. }, _) => {
                let shape = Shape::of(path);
                self.paint(layer, shape, ink, mask)
            }
        }
    }

    /// Strokes the path, and ends it.
    fn stroke(&mut self, mask: u8, layer: i32, pen: Pen, ink: Ink<'_>) -> Result<(), DrawError> {
        let mask = mask_of(mask)?;
        let drawing = &mut self.layers.target(layer)?.drawing;
        drawing.path.end();
        let state = drawing.state;
        let shape = Shape::of(&drawing.path).stroked(pen, state.miter_limit, &state.transform);
        if shape.is_empty() {
            return Ok(());
        }
        self.paint(layer, shape, ink, mask)
    }

    /// Draws an area of another layer, transformed and cut.
    pub(super) fn copy_through(&mut self, transit: Transit, mask: Mask) -> Result<(), DrawError> {
        let Transit { source, area, layer, to } = transit;
        let at = Matrix::moving(real(to.x), real(to.y));
        let from = Matrix::moving(float(area.left) - at.e, float(area.top) - at.f);
        self.stamp(layer, at, Ink::Picture { source: Picture::Layer(source), area, to_source: from }, mask)
    }

    /// Draws an image, transformed and cut.
    pub(super) fn draw_through(
        &mut self,
        layer: i32,
        (x, y): (i32, i32),
        image: &Surface,
        mask: Mask,
    ) -> Result<(), DrawError> {
        let at = Matrix::moving(f64::from(x), f64::from(y));
        let (source, area) = (Picture::Image(image), Rect::of_size(image.size()));
        self.stamp(layer, at, Ink::Picture { source, area, to_source: Matrix::moving(-at.e, -at.f) }, mask)
    }

    /// Draws a picture in a box at a place.
    fn stamp(&mut self, layer: i32, at: Matrix, ink: Ink<'_>, mask: Mask) -> Result<(), DrawError> {
        let Ink::Picture { area, .. } = ink else { return Ok(()) };
        let size = Size { width: area.width(), height: area.height() };
        let there = self.layers.target(layer)?.drawing.state.transform.after(&at);
        let shape = Shape::of_box(size, &there.ok_or(DrawError::Transform { layer })?);
        self.paint(layer, shape, ink, mask)
    }

    /// Draws through a shape and the clips of the layer. By a transform that cannot be undone nothing is drawn.
    fn paint(&mut self, layer: i32, shape: Shape, ink: Ink<'_>, mask: Mask) -> Result<(), DrawError> {
        self.check_pattern(layer, ink)?;
        let drawing = &self.layers.target(layer)?.drawing;
        let Some(back) = drawing.state.transform.inverse() else { return Ok(()) };
        let clips: Vec<_> = drawing.clips.iter().map(Shape::of).collect();
        self.count_shapes(layer, &shape, &clips, matches!(ink, Ink::Color(_)), mask);
        let mut surface = self.layers.take_surface(layer);
        let own = if ink.reads(layer) { surface.clone() } else { Surface::default() };
        let of_layer = |index| match self.layers.get(index) {
            Some(_) if index == layer => &own,
            Some(source) => &source.surface,
            None => &own,
        };
        let paint = match ink {
            Ink::Color(color) => Some(Paint::Color(color)),
            Ink::Pattern(index) => {
                let (source, area) = (of_layer(index), Rect::of_size(of_layer(index).size()));
                Some(Paint::Picture { source, area, to_source: back, repeats: true })
            }
            Ink::Picture { source, area, to_source } => {
                let source = match source {
                    Picture::Layer(index) => of_layer(index),
                    Picture::Image(image) => image,
                };
                let to_source = to_source.after(&back);
                to_source.map(|to_source| Paint::Picture { source, area, to_source, repeats: false })
            }
        };
        // Without a picture there is nothing to draw with.
        let paint = paint.filter(|paint| !paint.is_empty());
        let draw = |paint| Brush { shape, clips: &clips, paint }.draw(&mut surface, mask);
        let changed = paint.map_or_else(Rect::default, draw);
        self.layers.put_surface(layer, surface);
        self.damage_area(layer, changed);
        Ok(())
    }

    /// Checks the size of the layer that is drawn with: it may have to be copied.
    fn check_pattern(&self, layer: i32, ink: Ink<'_>) -> Result<(), DrawError> {
        let (pixels, limit_pixels) = (self.layers.size_of(layer).area(), self.limits.pattern_pixels);
        if ink.reads(layer) && pixels > limit_pixels {
            return Err(DrawError::PatternPixels { layer, pixels, limit_pixels });
        }
        Ok(())
    }
}

impl Ink<'_> {
    /// Whether it draws with this layer.
    fn reads(&self, layer: i32) -> bool {
        match *self {
            Self::Pattern(source) | Self::Picture { source: Picture::Layer(source), .. } => source == layer,
            Self::Color(_) | Self::Picture { source: Picture::Image(_), .. } => false,
        }
    }
}

#[cfg(test)]
mod tests;
