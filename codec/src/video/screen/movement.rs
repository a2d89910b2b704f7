//! Movements that the recording does not tell: what is new at one place may be what the picture before shows at another.
//!
//! A window that is dragged and a page that is scrolled come as images from many servers. Some cells that are new are
//! looked for in the picture before, where it was drawn on; displacements on which several agree are probable copies.

use super::analysis::{Pictures, area_of};
use super::damage::DamageMap;
use super::source::Source;
use crate::geometry::{CopyVector, Rect};
use std::collections::BTreeMap;

/// Samples along the side of a cell, in luma.
const CELL: usize = 8;
/// Fewer new cells are not worth a search.
const NEW_CELLS_MIN: usize = 64;
/// Cells that are looked for.
const FEATURES_MAX: usize = 256;
/// What is looked for has at least so many steps between neighbours in a row: flat areas are everywhere.
const STEPS_MIN: usize = 3;
/// A row that is found more often than this tells nothing.
const FOUND_MAX: usize = 32;
/// Displacements with fewer cells that agree are chance.
const VOTES_MIN: usize = 6;
/// Displacements that are kept.
const MOVEMENTS_MAX: usize = 4;
/// Slots of the table, a power of two.
const SLOTS: usize = 1 << SLOT_BITS;
const SLOT_BITS: u32 = 10;

/// Displacements by which much of what is new in the damage has probably moved.
pub(super) fn find(pictures: &Pictures<'_>, damage: &DamageMap) -> Vec<CopyVector> {
    let Some(before) = &pictures.before else { return Vec::new() };
    if damage.count() < NEW_CELLS_MIN {
        return Vec::new();
    }
    let new: Vec<_> = damage.cells().filter(|(row, column)| pictures.is_new(before, *row, *column)).collect();
    if new.len() < NEW_CELLS_MIN {
        return Vec::new();
    }
    let around =
        new.iter().fold(Rect::default(), |around, (row, column)| around.union(&area_of(*row, *column)));
    let mut search = Search::new(&pictures.source, &new);
    search.scan(before, around.intersection(&Rect::of_size(before.format.size)));
    search.displacements(pictures, before).map(|(dy, dx)| CopyVector { to: around, dx, dy }).collect()
}

/// A row of eight samples of a new cell.
#[derive(Debug, Clone, Copy)]
struct Feature {
    samples: u64,
    left: usize,
    top: usize,
}

/// Rows that are looked for, and where they were found.
struct Search {
    features: Vec<Feature>,
    /// Numbers of features from 1 on, by hash; 0 is empty.
    slots: Vec<u16>,
    /// Left and top of where each was found.
    found: Vec<Vec<(usize, usize)>>,
}

impl Search {
    fn new(source: &Source<'_>, cells: &[(usize, usize)]) -> Self {
        let mut search = Self { features: Vec::new(), slots: vec![0; SLOTS], found: Vec::new() };
        let step = cells.len().div_ceil(FEATURES_MAX).max(1);
        let features = cells.iter().step_by(step).filter_map(|(row, column)| feature(source, *row, *column));
        features.for_each(|feature| search.add(feature));
        search
    }

    /// Adds a feature, unless there is one with the same samples or the same hash.
    fn add(&mut self, feature: Feature) {
        let slot = &mut self.slots[slot_of(feature.samples)];
        if *slot == 0 {
            self.features.push(feature);
            self.found.push(Vec::new());
            *slot = u16::try_from(self.features.len()).unwrap_or(0);
        }
    }

    /// Looks at every place of `area` in luma.
    fn scan(&mut self, before: &Source<'_>, area: Rect) {
        let width = before.format.size.width;
        for top in area.top..area.bottom {
            let row = &before.planes[0][top * width + area.left..top * width + area.right];
            let Some((first, rest)) = row.split_first_chunk::<{ CELL - 1 }>() else { return };
            let mut samples = first.iter().fold(0, |samples, sample| push(samples, *sample));
            for (left, sample) in (area.left..).zip(rest) {
                samples = push(samples, *sample);
                let slot = self.slots[slot_of(samples)];
                if slot > 0 {
                    self.hit(usize::from(slot) - 1, samples, (left, top));
                }
            }
        }
    }

    fn hit(&mut self, number: usize, samples: u64, at: (usize, usize)) {
        let found = &mut self.found[number];
        if self.features[number].samples == samples && found.len() <= FOUND_MAX {
            found.push(at);
        }
    }

    /// The displacements (down, right) on which most cells agree.
    fn displacements(
        &self,
        pictures: &Pictures<'_>,
        before: &Source<'_>,
    ) -> impl Iterator<Item = (i32, i32)> {
        let mut votes = BTreeMap::<(i32, i32), usize>::new();
        for (feature, found) in
            self.features.iter().zip(&self.found).filter(|(_, found)| found.len() <= FOUND_MAX)
        {
            let cell = area_of(feature.top / CELL, feature.left / CELL);
            for (left, top) in found {
                let by = |to: usize, from: usize| {
                    i32::try_from(to.cast_signed() - from.cast_signed()).unwrap_or(0)
                };
                let (dx, dy) = (by(feature.left, *left), by(feature.top, *top));
                if pictures.equals(before, 0, cell, dx, dy) {
                    *votes.entry((dy, dx)).or_default() += 1;
                }
            }
        }
        let mut votes: Vec<_> = votes.into_iter().filter(|(_, votes)| *votes >= VOTES_MIN).collect();
        votes.sort_by_key(|(displacement, votes)| (std::cmp::Reverse(*votes), *displacement));
        votes.into_iter().take(MOVEMENTS_MAX).map(|(displacement, _)| displacement)
    }
}

/// The row of a cell with the most steps, if there are enough.
fn feature(source: &Source<'_>, row: usize, column: usize) -> Option<Feature> {
    let (size, left) = (source.format.size, CELL * column);
    let rows = CELL * row..(CELL * (row + 1)).min(size.height);
    let steps = |samples: &[u8]| samples.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let row_at = |top: usize| source.planes[0].get(top * size.width + left..top * size.width + left + CELL);
    let (best, top) = rows
        .filter(|_| left + CELL <= size.width)
        .filter_map(|top| Some((steps(row_at(top)?), top)))
        .max_by_key(|(steps, top)| (*steps, std::cmp::Reverse(*top)))?;
    let samples = row_at(top)?.iter().fold(0, |samples, sample| push(samples, *sample));
    (best >= STEPS_MIN).then_some(Feature { samples, left, top })
}

/// Eight samples of which the first goes and `sample` is the last.
fn push(samples: u64, sample: u8) -> u64 {
    samples << 8 | u64::from(sample)
}

/// Fibonacci hashing (Knuth, The Art of Computer Programming, section 6.4).
fn slot_of(samples: u64) -> usize {
    usize::try_from(samples.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - SLOT_BITS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use crate::video::Chroma;
    use crate::video::screen::Format;

    const SIZE: Size = Size { width: 320, height: 200 };
    const FORMAT: Format = Format { size: SIZE, chroma: Chroma::Full };

    /// A picture in which no cell is like another, and the same with an area that moved by `dx` and `dy`.
    fn moved(area: Rect, dx: i32, dy: i32) -> (Vec<u8>, Vec<u8>) {
        let mut state = 1_u32;
        let before: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0] & 7
        })
        .take(SIZE.area())
        .collect();
        let mut after = before.clone();
        for y in area.top..area.bottom {
            for x in area.left..area.right {
                let from = |at: usize, by: i32| at.checked_add_signed(-isize::try_from(by).unwrap()).unwrap();
                after[y * SIZE.width + x] = before[from(y, dy) * SIZE.width + from(x, dx)];
            }
        }
        (before, after)
    }

    fn found(before: &[u8], after: &[u8], area: Rect) -> Vec<(i32, i32)> {
        let source = |luma| Source { format: FORMAT, planes: [luma; 3] };
        let mut damage = DamageMap::new(FORMAT.cells());
        damage.add(area);
        let pictures = Pictures { source: source(after), before: Some(source(before)), copies: &[] };
        find(&pictures, &damage).iter().map(|copy| (copy.dx, copy.dy)).collect()
    }

    #[test]
    fn what_moved_within_the_damage_is_found_wherever_it_stood() {
        let area = Rect { left: 40, top: 33, right: 300, bottom: 180 };
        for (dx, dy) in [(0, -13), (-7, 5), (1, 0), (20, 20)] {
            let inner = Rect { left: 65, top: 55, right: 280, bottom: 160 };
            let (before, after) = moved(inner, dx, dy);
            assert_eq!(found(&before, &after, area), [(dx, dy)]);
        }
    }

    #[test]
    fn little_that_is_new_and_what_was_nowhere_is_not_searched_for() {
        let (before, after) = moved(Rect { left: 64, top: 64, right: 112, bottom: 112 }, 3, 3);
        assert_eq!(found(&before, &after, Rect::of_size(SIZE)), []);
        let inverse: Vec<u8> = before.iter().map(|sample| 255 - sample).collect();
        assert_eq!(found(&before, &inverse, Rect::of_size(SIZE)), []);
    }
}
