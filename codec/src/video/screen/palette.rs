//! Palettes, their colours and the cache of colours: AV1 specification, sections 5.11.46 and 7.11.4.

use super::block::{Block, SUPERBLOCK_CELLS};
use super::cdfs::PaletteCdfs;
use super::mode_map::ModeMap;
use super::range_coder::SymbolEncoder;

/// Most colours of a palette.
pub(super) const COLORS_MAX: usize = 8;
/// Samples of more colours are not worth a palette.
const COLORS_FOUND_MAX: usize = 32;
/// Bits of a sample.
const BIT_DEPTH: u32 = 8;
/// Most that `palette_num_extra_bits` adds.
const EXTRA_BITS_MAX: u32 = 3;

/// A palette of 2 to 8 colours and the colour of each sample of a block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Palette {
    pub(super) size: usize,
    /// Luma, or the first component of chroma, ascending; of luma each but once.
    pub(super) colors: [u8; COLORS_MAX],
    /// The second component of chroma.
    pub(super) colors_v: [u8; COLORS_MAX],
    /// For each sample, in raster order, its colour.
    pub(super) indices: Vec<u8>,
}

impl Palette {
    /// The palette of some samples whose colours are `colors`, ascending; those of chroma hold both components.
    pub(super) fn new(colors: &[u16], chroma: bool, samples: impl Iterator<Item = u16>) -> Self {
        let mut palette = Self::default();
        for (index, color) in colors.iter().enumerate() {
            let [high, low] = color.to_be_bytes();
            palette.colors[index] = if chroma { high } else { low };
            palette.colors_v[index] = low;
        }
        palette.size = colors.len();
        palette.indices = samples
            .map(|sample| {
                let index = colors.iter().position(|color| *color == sample);
                index.and_then(|index| u8::try_from(index).ok()).unwrap_or(0)
            })
            .collect();
        if palette.size == 1 {
            // There is no palette of one colour: another stands beside it, which no sample has.
            palette.size = 2;
            palette.colors[1] = palette.colors[0].saturating_add(1);
            palette.colors_v[1] = palette.colors_v[0];
            if palette.colors[0] == u8::MAX {
                palette.colors = [u8::MAX - 1, u8::MAX, 0, 0, 0, 0, 0, 0];
                palette.indices.fill(1);
            }
        }
        palette
    }
}

impl Palette {
    /// The most useful colours of luma samples that have more than a palette holds: colours are merged into their more
    /// frequent neighbour, those first that change the samples least. `None` if that loses too many.
    pub(super) fn nearest(samples: &[u8]) -> Option<Self> {
        let mut counts = [0_u32; 256];
        samples.iter().for_each(|sample| counts[usize::from(*sample)] += 1);
        let mut kept: Vec<(u8, u32)> = (0..=u8::MAX).zip(counts).filter(|(_, count)| *count > 0).collect();
        if kept.len() > COLORS_FOUND_MAX {
            return None;
        }
        while kept.len() > COLORS_MAX {
            let loss = |pair: &[(u8, u32)]| {
                let distance = u32::from(pair[1].0 - pair[0].0);
                distance * distance * pair[0].1.min(pair[1].1)
            };
            let (index, _) = kept.windows(2).map(loss).enumerate().min_by_key(|(_, loss)| *loss)?;
            let (a, b) = (kept[index], kept[index + 1]);
            kept[index] = (if a.1 >= b.1 { a.0 } else { b.0 }, a.1 + b.1);
            kept.remove(index + 1);
        }
        let colors: Vec<u16> = kept.iter().map(|(color, _)| u16::from(*color)).collect();
        let nearest = |sample: u8| {
            colors.iter().copied().min_by_key(|color| color.abs_diff(u16::from(sample))).unwrap_or_default()
        };
        Some(Self::new(&colors, false, samples.iter().map(|sample| nearest(*sample))))
    }
}

/// Which planes a palette is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PaletteKind {
    Luma,
    Chroma,
}

impl PaletteKind {
    /// Its place where luma stands before chroma.
    pub(super) fn index(self) -> usize {
        match self {
            Self::Luma => 0,
            Self::Chroma => 1,
        }
    }

    /// Colours that follow each other differ by at least this.
    fn difference_min(self) -> u8 {
        match self {
            Self::Luma => 1,
            Self::Chroma => 0,
        }
    }
}

type Colors = [u8; COLORS_MAX];

/// Colours of the palettes above and to the left. How many there are stands in the [`ModeMap`].
#[derive(Debug)]
pub(super) struct PaletteContexts {
    /// By column of cells.
    above: Vec<[Colors; 2]>,
    /// By row of cells in the row of superblocks.
    left: [[Colors; 2]; SUPERBLOCK_CELLS],
}

impl PaletteContexts {
    /// Contexts for a picture that is `columns` cells wide.
    pub(super) fn new(columns: usize) -> Self {
        let columns = columns.next_multiple_of(SUPERBLOCK_CELLS);
        Self { above: vec![Default::default(); columns], left: Default::default() }
    }

    /// Keeps the colours of a block.
    pub(super) fn set(&mut self, block: Block, kind: PaletteKind, colors: Colors) {
        let cells = block.size.cells();
        let row = block.row % SUPERBLOCK_CELLS;
        for above in &mut self.above[block.column..block.column + cells] {
            above[kind.index()] = colors;
        }
        for left in &mut self.left[row..row + cells] {
            left[kind.index()] = colors;
        }
    }

    /// `get_palette_cache`: the colours of both neighbours, ascending, each but once.
    fn cache(&self, map: &ModeMap, block: Block, kind: PaletteKind) -> Vec<u8> {
        let row = block.row % SUPERBLOCK_CELLS;
        let size = |cell: &super::mode_map::CellInfo| usize::from(cell.palette_sizes[kind.index()]);
        let above = if row > 0 { map.above(block).map_or(0, size) } else { 0 };
        let left = map.left(block).map_or(0, size);
        let mut cache = self.above[block.column][kind.index()][..above].to_vec();
        cache.extend_from_slice(&self.left[row][kind.index()][..left]);
        cache.sort_unstable();
        cache.dedup();
        cache
    }
}

/// What the syntax of a palette depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct PaletteSite<'a> {
    pub(super) block: Block,
    pub(super) map: &'a ModeMap,
    pub(super) contexts: &'a PaletteContexts,
}

impl PaletteSite<'_> {
    /// `bsizeCtx`.
    fn size_context(&self) -> usize {
        2 * (self.block.size.index() - 1)
    }

    /// `has_palette_y`, and the palette if there is one.
    pub(super) fn code_luma(
        &self,
        symbols: &mut SymbolEncoder,
        cdfs: &mut PaletteCdfs,
        palette: Option<&Palette>,
    ) {
        let neighbours = [self.map.above(self.block), self.map.left(self.block)];
        let context = neighbours.iter().flatten().filter(|cell| cell.palette_sizes[0] > 0).count();
        symbols.flag(&mut cdfs.y_mode[self.size_context()][context], palette.is_some());
        if let Some(palette) = palette {
            self.code_colors(symbols, cdfs, PaletteKind::Luma, palette);
        }
    }

    /// `has_palette_uv`, and the palette if there is one.
    pub(super) fn code_chroma(
        &self,
        symbols: &mut SymbolEncoder,
        cdfs: &mut PaletteCdfs,
        palette: Option<&Palette>,
        luma_has_one: bool,
    ) {
        symbols.flag(&mut cdfs.uv_mode[usize::from(luma_has_one)], palette.is_some());
        if let Some(palette) = palette {
            self.code_colors(symbols, cdfs, PaletteKind::Chroma, palette);
            code_v_colors(symbols, &palette.colors_v[..palette.size]);
        }
    }

    fn code_colors(
        &self,
        symbols: &mut SymbolEncoder,
        cdfs: &mut PaletteCdfs,
        kind: PaletteKind,
        palette: &Palette,
    ) {
        symbols.symbol(&mut *cdfs.size[kind.index()][self.size_context()], palette.size - 2);
        let mut rest = palette.colors[..palette.size].to_vec();
        let mut found = 0;
        for color in self.contexts.cache(self.map, self.block, kind) {
            if found == palette.size {
                break;
            }
            let place = rest.iter().position(|other| *other == color);
            symbols.literal(u32::from(place.is_some()), 1);
            if let Some(place) = place {
                rest.remove(place);
                found += 1;
            }
        }
        code_ascending(symbols, kind, &rest);
    }
}

/// The colours that the cache does not hold.
fn code_ascending(symbols: &mut SymbolEncoder, kind: PaletteKind, colors: &[u8]) {
    let Some(first) = colors.first() else { return };
    symbols.literal(u32::from(*first), BIT_DEPTH);
    let differences = || colors.windows(2).map(|pair| u32::from(pair[1] - pair[0] - kind.difference_min()));
    let Some(largest) = differences().max() else { return };
    let bits_min = BIT_DEPTH - EXTRA_BITS_MAX;
    let mut bits = bit_length(largest).max(bits_min);
    symbols.literal(bits - bits_min, 2);
    for (difference, color) in differences().zip(&colors[1..]) {
        symbols.literal(difference, bits);
        let range = (1 << BIT_DEPTH) - u32::from(*color) - u32::from(kind.difference_min());
        bits = bits.min(bit_length(range.saturating_sub(1)));
    }
}

/// The second component of chroma, which is in no order: as they are, or as differences modulo 256.
fn code_v_colors(symbols: &mut SymbolEncoder, colors: &[u8]) {
    let bits_min = BIT_DEPTH - EXTRA_BITS_MAX - 1;
    let differences = || colors.windows(2).map(|pair| i32::from(pair[1].wrapping_sub(pair[0]).cast_signed()));
    let largest = differences().map(i32::unsigned_abs).max().unwrap_or(0);
    let bits = bit_length(largest).max(bits_min);
    let with_signs: u32 = differences().map(|difference| bits + u32::from(difference != 0)).sum();
    let without: u32 = differences().map(|_| BIT_DEPTH).sum();
    let use_differences = 2 + with_signs < without;
    symbols.literal(u32::from(use_differences), 1);
    if !use_differences {
        colors.iter().for_each(|color| symbols.literal(u32::from(*color), BIT_DEPTH));
        return;
    }
    symbols.literal(bits - bits_min, 2);
    symbols.literal(u32::from(colors[0]), BIT_DEPTH);
    for difference in differences() {
        symbols.literal(difference.unsigned_abs(), bits);
        if difference != 0 {
            symbols.literal(u32::from(difference < 0), 1);
        }
    }
}

/// Bits that hold `value`.
fn bit_length(value: u32) -> u32 {
    u32::BITS - value.leading_zeros()
}
