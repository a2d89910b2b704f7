//! Fields of headers: AV1 specification, section 4.10.

/// Writes bits, the highest of a field first.
#[derive(Debug, Default)]
pub(in crate::video) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that the last byte still has room for.
    room: u32,
}

impl BitWriter {
    /// `f(bits)`.
    pub(in crate::video) fn field(&mut self, value: usize, bits: u32) {
        for bit in (0..bits).rev() {
            self.flag(value >> bit & 1 == 1);
        }
    }

    /// `f(1)`.
    pub(in crate::video) fn flag(&mut self, flag: bool) {
        if self.room == 0 {
            self.bytes.push(0);
            self.room = 8;
        }
        self.room -= 1;
        if let Some(byte) = self.bytes.last_mut() {
            *byte |= u8::from(flag) << self.room;
        }
    }

    /// `trailing_bits`: a one, then zeros up to the end of the byte (section 5.3.4).
    pub(in crate::video) fn trailing_bits(mut self) -> Vec<u8> {
        self.flag(true);
        self.bytes
    }

    /// `byte_alignment` (section 5.3.5).
    pub(super) fn byte_alignment(self) -> Vec<u8> {
        self.bytes
    }
}
