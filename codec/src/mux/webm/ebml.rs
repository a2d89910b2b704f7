//! EBML: numbers and elements (RFC 8794).

/// An element's identifier with its length marker, as the specifications write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(pub(super) u32);

impl Id {
    /// The identifier as it stands in a file: without leading zeros.
    pub(super) fn bytes(self) -> Vec<u8> {
        trimmed(self.0.into())
    }

    /// An element that holds bytes.
    pub(super) fn binary(self, payload: &[u8]) -> Vec<u8> {
        let length = u64::try_from(payload.len()).unwrap_or(SIZE_MAX);
        [&self.head(length), payload].concat()
    }

    /// An element that holds elements.
    pub(super) fn master(self, children: &[Vec<u8>]) -> Vec<u8> {
        self.binary(&children.concat())
    }

    /// A number without sign.
    pub(super) fn uint(self, value: u64) -> Vec<u8> {
        self.binary(&trimmed(value))
    }

    /// A number without sign in all of its eight bytes, so that its length does not depend on it.
    pub(super) fn wide_uint(self, value: u64) -> Vec<u8> {
        self.binary(&value.to_be_bytes())
    }

    /// A number with sign.
    pub(super) fn int(self, value: i64) -> Vec<u8> {
        let bytes = value.to_be_bytes();
        let surplus = bytes.windows(2).take_while(|pair| matches!(pair, [0, 0..=0x7f] | [0xff, 0x80..=0xff]));
        let surplus = surplus.count();
        self.binary(&bytes[surplus..])
    }

    /// A time in nanoseconds since 2001, always in eight bytes.
    pub(super) fn date(self, value: i64) -> Vec<u8> {
        self.binary(&value.to_be_bytes())
    }

    /// A number with a fraction.
    pub(super) fn float(self, value: f64) -> Vec<u8> {
        self.binary(&value.to_be_bytes())
    }

    /// A text.
    pub(super) fn text(self, text: &str) -> Vec<u8> {
        self.binary(text.as_bytes())
    }

    /// Identifier and size of an element whose payload follows.
    pub(super) fn head(self, payload_bytes: u64) -> Vec<u8> {
        [self.bytes(), vint(payload_bytes)].concat()
    }

    /// The same with a size of eight bytes, so that its length does not depend on it.
    pub(super) fn wide_head(self, payload_bytes: u64) -> Vec<u8> {
        [self.bytes(), sized(payload_bytes, 8)].concat()
    }
}

/// The largest size that can be written; one more would mean that it is unknown.
const SIZE_MAX: u64 = (1 << 56) - 2;

/// A size or a track number in as few bytes as it takes (RFC 8794 4). A larger one than can be written becomes the largest.
pub(super) fn vint(value: u64) -> Vec<u8> {
    // All bits set means that the size is unknown, so the largest number of each length is not used.
    let length = (1_u32..8).find(|length| value < (1 << (7 * length)) - 1).unwrap_or(8);
    sized(value, length)
}

/// A size in so many bytes, one to eight: the number of leading zeros says how many.
fn sized(value: u64, length: u32) -> Vec<u8> {
    let marked = value.min(SIZE_MAX) | 1 << (7 * length);
    trimmed(marked)
}

/// The big-endian bytes of a number without leading zeros, but one byte at least.
fn trimmed(value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(bytes.len() - 1);
    bytes[zeros..].to_vec()
}

#[cfg(test)]
pub(in crate::mux) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A size and how many bytes it takes; no size where it is unknown.
    fn read_vint(bytes: &[u8]) -> (Option<u64>, usize) {
        let length = usize::try_from(bytes[0].leading_zeros()).unwrap() + 1;
        let value = bytes[..length].iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        let all = (1 << (7 * length)) - 1;
        (Some(value & all).filter(|value| *value != all), length)
    }

    /// The elements that follow one another, with where the payload of each begins.
    pub(in crate::mux) fn elements(bytes: &[u8]) -> Vec<(u32, usize, &[u8])> {
        let (mut at, mut elements) = (0, Vec::new());
        while at < bytes.len() {
            let id_bytes = usize::try_from(bytes[at].leading_zeros()).unwrap() + 1;
            let id = bytes[at..at + id_bytes].iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
            let (size, size_bytes) = read_vint(&bytes[at + id_bytes..]);
            let start = at + id_bytes + size_bytes;
            at = start + usize::try_from(size.expect("a known size")).unwrap();
            elements.push((id, start, &bytes[start..at]));
        }
        elements
    }

    #[test]
    fn numbers_take_as_few_bytes_as_the_specification_says() {
        for (value, expected) in [
            (0, &[0x80][..]),
            (126, &[0xfe]),
            (127, &[0x40, 0x7f]),
            (16_382, &[0x7f, 0xfe]),
            (16_383, &[0x20, 0x3f, 0xff]),
            (SIZE_MAX, &[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]),
            (u64::MAX, &[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]),
        ] {
            assert_eq!(vint(value), expected);
        }
        assert_eq!(Id(0xd7).uint(0), [0xd7, 0x81, 0]);
        assert_eq!(Id(0x4286).uint(256), [0x42, 0x86, 0x82, 1, 0]);
        for (value, expected) in [
            (0, &[0][..]),
            (127, &[127]),
            (128, &[0, 128]),
            (-1, &[0xff]),
            (-128, &[0x80]),
            (-129, &[0xff, 0x7f]),
            (i64::MIN, &i64::MIN.to_be_bytes()),
        ] {
            assert_eq!(
                Id(0xfb).int(value),
                [&[0xfb, 0x80 | u8::try_from(expected.len()).unwrap()], expected].concat()
            );
        }
        assert_eq!(Id(0xec).wide_head(5), [0xec, 1, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(
            Id(0x1a45_dfa3).master(&[Id(0xec).text("a")]),
            [0x1a, 0x45, 0xdf, 0xa3, 0x83, 0xec, 0x81, b'a']
        );
    }

    proptest! {
        #[test]
        fn sizes_are_read_as_they_were_written(value in 0..=SIZE_MAX, shift in 0..56_u32) {
            let value = value >> shift;
            for bytes in [vint(value), sized(value, 8)] {
                prop_assert_eq!(read_vint(&bytes), (Some(value), bytes.len()));
            }
            // One byte less would not do.
            let bits = 7 * u32::try_from(vint(value).len() - 1).unwrap();
            prop_assert!(bits == 0 || value >= (1 << bits) - 1);
        }
    }
}
