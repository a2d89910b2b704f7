//! Which colour each sample of a palette block has: AV1 specification, sections 5.11.49 and 5.11.50.

use super::cdfs::ColorCdfs;
use super::palette::Palette;
use super::range_coder::SymbolEncoder;

/// Most neighbours that a sample's context looks at.
const NEIGHBOURS: usize = 3;

/// What the neighbours of a sample foretell.
struct Foretold {
    /// `Palette_Color_Context[ ColorContextHash ]`.
    context: usize,
    /// The start of `ColorOrder`: colours of neighbours, likeliest first.
    order: [u8; NEIGHBOURS],
    /// How many they are.
    known: usize,
}

impl Foretold {
    /// From one neighbour, at the upper or left edge.
    fn from_one(color: u8) -> Self {
        Self { context: 0, order: [color, 0, 0], known: 1 }
    }

    /// `get_palette_color_context`: the left and upper neighbours score 2, the one between them 1.
    fn from_three(left: u8, corner: u8, above: u8) -> Self {
        let (low, high) = (left.min(above), left.max(above));
        if left == above {
            return if left == corner {
                Self { context: 4, order: [left, 0, 0], known: 1 }
            } else {
                Self { context: 3, order: [left, corner, 0], known: 2 }
            };
        }
        if corner == left {
            Self { context: 2, order: [left, above, 0], known: 2 }
        } else if corner == above {
            Self { context: 2, order: [above, left, 0], known: 2 }
        } else {
            Self { context: 1, order: [low, high, corner], known: 3 }
        }
    }

    /// Where `color` stands in `ColorOrder`: colours that no neighbour has follow in ascending order.
    fn rank(&self, color: u8) -> usize {
        let known = &self.order[..self.known];
        known
            .iter()
            .position(|other| *other == color)
            .unwrap_or_else(|| usize::from(color) + known.iter().filter(|other| **other > color).count())
    }
}

/// Codes the colours of a square block with `side` samples along its side, in diagonals from the upper right to the
/// lower left.
pub(super) fn code_indices(
    symbols: &mut SymbolEncoder,
    cdfs: &mut ColorCdfs,
    palette: &Palette,
    side: usize,
) {
    let indices = &palette.indices;
    symbols.non_symmetric(u32::from(indices[0]), u32::try_from(palette.size).unwrap_or(0));
    for diagonal in 1..2 * side - 1 {
        let first = diagonal.min(side - 1);
        let last = diagonal.saturating_sub(side - 1);
        for column in (last..=first).rev() {
            let at = (diagonal - column) * side + column;
            let foretold = if column == 0 {
                Foretold::from_one(indices[at - side])
            } else if column == diagonal {
                Foretold::from_one(indices[at - 1])
            } else {
                Foretold::from_three(indices[at - 1], indices[at - side - 1], indices[at - side])
            };
            symbols.symbol(cdfs.of(palette.size, foretold.context), foretold.rank(indices[at]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `get_palette_color_context` step by step: the context and `ColorOrder`.
    fn by_the_specification(left: u8, corner: u8, above: u8) -> (usize, [u8; 8]) {
        let mut scores = [0; 8];
        let mut order: [u8; 8] = std::array::from_fn(|index| u8::try_from(index).unwrap());
        for (neighbour, score) in [(left, 2), (corner, 1), (above, 2)] {
            scores[usize::from(neighbour)] += score;
        }
        for i in 0..3 {
            let mut most = i;
            for j in i + 1..8 {
                if scores[j] > scores[most] {
                    most = j;
                }
            }
            scores[i..=most].rotate_right(1);
            order[i..=most].rotate_right(1);
        }
        let hash = scores[0] + 2 * scores[1] + 2 * scores[2];
        let context = match hash {
            5 => 4,
            6 => 3,
            7 => 2,
            8 => 1,
            _ => unreachable!("no other hash has a context"),
        };
        (context, order)
    }

    #[test]
    fn what_neighbours_foretell_follows_the_specification() {
        for left in 0..8 {
            for corner in 0..8 {
                for above in 0..8 {
                    let (context, order) = by_the_specification(left, corner, above);
                    let foretold = Foretold::from_three(left, corner, above);
                    assert_eq!(foretold.context, context, "{left} {corner} {above}");
                    let ranked: Vec<usize> = order.iter().map(|color| foretold.rank(*color)).collect();
                    assert_eq!(ranked, [0, 1, 2, 3, 4, 5, 6, 7], "{left} {corner} {above}");
                }
            }
        }
    }
}
