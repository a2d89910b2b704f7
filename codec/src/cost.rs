//! The counted cost of reading and drawing: work in nanoseconds of a common core, the same on every machine.
//!
//! The clock is never asked. Each kind of work has a weight that was measured once (`codec/examples/cost.rs`
//! prints the counted beside the measured time) and rounded up, so that a refusal falls on the same instruction
//! everywhere.

use crate::canvas::ImageFormat;

/// What a recording has cost up to some point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    ns: u64,
}

/// Nanoseconds for each unit of the kinds of work.
mod weight {
    /// An instruction, parsed.
    pub(super) const INSTRUCTION: u64 = 120;
    /// A byte, parsed.
    pub(super) const BYTE: u64 = 1;
    /// An instruction that changes the canvas: looking up layers and noting damage.
    pub(super) const DRAWING: u64 = 1_500;
    /// A visible layer that such an instruction may have to look at.
    pub(super) const LAYER: u64 = 100;
    /// A row of a drawn area.
    pub(super) const ROW: u64 = 15;
    /// A pixel that is replaced or cleared.
    pub(super) const COPIED: u64 = 1;
    /// A pixel that is combined with the one below it.
    pub(super) const BLENDED: u64 = 10;
    /// A pixel of a transfer function, which works on straight colours.
    pub(super) const TRANSFERRED: u64 = 25;
    /// A row of pixels that an edge of a shape passes, with all its finer lines.
    pub(super) const EDGE_ROW: u64 = 500;
    /// A pixel that is looked up in a transformed picture.
    pub(super) const SAMPLED: u64 = 60;
    /// A pair of rectangles of one path.
    pub(super) const PATH_PAIR: u64 = 4;
    /// A pair of visible layers, when they are put in order for an area.
    pub(super) const LAYER_PAIR: u64 = 10;
    /// A byte of a coded image.
    pub(super) const CODED_BYTE: u64 = 20;
    /// An image's own buffers and tables.
    pub(super) const IMAGE: u64 = 20_000;
    /// A character or control function that comes to a terminal.
    pub(super) const CHARACTER: u64 = 80;
    /// A cell of a terminal that is cleared or moved.
    pub(super) const CELL: u64 = 3;
    /// A line of a terminal that is moved.
    pub(super) const LINE: u64 = 30;
    /// A cell of a terminal that is looked at, and drawn if it changed.
    pub(super) const DRAWN_CELL: u64 = 250;
    /// A pixel of a canvas, written down in a key state.
    pub(super) const WRITTEN: u64 = 40;
}

impl Cost {
    /// More than anything costs.
    pub const MAX: Self = Self { ns: u64::MAX };

    /// The cost of so many milliseconds.
    pub fn of_ms(ms: u64) -> Self {
        Self { ns: ms.saturating_mul(1_000_000) }
    }

    /// The cost of so many nanoseconds.
    pub fn of_ns(ns: u64) -> Self {
        Self { ns }
    }

    /// The cost in nanoseconds.
    pub fn ns(self) -> u64 {
        self.ns
    }

    /// The cost in whole milliseconds.
    pub fn ms(self) -> u64 {
        self.ns / 1_000_000
    }

    /// What was spent since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self { ns: self.ns.saturating_sub(earlier.ns) }
    }

    /// An instruction of `bytes` is read.
    pub fn read(&mut self, bytes: u64) {
        self.ns = self.ns.saturating_add(weight::INSTRUCTION + bytes.saturating_mul(weight::BYTE));
    }

    /// An instruction changes the canvas, which has some visible layers.
    pub(crate) fn drawing(&mut self, layers: usize) {
        self.spend(weight::DRAWING, 1);
        self.spend(weight::LAYER, layers);
    }

    /// Pixels are replaced or cleared.
    pub(crate) fn copied(&mut self, pixels: usize) {
        self.spend(weight::COPIED, pixels);
    }

    /// Pixels in rows are combined with those below.
    pub(crate) fn blended(&mut self, rows: usize, pixels: usize) {
        self.spend(weight::ROW, rows);
        self.spend(weight::BLENDED, pixels);
    }

    /// Pixels go through a transfer function.
    pub(crate) fn transferred(&mut self, pixels: usize) {
        self.spend(weight::TRANSFERRED, pixels);
    }

    /// A path of rectangles is cut into bands.
    pub(crate) fn path(&mut self, rects: usize) {
        self.spend(weight::PATH_PAIR, rects.saturating_mul(rects));
    }

    /// What a shape covers of some pixels is found out, along edges that pass rows.
    pub(crate) fn covered(&mut self, edge_rows: usize, pixels: usize) {
        self.spend(weight::EDGE_ROW, edge_rows);
        self.spend(weight::BLENDED, pixels);
    }

    /// Pixels are looked up in a transformed picture.
    pub(crate) fn sampled(&mut self, pixels: usize) {
        self.spend(weight::SAMPLED, pixels);
    }

    /// The visible layers are put in order.
    pub(crate) fn ordered(&mut self, layers: usize) {
        self.spend(weight::LAYER_PAIR, layers.saturating_mul(layers));
    }

    /// Characters come to a terminal, and clear or move cells and lines of it.
    pub(crate) fn emulated(&mut self, characters: usize, cells: usize, lines: usize) {
        self.spend(weight::CHARACTER, characters);
        self.spend(weight::CELL, cells);
        self.spend(weight::LINE, lines);
    }

    /// Cells of a terminal are shown.
    pub(crate) fn shown(&mut self, cells: usize) {
        self.spend(weight::DRAWN_CELL, cells);
    }

    /// A canvas of `pixels` is written down in a key state.
    pub(crate) fn written(pixels: usize) -> Self {
        let mut cost = Self::default();
        cost.spend(weight::WRITTEN, pixels);
        cost
    }

    /// An image of `pixels` is decoded from `bytes`, in `passes` over all pixels.
    pub(crate) fn image(&mut self, format: ImageFormat, bytes: usize, pixels: usize, passes: usize) {
        let pixel_ns = match format {
            ImageFormat::Png => 15,
            ImageFormat::Jpeg => 20,
            ImageFormat::WebP => 90,
        };
        self.spend(weight::IMAGE, 1);
        self.spend(weight::CODED_BYTE, bytes);
        self.spend(pixel_ns, pixels.saturating_mul(passes));
    }

    fn spend(&mut self, ns: u64, times: usize) {
        let times = u64::try_from(times).unwrap_or(u64::MAX);
        self.ns = self.ns.saturating_add(ns.saturating_mul(times));
    }
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { ns: self.ns.saturating_add(other.ns) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_add_up_and_never_overflow() {
        let mut cost = Cost::default();
        cost.read(10);
        cost.copied(5);
        let before = cost;
        cost.blended(2, 3);
        assert_eq!(before.ns(), weight::INSTRUCTION + 10 * weight::BYTE + 5 * weight::COPIED);
        assert_eq!(cost.since(before).ns(), 2 * weight::ROW + 3 * weight::BLENDED);
        cost.path(usize::MAX);
        cost.image(ImageFormat::WebP, usize::MAX, usize::MAX, 2);
        assert_eq!(cost.ns(), u64::MAX);
    }
}
