//! Candidates for a motion vector: AV1 specification, section 7.10.2, for one reference without global motion,
//! temporal candidates or compound prediction, with whole vectors (`force_integer_mv`).
//!
//! The specification counts in 4x4 samples; blocks begin at even positions and have even sides, so its corrections
//! for odd ones vanish.

use super::block::{Block, Mv, SUPERBLOCK_CELLS};
use super::mode_map::{CellInfo, ModeMap};

/// `MAX_REF_MV_STACK_SIZE`.
const STACK_MAX: usize = 8;
/// `REF_CAT_LEVEL`: what weighs more was found in the immediate neighbourhood.
const REF_CAT_LEVEL: u32 = 640;
/// `MV_BORDER`, in eighths of a sample.
const MV_BORDER: i32 = 128;
/// Only this many 4x4 samples along an edge are searched.
const SEARCH_MAX: usize = 16;

/// `RefStackMv` and what was learned while it was filled.
#[derive(Debug, Clone, Default)]
pub(super) struct MvStack {
    mvs: [Mv; STACK_MAX],
    weights: [u32; STACK_MAX],
    /// `NumMvFound`.
    count: usize,
    /// `NewMvContext`.
    pub(super) new_mv_context: usize,
    /// `RefMvContext`.
    pub(super) ref_mv_context: usize,
    /// `NewMvCount`, as a flag.
    found_new: bool,
    /// `FoundMatch`.
    found_match: bool,
}

impl MvStack {
    /// The find MV stack process for `block` (section 7.10.2).
    pub(super) fn find(map: &ModeMap, block: Block) -> Self {
        let mut stack = Self::default();
        stack.scan_row(map, block, 1);
        let mut above = stack.take_match();
        stack.scan_column(map, block, 1);
        let mut left = stack.take_match();
        if has_top_right(map, block) {
            stack.add(map.at(block.row - 1, block.column + block.size.cells()), 4);
        }
        above |= stack.take_match();
        let close_matches = usize::from(above) + usize::from(left);
        let nearest = stack.count;
        let new_is_near = stack.found_new;
        for weight in &mut stack.weights[..nearest] {
            *weight += REF_CAT_LEVEL;
        }
        if let (Some(row), Some(column)) = (block.row.checked_sub(1), block.column.checked_sub(1)) {
            stack.add(map.at(row, column), 4);
        }
        above |= stack.take_match();
        for distance in [3, 5] {
            stack.scan_row(map, block, distance);
            above |= stack.take_match();
            stack.scan_column(map, block, distance);
            left |= stack.take_match();
        }
        let total_matches = usize::from(above) + usize::from(left);
        stack.sort(0, nearest);
        stack.sort(nearest, stack.count);
        stack.search_extra(map, block);
        stack.clamp(map, block);
        (stack.new_mv_context, stack.ref_mv_context) = match close_matches {
            0 => (total_matches.min(1), total_matches),
            1 => (3 - usize::from(new_is_near), 2 + total_matches),
            _ => (5 - usize::from(new_is_near), 5),
        };
        stack
    }

    /// The candidates, best first.
    pub(super) fn candidates(&self) -> &[Mv] {
        &self.mvs[..self.count]
    }

    /// `RefStackMv[ index ]`, which is the global vector, zero, behind the candidates.
    pub(super) fn at(&self, index: usize) -> Mv {
        self.candidates().get(index).copied().unwrap_or_default()
    }

    /// `DrlCtxStack[ index ]` (section 7.10.2.14).
    pub(super) fn drl_context(&self, index: usize) -> usize {
        if index + 1 >= self.count {
            return 0;
        }
        let is_near = |index: usize| self.weights[index] >= REF_CAT_LEVEL;
        match (is_near(index), is_near(index + 1)) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 2,
        }
    }

    fn take_match(&mut self) -> bool {
        std::mem::take(&mut self.found_match)
    }

    /// The scan row process, `distance` 4x4 samples above (section 7.10.2.2).
    fn scan_row(&mut self, map: &ModeMap, block: Block, distance: usize) {
        let Some(row4) = (2 * block.row).checked_sub(distance) else { return };
        let side4 = block.size.side4();
        let end4 = side4.min(2 * (map.size().width - block.column)).min(SEARCH_MAX);
        let mut at = 0;
        while at < end4 {
            let cell = map.at(row4 / 2, block.column + at / 2);
            at += self.add_length(cell, side4);
        }
    }

    /// The scan col process, `distance` 4x4 samples to the left (section 7.10.2.3).
    fn scan_column(&mut self, map: &ModeMap, block: Block, distance: usize) {
        let Some(column4) = (2 * block.column).checked_sub(distance) else { return };
        let side4 = block.size.side4();
        let end4 = side4.min(2 * (map.size().height - block.row)).min(SEARCH_MAX);
        let mut at = 0;
        while at < end4 {
            let cell = map.at(block.row + at / 2, column4 / 2);
            at += self.add_length(cell, side4);
        }
    }

    /// Adds a candidate along the edge of a block; returns how far it reaches.
    fn add_length(&mut self, cell: &CellInfo, side4: usize) -> usize {
        let length = side4.min(cell.size.side4());
        let length = if side4 >= SEARCH_MAX { length.max(4) } else { length };
        self.add(cell, u32::try_from(2 * length).unwrap_or(0));
        length
    }

    /// The add reference motion vector and search stack processes (sections 7.10.2.7 and 7.10.2.8).
    fn add(&mut self, cell: &CellInfo, weight: u32) {
        if !cell.is_inter {
            return;
        }
        self.found_new |= cell.new_mv;
        self.found_match = true;
        if let Some(index) = self.candidates().iter().position(|mv| *mv == cell.mv) {
            self.weights[index] += weight;
        } else {
            self.push(cell.mv, weight);
        }
    }

    fn push(&mut self, mv: Mv, weight: u32) {
        if self.count < STACK_MAX {
            self.mvs[self.count] = mv;
            self.weights[self.count] = weight;
            self.count += 1;
        }
    }

    /// The sorting process: stable, heaviest first (section 7.10.2.11).
    fn sort(&mut self, start: usize, end: usize) {
        for last in (start + 1..end).rev() {
            for index in start..last {
                if self.weights[index] < self.weights[index + 1] {
                    self.weights.swap(index, index + 1);
                    self.mvs.swap(index, index + 1);
                }
            }
        }
    }

    /// The extra search process (section 7.10.2.12): large blocks skip over small neighbours at first.
    fn search_extra(&mut self, map: &ModeMap, block: Block) {
        let across = |start: usize, end: usize| block.size.side4().min(2 * (end - start)).min(SEARCH_MAX);
        let size = map.size();
        let end4 = across(block.column, size.width).min(across(block.row, size.height));
        if let Some(row) = block.row.checked_sub(1) {
            let mut at = 0;
            while at < end4 && self.count < 2 {
                at += self.add_extra(map.at(row, block.column + at / 2));
            }
        }
        if let Some(column) = block.column.checked_sub(1) {
            let mut at = 0;
            while at < end4 && self.count < 2 {
                at += self.add_extra(map.at(block.row + at / 2, column));
            }
        }
    }

    /// The add extra MV candidate process (section 7.10.2.13); returns how far the candidate reaches.
    fn add_extra(&mut self, cell: &CellInfo) -> usize {
        if cell.is_inter && !self.candidates().contains(&cell.mv) {
            self.push(cell.mv, 2);
        }
        cell.size.side4()
    }

    /// `clamp_mv_row` and `clamp_mv_col` (sections 5.11.53 and 5.11.54).
    fn clamp(&mut self, map: &ModeMap, block: Block) {
        let eighths = |cells: usize| i32::try_from(cells * 8 * 8).unwrap_or(i32::MAX);
        let side = eighths(block.size.cells());
        let border = MV_BORDER + side;
        let limit = |value: i16, start: usize, end: usize| {
            let low = -eighths(start) - border;
            let high = eighths(end) - side - eighths(start) + border;
            i16::try_from(i32::from(value).clamp(low, high)).unwrap_or(value)
        };
        let size = map.size();
        for mv in &mut self.mvs[..self.count] {
            mv.row = limit(mv.row, block.row, size.height);
            mv.column = limit(mv.column, block.column, size.width);
        }
    }
}

/// Whether the cell above and to the right of `block` is inside and was coded before it (section 7.10.2.4).
fn has_top_right(map: &ModeMap, block: Block) -> bool {
    let column = block.column + block.size.cells();
    if block.row == 0 || column >= map.size().width {
        return false;
    }
    if block.row.is_multiple_of(SUPERBLOCK_CELLS) {
        return true;
    }
    column / SUPERBLOCK_CELLS == block.column / SUPERBLOCK_CELLS
        && coding_order(block.row - 1, column) < coding_order(block.row, block.column)
}

/// When a cell of a superblock is coded: bits of the row and the column in turn.
fn coding_order(row: usize, column: usize) -> usize {
    (0..3).fold(0, |order, bit| order | (row >> bit & 1) << (2 * bit + 1) | (column >> bit & 1) << (2 * bit))
}
