//! Choices that are legal, but have nothing to do with the picture.

use super::super::block::{Block, BlockSize, IntraMode, Mv, TxType};
use super::super::choice::{Choice, Palettes, Prediction};
use super::super::frame_state::FrameState;
use super::super::mv_coding::whole_mv;
use super::super::palette::Palette;
use super::super::tile::Decide;
use super::rng::Rng;
use crate::video::settings::Chroma;

pub(super) struct RandomChoices<'a> {
    rng: &'a mut Rng,
    /// Vectors that are used again and again, so that neighbours agree.
    mvs: [Mv; 4],
    /// Colours that are used again and again, so that caches hit.
    colors: [u8; 6],
    /// One of so many blocks is split.
    split_one_in: usize,
    residual_one_in: usize,
}

impl<'a> RandomChoices<'a> {
    pub(super) fn new(rng: &'a mut Rng) -> Self {
        let mut mv = || {
            let reach = if rng.one_in(8) { 1000 } else { 70 };
            let mut component =
                || i32::try_from(rng.between(0, 2 * reach)).unwrap() - i32::try_from(reach).unwrap();
            whole_mv(component(), component()).unwrap()
        };
        let mvs = [mv(), mv(), mv(), Mv::default()];
        let colors = std::array::from_fn(|_| rng.sample());
        let split_one_in = rng.between(1, 4);
        let residual_one_in = rng.between(1, 3);
        Self { rng, mvs, colors, split_one_in, residual_one_in }
    }

    fn palette(&mut self, side: usize, distinct: bool) -> Option<Palette> {
        let size = self.rng.between(2, 8);
        let mut colors: Vec<u8> = (0..size)
            .map(|_| if self.rng.one_in(2) { self.rng.one_of(&self.colors) } else { self.rng.sample() })
            .collect();
        colors.sort_unstable();
        if distinct {
            colors.dedup();
        }
        let size = colors.len();
        if size < 2 {
            return None;
        }
        let mut palette = Palette { size, ..Palette::default() };
        palette.colors[..size].copy_from_slice(&colors);
        let spread = if self.rng.one_in(2) { 255 } else { 12 };
        for color in &mut palette.colors_v[..size] {
            *color = u8::try_from((250 + self.rng.between(0, spread)) % 256).unwrap();
        }
        let often = self.rng.between(1, 8);
        let mut last = 0;
        palette.indices = (0..side * side)
            .map(|_| {
                if self.rng.one_in(often) {
                    last = u8::try_from(self.rng.between(0, size - 1)).unwrap();
                }
                last
            })
            .collect();
        Some(palette)
    }

    fn intra(&mut self, state: &FrameState, block: Block) -> Prediction {
        let mut mode = || if self.rng.one_in(2) { IntraMode::Dc } else { self.rng.one_of(&IntraMode::ALL) };
        let (luma, chroma) = (mode(), mode());
        let mut palettes = Palettes::default();
        let side = block.size.side();
        if luma == IntraMode::Dc && self.rng.one_in(2) {
            palettes.luma = self.palette(side, true);
        }
        if chroma == IntraMode::Dc && self.rng.one_in(2) {
            let side = if state.format.chroma == Chroma::Half { side / 2 } else { side };
            palettes.chroma = self.palette(side, false);
        }
        Prediction::Intra { luma, chroma, palettes }
    }
}

impl Decide for RandomChoices<'_> {
    fn start_superblock(&mut self, _: Block) {}

    fn decide(&mut self, state: &FrameState, block: Block) -> Option<Choice> {
        let inside = state.map.holds(block);
        let inter = !state.header.key && self.rng.one_in(2);
        if block.size > BlockSize::Px8 && (self.rng.one_in(self.split_one_in) || !inside && !inter) {
            return None;
        }
        if !inside {
            return Some(Choice::copy(Mv::default()));
        }
        let prediction = if inter {
            Prediction::Inter { mv: self.rng.one_of(&self.mvs) }
        } else {
            self.intra(state, block)
        };
        let tx_type = if self.rng.one_in(2) { TxType::Dct } else { TxType::Identity };
        Some(Choice { prediction, tx_type, residual: self.rng.one_in(self.residual_one_in) })
    }
}
