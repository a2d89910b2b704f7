//! What stays between the frames of a segment, and the room that coding one needs.

use super::cdfs::Cdfs;
use super::coef_contexts::CoefContexts;
use super::format::Format;
use super::headers::FrameHeader;
use super::mode_map::ModeMap;
use super::palette::PaletteContexts;
use super::planes::Planes;
use super::quantizer::Quantizer;
use super::reconstruction::Residuals;
use crate::geometry::Rect;

/// The state that decoders have too, and more.
#[derive(Debug)]
pub(super) struct FrameState {
    pub(super) format: Format,
    pub(super) header: FrameHeader,
    pub(super) quantizer: Quantizer,
    pub(super) cdfs: Cdfs,
    pub(super) map: ModeMap,
    pub(super) coef_contexts: CoefContexts,
    pub(super) palette_contexts: PaletteContexts,
    /// The picture before.
    pub(super) reference: Planes,
    /// The picture that is coded. INVARIANT: between frames it equals `reference`.
    pub(super) current: Planes,
    /// Areas of `current`, in luma samples, that the frame that is coded, or was coded last, has not from the one before.
    pub(super) touched: Vec<Rect>,
    pub(super) residuals: Residuals,
}

impl FrameState {
    /// The state before a key frame.
    pub(super) fn new(format: Format, base_q_idx: u8) -> Self {
        Self {
            format,
            header: FrameHeader { key: true, base_q_idx },
            quantizer: Quantizer::new(base_q_idx),
            cdfs: Cdfs::defaults(base_q_idx),
            map: ModeMap::new(format.cells()),
            coef_contexts: CoefContexts::new(format),
            palette_contexts: PaletteContexts::new(format.cells().width),
            reference: Planes::new(format),
            current: Planes::new(format),
            touched: Vec::new(),
            residuals: Residuals::default(),
        }
    }

    /// Sets the quantizer index of the frames that follow.
    pub(super) fn set_base_q_idx(&mut self, base_q_idx: u8) {
        self.header.base_q_idx = base_q_idx;
        self.quantizer = Quantizer::new(base_q_idx);
    }

    /// Gets ready for the frame after the one that was coded (sections 7.20 and 7.21).
    pub(super) fn finish_frame(&mut self) {
        self.cdfs.reset_counts();
        for area in &self.touched {
            self.current.publish(&mut self.reference, *area);
        }
        self.coef_contexts.start_tile();
        self.header.key = false;
    }
}
