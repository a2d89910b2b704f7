//! How far the last coded picture is from the one that should be on screen.

use super::yuv::Yuv;
use crate::geometry::{Rect, Size};

/// Side of a tile, in luma samples; even, so that tiles hold whole chroma samples.
const TILE: usize = 32;

/// The last coded picture, and per tile what has changed since. Work is proportional to the changed area.
#[derive(Debug)]
pub(super) struct Staleness {
    coded: Yuv,
    tiles_across: usize,
    tiles: Vec<Tile>,
    luma_error: u64,
    stale_tiles: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tile {
    luma_error: u64,
    stale: bool,
}

impl Staleness {
    /// Nothing is coded yet: the whole of `size` is taken for stale on the first update.
    pub(super) fn new(coded: Yuv) -> Self {
        let Size { width, height } = coded.size;
        let tiles_across = width.div_ceil(TILE);
        let tiles = vec![Tile::default(); tiles_across * height.div_ceil(TILE)];
        Self { coded, tiles_across, tiles, luma_error: 0, stale_tiles: 0 }
    }

    /// Measures `area` of the current picture again.
    pub(super) fn update(&mut self, current: &Yuv, area: Rect) {
        for row in area.top / TILE..area.bottom.div_ceil(TILE) {
            for column in area.left / TILE..area.right.div_ceil(TILE) {
                let measured = self.measure(current, self.tile_area(column, row));
                let tile = &mut self.tiles[row * self.tiles_across + column];
                self.luma_error = self.luma_error - tile.luma_error + measured.luma_error;
                self.stale_tiles = self.stale_tiles + usize::from(measured.stale) - usize::from(tile.stale);
                *tile = measured;
            }
        }
    }

    /// Whether any sample differs from the last coded picture.
    pub(super) fn is_stale(&self) -> bool {
        self.stale_tiles > 0
    }

    /// Sum of the squared luma differences to the last coded picture.
    pub(super) fn luma_error(&self) -> u64 {
        self.luma_error
    }

    /// Pixels of the tiles that differ.
    pub(super) fn stale_pixels(&self) -> usize {
        self.stale_tiles * TILE * TILE
    }

    /// The last coded picture.
    pub(super) fn coded(&self) -> &Yuv {
        &self.coded
    }

    /// The current picture was coded.
    pub(super) fn accept(&mut self, current: &Yuv) {
        for index in 0..self.tiles.len() {
            if std::mem::take(&mut self.tiles[index]).stale {
                let area = self.tile_area(index % self.tiles_across, index / self.tiles_across);
                self.copy(current, area);
            }
        }
        self.luma_error = 0;
        self.stale_tiles = 0;
    }

    fn tile_area(&self, column: usize, row: usize) -> Rect {
        let Size { width, height } = self.coded.size;
        Rect {
            left: column * TILE,
            top: row * TILE,
            right: ((column + 1) * TILE).min(width),
            bottom: ((row + 1) * TILE).min(height),
        }
    }

    fn measure(&self, current: &Yuv, area: Rect) -> Tile {
        let mut luma_error = 0_u64;
        for span in spans(area, current.size.width) {
            luma_error += squared_error(&current.y[span.clone()], &self.coded.y[span]);
        }
        let stale = luma_error > 0
            || spans(current.chroma.area_of(area), current.chroma_size().width).any(|span| {
                current.cb[span.clone()] != self.coded.cb[span.clone()]
                    || current.cr[span.clone()] != self.coded.cr[span]
            });
        Tile { luma_error, stale }
    }

    fn copy(&mut self, current: &Yuv, area: Rect) {
        for span in spans(area, current.size.width) {
            self.coded.y[span.clone()].copy_from_slice(&current.y[span]);
        }
        for span in spans(current.chroma.area_of(area), current.chroma_size().width) {
            self.coded.cb[span.clone()].copy_from_slice(&current.cb[span.clone()]);
            self.coded.cr[span.clone()].copy_from_slice(&current.cr[span]);
        }
    }
}

/// The rows of `area` as ranges of a plane with rows of `stride`.
fn spans(area: Rect, stride: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (area.top..area.bottom).map(move |y| y * stride + area.left..y * stride + area.right)
}

fn squared_error(a: &[u8], b: &[u8]) -> u64 {
    // A row of a tile is short enough for 32 bits.
    let sum: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum();
    u64::from(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::Chroma;

    #[test]
    fn error_and_area_follow_the_picture_and_vanish_when_it_is_coded() {
        let size = Size { width: 101, height: 67 };
        let mut current = Yuv::black(size, Chroma::Half);
        let mut staleness = Staleness::new(current.clone());
        current.y[50 * 101 + 70] = 26;
        let area = Rect { left: 70, top: 50, right: 71, bottom: 51 };
        staleness.update(&current, area);
        assert_eq!((staleness.luma_error(), staleness.stale_pixels()), (100, TILE * TILE));
        current.y[50 * 101 + 70] = 16;
        current.cb[33 * 51 + 50] = 129;
        staleness.update(&current, area);
        assert!(!staleness.is_stale(), "the chroma sample lies outside of the area");
        staleness.update(&current, Rect::of_size(size));
        assert_eq!((staleness.luma_error(), staleness.is_stale()), (0, true));
        staleness.accept(&current);
        assert!(!staleness.is_stale());
        assert_eq!(staleness.coded(), &current);
    }
    #[test]
    fn every_sample_of_full_chroma_counts() {
        let size = Size { width: 101, height: 67 };
        let mut current = Yuv::black(size, Chroma::Full);
        let mut staleness = Staleness::new(current.clone());
        current.cr[66 * 101 + 100] = 1;
        staleness.update(&current, Rect { left: 99, top: 65, right: 101, bottom: 67 });
        assert!(staleness.is_stale());
        staleness.accept(&current);
        assert_eq!(staleness.coded(), &current);
    }
}
