//! Cumulative distributions of symbols and their adaptation: AV1 specification, sections 8.2.6 and 8.3.
//!
//! A distribution of N symbols is an array of N numbers: the cumulative probabilities of all symbols but the last
//! (that one is always 32768), then the count of its uses.

/// Certainty, in the units of a distribution.
const ONE: u16 = 1 << 15;
/// A distribution counts its uses up to here.
const COUNT_MAX: u16 = 32;

/// Moves `cdf` towards `symbol` (section 8.2.6).
#[inline]
pub(super) fn adapt(cdf: &mut [u16], symbol: usize) {
    let Some((count, inner)) = cdf.split_last_mut() else { return };
    let symbols = inner.len() + 1;
    let rate = 3 + u32::from(*count > 15) + u32::from(*count > 31) + symbols.ilog2().min(2);
    for (index, value) in inner.iter_mut().enumerate() {
        if index < symbol {
            *value -= *value >> rate;
        } else {
            *value += (ONE - *value) >> rate;
        }
    }
    *count += u16::from(*count < COUNT_MAX);
}

/// Something made of distributions.
pub(super) trait Distributions {
    /// Without any probabilities.
    const EMPTY: Self;
    /// Takes the values of all distributions from the front of `flat`, which holds the inner values of one after
    /// the other, and sets their counts to zero.
    fn load(&mut self, flat: &mut &[u16]);
    /// Sets the counts to zero, as at the start of each frame (`load_cdfs`, section 7.20).
    fn reset_counts(&mut self);
    /// Shows each distribution, without its count.
    #[cfg(test)]
    fn each(&self, see: &mut dyn FnMut(&[u16]));
}

/// One distribution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cdf<const N: usize>(pub(super) [u16; N]);

impl<const N: usize> std::ops::Deref for Cdf<N> {
    type Target = [u16; N];
    fn deref(&self) -> &[u16; N] {
        &self.0
    }
}

impl<const N: usize> std::ops::DerefMut for Cdf<N> {
    fn deref_mut(&mut self) -> &mut [u16; N] {
        &mut self.0
    }
}

impl<const N: usize> Distributions for Cdf<N> {
    const EMPTY: Self = Self([0; N]);

    fn load(&mut self, flat: &mut &[u16]) {
        let (values, rest) = flat.split_at(N - 1);
        self.0[..N - 1].copy_from_slice(values);
        self.0[N - 1] = 0;
        *flat = rest;
    }

    fn reset_counts(&mut self) {
        self.0[N - 1] = 0;
    }

    #[cfg(test)]
    fn each(&self, see: &mut dyn FnMut(&[u16])) {
        see(&self.0[..N - 1]);
    }
}

impl<T: Distributions, const N: usize> Distributions for [T; N] {
    const EMPTY: Self = [const { T::EMPTY }; N];

    fn load(&mut self, flat: &mut &[u16]) {
        for part in self {
            part.load(flat);
        }
    }

    fn reset_counts(&mut self) {
        for part in self {
            part.reset_counts();
        }
    }

    #[cfg(test)]
    fn each(&self, see: &mut dyn FnMut(&[u16])) {
        for part in self {
            part.each(see);
        }
    }
}
