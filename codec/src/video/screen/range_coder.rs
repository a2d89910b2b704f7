//! Arithmetic coding of symbols: AV1 specification, sections 8.2 and 4.10.10.

use super::cdf::adapt;

/// `EC_PROB_SHIFT`.
const PROB_SHIFT: u32 = 6;
/// `EC_MIN_PROB`.
const MIN_PROB: u32 = 4;
/// Bits of the window that the decoder compares with.
const WINDOW_BITS: u32 = 15;
/// Whole bytes leave `low` when it holds this many bits; one symbol adds at most [`WINDOW_BITS`], and a carry
/// one more, so that it never overflows.
const FLUSH_BITS: u32 = 48;

/// Writes the symbols of one tile.
///
/// The code is a binary fraction in the interval that starts at `low` and is `range` wide. A decoder inverts the
/// fraction, so symbols come from the top of its range to the bottom, and of ours from the bottom to the top.
#[derive(Debug)]
pub(super) struct SymbolEncoder {
    low: u64,
    /// Bits of `low` that did not leave it, without the carry above them.
    pending: u32,
    range: u32,
    bytes: Vec<u8>,
}

impl SymbolEncoder {
    /// An encoder that writes behind `bytes`.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { low: 0, pending: WINDOW_BITS, range: 1 << WINDOW_BITS, bytes }
    }

    /// Codes `symbol` of the `cdf.len()` that `cdf` knows, and adapts it (section 8.2.6).
    #[inline]
    pub(super) fn symbol(&mut self, cdf: &mut [u16], symbol: usize) {
        self.static_symbol(cdf, symbol);
        adapt(cdf, symbol);
    }

    /// Codes `symbol` and leaves `cdf` as it is.
    #[inline]
    pub(super) fn static_symbol(&mut self, cdf: &[u16], symbol: usize) {
        let last = cdf.len() - 1;
        let bound = |index: usize| {
            let above = (1 << 15) - u32::from(cdf[index]);
            let symbols_above = u32::try_from(last - index).unwrap_or(0);
            (((self.range >> 8) * (above >> PROB_SHIFT)) >> (7 - PROB_SHIFT)) + MIN_PROB * symbols_above
        };
        let upper = if symbol == 0 { self.range } else { bound(symbol - 1) };
        let lower = if symbol == last { 0 } else { bound(symbol) };
        self.narrow(upper, lower);
    }

    /// Codes a flag.
    #[inline]
    pub(super) fn flag(&mut self, cdf: &mut [u16; 2], flag: bool) {
        self.symbol(cdf, usize::from(flag));
    }

    /// `L(n)`: `bits` bits of equal probability, the highest first (section 8.2.5).
    pub(super) fn literal(&mut self, value: u32, bits: u32) {
        for bit in (0..bits).rev() {
            let half = ((self.range >> 8) << 7) + MIN_PROB;
            if value >> bit & 1 == 0 {
                self.narrow(self.range, half);
            } else {
                self.narrow(half, 0);
            }
        }
    }

    /// `NS(n)`: a value below `count` (section 4.10.10).
    pub(super) fn non_symmetric(&mut self, value: u32, count: u32) {
        let bits = count.ilog2() + 1;
        let short = (1 << bits) - count;
        if value < short {
            self.literal(value, bits - 1);
        } else {
            self.literal(value + short, bits);
        }
    }

    /// Ends the tile: pads it as section 8.2.4 demands and returns all bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        // The last window must be a one followed by zeros; it fits, as the range is at least as wide as the window.
        let half = 1 << (WINDOW_BITS - 1);
        self.low = ((self.low + half - 1) & !(half - 1)) | half;
        let padding = 8 - (self.pending - WINDOW_BITS) % 8;
        self.low <<= padding;
        self.pending += padding;
        self.flush(WINDOW_BITS);
        self.bytes
    }

    /// Narrows the interval to what lies between `upper` and `lower`, both counted from its top.
    #[inline]
    fn narrow(&mut self, upper: u32, lower: u32) {
        self.low += u64::from(self.range - upper);
        let range = upper - lower;
        let shift = WINDOW_BITS - range.ilog2();
        self.range = range << shift;
        self.low <<= shift;
        self.pending += shift;
        if self.pending >= FLUSH_BITS {
            // One bit more than the window stays: `range` reaches beyond it, and must not carry twice.
            self.flush(WINDOW_BITS + 1);
        }
    }

    /// Moves whole bytes out of `low`, down to `keep` bits, and the carry into those that left before.
    fn flush(&mut self, keep: u32) {
        let count = (self.pending - keep) / 8;
        let rest = self.pending - 8 * count;
        let head = self.low >> rest;
        self.low &= (1 << rest) - 1;
        self.pending = rest;
        if head >> (8 * count) & 1 == 1 {
            // A fraction below one cannot carry out of its first byte.
            for byte in self.bytes.iter_mut().rev() {
                *byte = byte.wrapping_add(1);
                if *byte != 0 {
                    break;
                }
            }
        }
        let bytes = head.to_be_bytes();
        self.bytes.extend_from_slice(&bytes[bytes.len() - usize::try_from(count).unwrap_or(0)..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The symbol decoder of section 8.2, bit by bit.
    struct Decoder {
        bits: Vec<bool>,
        at: usize,
        value: u32,
        range: u32,
    }

    impl Decoder {
        fn new(bytes: &[u8]) -> Self {
            let bits =
                bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
            let mut decoder = Self { bits, at: 0, value: 0, range: 1 << 15 };
            decoder.value = ((1 << 15) - 1) ^ decoder.bits(15);
            decoder
        }

        fn bits(&mut self, count: u32) -> u32 {
            (0..count).fold(0, |value, _| {
                self.at += 1;
                2 * value + u32::from(self.bits.get(self.at - 1).copied().unwrap_or(false))
            })
        }

        fn symbol(&mut self, cdf: &mut [u16]) -> usize {
            let count = u32::try_from(cdf.len()).unwrap();
            let (mut current, mut previous, mut symbol) = (self.range, 0, 0);
            for index in 0..count {
                previous = current;
                let inner = index + 1 < count;
                let above =
                    if inner { (1 << 15) - u32::from(cdf[usize::try_from(index).unwrap()]) } else { 0 };
                current = (((self.range >> 8) * (above >> 6)) >> 1) + 4 * (count - index - 1);
                symbol = usize::try_from(index).unwrap();
                if self.value >= current {
                    break;
                }
            }
            self.range = previous - current;
            self.value -= current;
            let shift = 15 - self.range.ilog2();
            self.range <<= shift;
            let bits = self.bits(shift);
            self.value = bits ^ (((self.value + 1) << shift) - 1);
            adapt(cdf, symbol);
            symbol
        }

        /// What follows the last symbol must be a one and zeros (section 8.2.4).
        fn assert_padding(&self) {
            let rest = &self.bits[self.at - 15..];
            assert!(rest[0] && rest[1..].iter().all(|bit| !bit) && rest.len() <= 8, "{rest:?}");
        }
    }

    fn distributions() -> [Vec<u16>; 4] {
        [vec![16_000, 0], vec![32_700, 0], vec![5, 10, 0], vec![4, 8_000, 8_001, 30_000, 32_767, 0]]
    }

    proptest! {
        #[test]
        fn the_decoder_of_the_specification_reads_all_symbols(
            symbols in prop::collection::vec((0_usize..4, 0_usize..100), 1..3000),
        ) {
            let mut cdfs = distributions();
            let mut encoder = SymbolEncoder::new(Vec::new());
            for (which, symbol) in &symbols {
                let cdf = &mut cdfs[*which];
                let symbol = if *symbol < 90 { cdf.len() - 1 } else { symbol % cdf.len() };
                encoder.symbol(cdf, symbol);
            }
            let bytes = encoder.finish();
            let mut cdfs = distributions();
            let mut decoder = Decoder::new(&bytes);
            for (which, symbol) in &symbols {
                let cdf = &mut cdfs[*which];
                let symbol = if *symbol < 90 { cdf.len() - 1 } else { symbol % cdf.len() };
                prop_assert_eq!(decoder.symbol(cdf), symbol);
            }
            decoder.assert_padding();
        }
    }
}
