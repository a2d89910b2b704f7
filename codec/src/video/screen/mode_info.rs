//! Modes of blocks: AV1 specification, sections 5.11.7 to 5.11.25.

use super::block::{Block, BlockSize, IntraMode, Mv};
use super::choice::{Choice, Palettes, Prediction};
use super::mode_map::CellInfo;
use super::mv_coding::code_mv;
use super::mv_stack::MvStack;
use super::palette::PaletteSite;
use super::tile::Tile;
use crate::video::settings::Chroma;

/// Symbol of an angle that is exactly vertical or horizontal (`MAX_ANGLE_DELTA`).
const ANGLE_DELTA_ZERO: usize = 3;
/// Candidates that `NEARMV` can name, from the first on.
const NEAR: std::ops::Range<usize> = 1..4;
/// `Intra_Mode_Context` (section 8.3.2).
const INTRA_MODE_CONTEXT: [usize; 13] = [0, 1, 2, 3, 4, 4, 4, 4, 3, 0, 1, 2, 0];

/// How a motion vector is coded (section 6.10.22).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MvMode {
    /// Zero, as there is no global motion.
    Global,
    /// The first candidate.
    Nearest,
    /// The candidate at this place.
    Near(usize),
    /// By its difference from the first candidate.
    New,
}

impl MvMode {
    fn of(mv: Mv, stack: &MvStack) -> Self {
        let candidates = stack.candidates();
        if mv == Mv::default() {
            return Self::Global;
        }
        match candidates.iter().position(|candidate| *candidate == mv) {
            Some(0) => Self::Nearest,
            Some(index) if NEAR.contains(&index) => Self::Near(index),
            Some(_) | None => Self::New,
        }
    }
}

impl Tile<'_> {
    /// `mode_info`; returns what later blocks need to know.
    pub(super) fn code_mode_info(&mut self, block: Block, choice: &Choice, skip: bool) -> CellInfo {
        let neighbours = [self.state.map.above(block), self.state.map.left(block)];
        let context = neighbours.iter().flatten().filter(|cell| cell.skip).count();
        self.symbols.flag(&mut self.state.cdfs.mode.skip[context], skip);
        let info = CellInfo { size: block.size, skip, ..CellInfo::default() };
        if !self.state.header.key {
            self.code_is_inter(block, matches!(choice.prediction, Prediction::Inter { .. }));
        }
        match &choice.prediction {
            Prediction::Intra { luma, chroma, palettes } => {
                self.code_intra(block, *luma, *chroma, palettes);
                let size = |palette: &Option<super::palette::Palette>| {
                    palette.as_ref().and_then(|palette| u8::try_from(palette.size).ok()).unwrap_or(0)
                };
                CellInfo {
                    y_mode: *luma,
                    palette_sizes: [size(&palettes.luma), size(&palettes.chroma)],
                    ..info
                }
            }
            Prediction::Inter { mv } => {
                let new_mv = self.code_inter(block, *mv);
                CellInfo { is_inter: true, mv: *mv, new_mv, ..info }
            }
        }
    }

    /// `is_inter` (section 5.11.20).
    fn code_is_inter(&mut self, block: Block, is_inter: bool) {
        let intra = |cell: Option<&CellInfo>| cell.map(|cell| !cell.is_inter);
        let context = match (intra(self.state.map.above(block)), intra(self.state.map.left(block))) {
            (Some(true), Some(true)) => 3,
            (Some(above), Some(left)) => usize::from(above || left),
            (Some(only), None) | (None, Some(only)) => 2 * usize::from(only),
            (None, None) => 0,
        };
        self.symbols.flag(&mut self.state.cdfs.mode.is_inter[context], is_inter);
    }

    /// The common part of `intra_frame_mode_info` and `intra_block_mode_info` (sections 5.11.7 and 5.11.22).
    fn code_intra(&mut self, block: Block, luma: IntraMode, chroma: IntraMode, palettes: &Palettes) {
        let modes = &mut self.state.cdfs.mode;
        if self.state.header.key {
            let context =
                |cell: Option<&CellInfo>| INTRA_MODE_CONTEXT[cell.map_or(0, |cell| cell.y_mode.number())];
            let above = context(self.state.map.above(block));
            let left = context(self.state.map.left(block));
            self.symbols.symbol(&mut *modes.intra_frame_y_mode[above][left], luma.number());
        } else {
            // `Size_Group`.
            let group = block.size.index().min(3);
            self.symbols.symbol(&mut *modes.y_mode[group], luma.number());
        }
        if luma.is_directional() {
            self.symbols.symbol(&mut *modes.angle_delta[luma.number() - 1], ANGLE_DELTA_ZERO);
        }
        let cfl_allowed = if self.state.header.lossless() {
            block.size == BlockSize::Px8 && self.state.format.chroma == Chroma::Half
        } else {
            block.size <= BlockSize::Px32
        };
        if cfl_allowed {
            self.symbols.symbol(&mut *modes.uv_mode_cfl_allowed[luma.number()], chroma.number());
        } else {
            self.symbols.symbol(&mut *modes.uv_mode_cfl_not_allowed[luma.number()], chroma.number());
        }
        if chroma.is_directional() {
            self.symbols.symbol(&mut *modes.angle_delta[chroma.number() - 1], ANGLE_DELTA_ZERO);
        }
        let cdfs = &mut self.state.cdfs.palette;
        let site = PaletteSite { block, map: &self.state.map, contexts: &self.state.palette_contexts };
        if luma == IntraMode::Dc {
            site.code_luma(&mut self.symbols, cdfs, palettes.luma.as_ref());
        }
        if chroma == IntraMode::Dc {
            site.code_chroma(&mut self.symbols, cdfs, palettes.chroma.as_ref(), palettes.luma.is_some());
        }
    }

    /// `inter_block_mode_info` (section 5.11.23); returns whether the vector is coded by its difference.
    fn code_inter(&mut self, block: Block, mv: Mv) -> bool {
        self.code_reference(block);
        let stack = MvStack::find(&self.state.map, block);
        let mode = MvMode::of(mv, &stack);
        let modes = &mut self.state.cdfs.mode;
        let symbols = &mut self.symbols;
        symbols.flag(&mut modes.new_mv[stack.new_mv_context], mode != MvMode::New);
        if mode != MvMode::New {
            // Without temporal candidates, `ZeroMvContext` is 0.
            symbols.flag(&mut modes.zero_mv[0], mode != MvMode::Global);
        }
        if let MvMode::Nearest | MvMode::Near(_) = mode {
            symbols.flag(&mut modes.ref_mv[stack.ref_mv_context], mode != MvMode::Nearest);
        }
        let found = stack.candidates().len();
        match mode {
            MvMode::Global | MvMode::Nearest => {}
            MvMode::Near(wanted) => {
                for index in 1..3 {
                    if found > index + 1 {
                        symbols.flag(&mut modes.drl_mode[stack.drl_context(index)], wanted > index);
                        if wanted <= index {
                            break;
                        }
                    }
                }
            }
            MvMode::New => {
                if found > 1 {
                    symbols.flag(&mut modes.drl_mode[stack.drl_context(0)], false);
                }
                code_mv(symbols, modes, mv, stack.at(0));
            }
        }
        mode == MvMode::New
    }

    /// `ref_frames` of `LAST_FRAME` alone (section 5.11.25). All inter neighbours refer to it, so all contexts
    /// agree: 2 if there is one.
    fn code_reference(&mut self, block: Block) {
        let neighbours = [self.state.map.above(block), self.state.map.left(block)];
        let any_inter = neighbours.iter().flatten().any(|cell| cell.is_inter);
        let cdfs = &mut self.state.cdfs.mode.single_ref[if any_inter { 2 } else { 1 }];
        let [single_ref_p1, single_ref_p3, single_ref_p4] = [0, 2, 3];
        for index in [single_ref_p1, single_ref_p3, single_ref_p4] {
            self.symbols.flag(&mut cdfs[index], false);
        }
    }
}
