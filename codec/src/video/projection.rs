//! From a screen of changing size to pictures of one size, in the colours of the encoder.

use super::settings::Chroma;
use super::yuv::Yuv;
use crate::geometry::{CopyVector, Rect, Size};
use crate::picture::Picture;
use crate::screen::{Screen, ScreenChange};

/// The video's picture, kept up to date by damage alone.
///
/// A screen of another size than the video's stands in the middle, never stretched; all sizes of a recording are
/// scaled down by the same factor where the largest does not fit.
#[derive(Debug)]
pub(super) struct Projection {
    /// The screen size that fills the video.
    largest: Size,
    fitted: Picture,
    yuv: Yuv,
}

/// What changed in the video's picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PictureChange {
    /// Areas that were drawn on.
    pub(super) damage: Vec<Rect>,
    /// Areas that probably only moved.
    pub(super) copies: Vec<CopyVector>,
}

/// Where a screen stands in the video.
#[derive(Debug, Clone, Copy)]
struct Placement {
    /// Size of the screen.
    from: Size,
    /// Its size in the video.
    to: Size,
    /// Its left and top in the video.
    left: usize,
    top: usize,
}

impl Projection {
    /// A black picture of `video` size; screens of `largest` size fill it.
    pub(super) fn new(video: Size, largest: Size, chroma: Chroma) -> Self {
        Self { largest, fitted: Picture::black(video), yuv: Yuv::black(video, chroma) }
    }

    /// The video's picture.
    pub(super) fn picture(&self) -> &Yuv {
        &self.yuv
    }

    /// Brings the whole screen to the video.
    pub(super) fn project_all(&mut self, screen: &Screen) {
        let damage = vec![Rect::of_size(screen.size())];
        self.project(screen, &ScreenChange { resized: true, damage, copies: Vec::new() });
    }

    /// Brings what changed on the screen to the video.
    pub(super) fn project(&mut self, screen: &Screen, change: &ScreenChange) -> PictureChange {
        let placement = self.placement(screen.size());
        if change.resized {
            self.fitted = Picture::black(self.fitted.size);
        }
        let mut damage: Vec<_> = change
            .damage
            .iter()
            .map(|area| self.bring(screen.picture(), *area, &placement))
            .filter(|area| !area.is_empty())
            .collect();
        if change.resized {
            damage = vec![Rect::of_size(self.fitted.size)];
        }
        for area in &damage {
            self.yuv.convert(&self.fitted, *area);
        }
        let is_moved = |copy: &&CopyVector| !placement.is_scaled() && placement.fits(&copy.to);
        let copies = change
            .copies
            .iter()
            .filter(is_moved)
            .map(|copy| CopyVector { to: placement.moved(copy.to), ..*copy })
            .collect();
        PictureChange { damage, copies }
    }

    fn placement(&self, from: Size) -> Placement {
        let video = self.fitted.size;
        let scaled = |length: usize, video: usize, largest: usize| {
            if largest > video { (length * video / largest).min(video) } else { length.min(video) }
        };
        // One factor for both sides: that of the side that has to shrink most.
        let to = if self.largest.width * video.height >= self.largest.height * video.width {
            let width = scaled(from.width, video.width, self.largest.width);
            Size { width, height: scaled(from.height, video.width, self.largest.width).min(video.height) }
        } else {
            let height = scaled(from.height, video.height, self.largest.height);
            Size { width: scaled(from.width, video.height, self.largest.height).min(video.width), height }
        };
        let middle = |video: usize, screen: usize| (video - screen) / 2;
        Placement { from, to, left: middle(video.width, to.width), top: middle(video.height, to.height) }
    }

    /// Copies or scales `area` of the screen; returns it in the video's coordinates.
    fn bring(&mut self, screen: &Picture, area: Rect, placement: &Placement) -> Rect {
        if placement.is_scaled() {
            return self.scale(screen, area, placement);
        }
        let placed = placement.moved(area).intersection(&Rect::of_size(self.fitted.size));
        for (line, y) in (placed.top..placed.bottom).enumerate() {
            let row = screen.row(area.top + line, area.left, area.left + placed.width());
            self.fitted.row_mut(y, placed.left, placed.right).copy_from_slice(row);
        }
        placed
    }

    /// Scales every pixel of the video that shows a part of `area`: the mean of the pixels that it covers.
    fn scale(&mut self, screen: &Picture, area: Rect, placement: &Placement) -> Rect {
        let Placement { from, to, left, top } = *placement;
        if to.area() == 0 {
            return Rect::default();
        }
        let last = |at: usize, to: usize, from: usize| (at * to).div_ceil(from).min(to);
        let target = Rect {
            left: area.left * to.width / from.width,
            top: area.top * to.height / from.height,
            right: last(area.right, to.width, from.width),
            bottom: last(area.bottom, to.height, from.height),
        };
        for y in target.top..target.bottom {
            for x in target.left..target.right {
                let covered = Rect {
                    left: x * from.width / to.width,
                    top: y * from.height / to.height,
                    right: ((x + 1) * from.width).div_ceil(to.width),
                    bottom: ((y + 1) * from.height).div_ceil(to.height),
                };
                let mean = mean_of(screen, covered);
                self.fitted.row_mut(y + top, x + left, x + left + 1)[0] = mean;
            }
        }
        placement.moved(target)
    }
}

impl Placement {
    fn is_scaled(&self) -> bool {
        self.from != self.to
    }

    fn fits(&self, area: &Rect) -> bool {
        Rect::of_size(self.to).contains(area)
    }

    fn moved(&self, area: Rect) -> Rect {
        Rect {
            left: area.left + self.left,
            top: area.top + self.top,
            right: area.right + self.left,
            bottom: area.bottom + self.top,
        }
    }
}

/// The mean colour of the pixels of `area`.
fn mean_of(picture: &Picture, area: Rect) -> [u8; 4] {
    let mut sums = [0_usize; 3];
    for y in area.top..area.bottom {
        for pixel in picture.row(y, area.left, area.right) {
            for (sum, component) in sums.iter_mut().zip(pixel) {
                *sum += usize::from(*component);
            }
        }
    }
    let count = area.area().max(1);
    let [red, green, blue] = sums.map(|sum| u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX));
    [red, green, blue, 255]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placement(video: (usize, usize), largest: (usize, usize), screen: (usize, usize)) -> Placement {
        let size = |(width, height)| Size { width, height };
        Projection::new(size(video), size(largest), Chroma::Half).placement(size(screen))
    }

    #[test]
    fn a_smaller_screen_stands_in_the_middle_and_is_not_stretched() {
        let placed = placement((1280, 720), (1280, 720), (1024, 768));
        assert_eq!((placed.to, placed.left, placed.top), (Size { width: 1024, height: 720 }, 128, 0));
        let placed = placement((1280, 768), (1280, 768), (1024, 701));
        assert_eq!((placed.left, placed.top, placed.is_scaled()), (128, 33, false));
    }

    #[test]
    fn all_screens_shrink_by_the_factor_of_the_largest() {
        let placed = placement((4096, 2048), (8192, 4096), (1000, 500));
        assert_eq!(placed.to, Size { width: 500, height: 250 });
        let placed = placement((2304, 2304), (8192, 8192), (8192, 8192));
        assert_eq!((placed.to, placed.left), (Size { width: 2304, height: 2304 }, 0));
    }

    #[test]
    fn scaling_the_damage_equals_scaling_the_whole() {
        let from = Size { width: 50, height: 30 };
        let mut picture = Picture::black(from);
        for (index, pixel) in picture.pixels.iter_mut().enumerate() {
            *pixel = [u8::try_from(index * 31 % 256).unwrap(), 7, 200, 255];
        }
        let mut whole = Projection::new(Size { width: 20, height: 12 }, from, Chroma::Half);
        let placement = whole.placement(from);
        whole.scale(&picture, Rect::of_size(from), &placement);
        let mut parts = Projection::new(Size { width: 20, height: 12 }, from, Chroma::Half);
        for left in (0..50).step_by(7) {
            let area = Rect { left, top: 0, right: (left + 7).min(50), bottom: 30 };
            parts.scale(&picture, area, &placement);
        }
        assert_eq!(parts.fitted, whole.fitted);
    }
}
