//! The headers of a tar file (POSIX.1-2017, pax, "ustar Interchange Format").

/// What everything in a tar file is padded to.
pub(super) const BLOCK_BYTES: u64 = 512;
/// What stands at its end: two empty blocks.
pub(super) const END_BYTES: u64 = 2 * BLOCK_BYTES;
/// A length from here on does not fit into the field's octal digits.
const OCTAL_END: u64 = 1 << 33;

/// A file.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Of identifiers and fixed text alone: at most 100 bytes.
    pub(super) name: String,
    pub(super) length: u64,
    /// In seconds since 1970.
    pub(super) at_s: u64,
}

impl Entry {
    /// Its header, one block.
    pub(super) fn header(&self) -> Vec<u8> {
        let mut block = Vec::new();
        block.extend(padded(self.name.as_bytes(), 100));
        block.extend(octal(0o644, 8));
        block.extend(octal(0, 8));
        block.extend(octal(0, 8));
        block.extend(length(self.length));
        block.extend(octal(self.at_s, 12));
        // The sum is over the block with spaces in its place.
        let sum_at = block.len();
        block.extend([b' '; 8]);
        block.push(b'0');
        block.extend(padded(b"", 100));
        block.extend(b"ustar\x0000");
        block.resize(usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX), 0);
        let sum = block.iter().map(|byte| u64::from(*byte)).sum();
        for (place, byte) in block.iter_mut().skip(sum_at).zip(octal(sum, 7)) {
            *place = byte;
        }
        block
    }

    /// How many bytes stand behind its content.
    pub(super) fn padding(&self) -> u64 {
        self.length.next_multiple_of(BLOCK_BYTES) - self.length
    }

    /// How many bytes it has in the tar file.
    pub(super) fn stored_bytes(&self) -> u64 {
        BLOCK_BYTES + self.length + self.padding()
    }
}

/// Octal digits and a zero byte.
fn octal(number: u64, bytes: usize) -> Vec<u8> {
    let mut field = format!("{number:0width$o}", width = bytes.saturating_sub(1)).into_bytes();
    field.push(0);
    field
}

/// A length in twelve bytes: octal or, as GNU and BSD tar and pax readers take it, binary when it is too long for that.
fn length(length: u64) -> Vec<u8> {
    if length < OCTAL_END {
        return octal(length, 12);
    }
    [&[0x80, 0, 0, 0][..], &length.to_be_bytes()].concat()
}

fn padded(text: &[u8], bytes: usize) -> Vec<u8> {
    let mut field = text.to_vec();
    field.resize(bytes, 0);
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_one_block_with_its_own_sum() {
        for (length, field) in
            [(5, b"00000000005\0".to_vec()), (9 << 30, b"\x80\0\0\0\0\0\0\x02\x40\0\0\0".to_vec())]
        {
            let entry = Entry { name: "a/b".to_owned(), length, at_s: 8 };
            let header = entry.header();
            assert_eq!(header.len(), 512);
            assert_eq!(&header[..5], b"a/b\0\0");
            assert_eq!(header[124..136], field);
            assert_eq!(&header[136..148], b"00000000010\0");
            assert_eq!(&header[257..265], b"ustar\x0000");
            let told = u64::from_str_radix(std::str::from_utf8(&header[148..154]).unwrap(), 8).unwrap();
            let mut blank = header.clone();
            blank[148..156].fill(b' ');
            assert_eq!(told, blank.iter().map(|byte| u64::from(*byte)).sum::<u64>());
        }
    }

    #[test]
    fn contents_are_padded_to_blocks() {
        let bytes = |length| Entry { name: String::new(), length, at_s: 0 }.stored_bytes();
        assert_eq!([0, 1, 512, 513].map(bytes), [512, 1024, 1024, 1536]);
    }
}
