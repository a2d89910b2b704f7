//! Blocks, their sizes and what can be chosen for one: AV1 specification, sections 3, 5.11.5 and 6.10.4.
//!
//! This writer uses square blocks from 8x8 on, so what the specification keeps for every 4x4 samples is kept for
//! every 8x8: a cell. `MiRow` and `MiCol` are twice the row and column of a cell.

/// Samples along the side of a superblock.
pub(super) const SUPERBLOCK: usize = 64;
/// Cells along the side of a superblock.
pub(super) const SUPERBLOCK_CELLS: usize = SUPERBLOCK / 8;

/// Side of a square block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) enum BlockSize {
    #[default]
    Px8,
    Px16,
    Px32,
    Px64,
}

impl BlockSize {
    /// `bsl` of section 8.3.2, from 1 on.
    pub(super) fn index(self) -> usize {
        match self {
            Self::Px8 => 1,
            Self::Px16 => 2,
            Self::Px32 => 3,
            Self::Px64 => 4,
        }
    }

    /// Luma samples along the side.
    pub(super) fn side(self) -> usize {
        4 << self.index()
    }

    /// `Num_4x4_Blocks_Wide`.
    pub(super) fn side4(self) -> usize {
        1 << self.index()
    }

    /// Cells along the side.
    pub(super) fn cells(self) -> usize {
        1 << (self.index() - 1)
    }

    /// The size of a quarter; `None` for the smallest.
    pub(super) fn half(self) -> Option<Self> {
        match self {
            Self::Px8 => None,
            Self::Px16 => Some(Self::Px8),
            Self::Px32 => Some(Self::Px16),
            Self::Px64 => Some(Self::Px32),
        }
    }
}

/// Where a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// First row, in cells.
    pub(super) row: usize,
    /// First column, in cells.
    pub(super) column: usize,
    pub(super) size: BlockSize,
}

impl Block {
    /// The quarters, in coding order; `None` for the smallest block.
    pub(super) fn quarters(self) -> Option<[Self; 4]> {
        let size = self.size.half()?;
        let step = size.cells();
        Some([(0, 0), (0, step), (step, 0), (step, step)].map(|(row, column)| Self {
            row: self.row + row,
            column: self.column + column,
            size,
        }))
    }
}

/// A motion vector in eighths of a sample (section 6.10.26).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mv {
    /// Downwards.
    pub(super) row: i16,
    /// To the right.
    pub(super) column: i16,
}

/// Intra prediction modes that this writer uses (section 6.10.17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum IntraMode {
    #[default]
    Dc,
    Vertical,
    Horizontal,
    Smooth,
    SmoothVertical,
    SmoothHorizontal,
    Paeth,
}

impl IntraMode {
    /// All of them.
    pub(super) const ALL: [Self; 7] = [
        Self::Dc,
        Self::Vertical,
        Self::Horizontal,
        Self::Smooth,
        Self::SmoothVertical,
        Self::SmoothHorizontal,
        Self::Paeth,
    ];

    /// Its number in the specification.
    pub(super) fn number(self) -> usize {
        match self {
            Self::Dc => 0,
            Self::Vertical => 1,
            Self::Horizontal => 2,
            Self::Smooth => 9,
            Self::SmoothVertical => 10,
            Self::SmoothHorizontal => 11,
            Self::Paeth => 12,
        }
    }

    /// `is_directional_mode`.
    pub(super) fn is_directional(self) -> bool {
        matches!(self, Self::Vertical | Self::Horizontal)
    }
}

/// How residuals of a lossy block are transformed (section 6.10.19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum TxType {
    /// `DCT_DCT`.
    #[default]
    Dct,
    /// `IDTX`.
    Identity,
}

/// Side of a square transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TxSize {
    Px4,
    Px8,
    Px16,
    Px32,
}

impl TxSize {
    /// Its number in the specification, which is `txSzCtx` too.
    pub(super) fn number(self) -> usize {
        match self {
            Self::Px4 => 0,
            Self::Px8 => 1,
            Self::Px16 => 2,
            Self::Px32 => 3,
        }
    }

    /// Samples along the side.
    pub(super) fn side(self) -> usize {
        4 << self.number()
    }

    /// Samples inside.
    pub(super) fn area(self) -> usize {
        self.side() * self.side()
    }

    /// The largest transform of a block with `side` samples.
    pub(super) fn largest(side: usize) -> Self {
        match side {
            0..8 => Self::Px4,
            8..16 => Self::Px8,
            16..32 => Self::Px16,
            32.. => Self::Px32,
        }
    }
}
