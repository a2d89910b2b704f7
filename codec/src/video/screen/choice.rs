//! What an encoder decides about one block.

use super::block::{IntraMode, Mv, TxType};
use super::palette::Palette;

/// How the samples of a block are predicted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Prediction {
    /// From the same picture. A palette replaces the prediction of its planes, whose mode then is `Dc`.
    Intra { luma: IntraMode, chroma: IntraMode, palettes: Palettes },
    /// From the picture before.
    Inter { mv: Mv },
}

/// The palettes of a block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Palettes {
    pub(super) luma: Option<Palette>,
    pub(super) chroma: Option<Palette>,
}

/// What is decided about one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) prediction: Prediction,
    /// How residuals of luma are transformed.
    pub(super) tx_type: TxType,
    /// Whether residuals are coded, where they are not zero.
    pub(super) residual: bool,
}

impl Choice {
    /// A block that shows what the picture before it shows at the same place, or displaced.
    pub(super) fn copy(mv: Mv) -> Self {
        Self { prediction: Prediction::Inter { mv }, tx_type: TxType::Dct, residual: false }
    }

    /// A block that is legal everywhere: the mean of what surrounds it, and a residual.
    pub(super) fn mean() -> Self {
        let prediction =
            Prediction::Intra { luma: IntraMode::Dc, chroma: IntraMode::Dc, palettes: Palettes::default() };
        Self { prediction, tx_type: TxType::Dct, residual: true }
    }
}
