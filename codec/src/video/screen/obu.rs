//! Open bitstream units: AV1 specification, section 5.3.

/// What a unit holds (section 6.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::video) enum ObuType {
    SequenceHeader,
    TemporalDelimiter,
    /// A frame header and its only tile.
    Frame,
}

/// Appends a unit with its size to `packet`.
pub(in crate::video) fn push_obu(packet: &mut Vec<u8>, obu_type: ObuType, payload: &[u8]) {
    let number: u8 = match obu_type {
        ObuType::SequenceHeader => 1,
        ObuType::TemporalDelimiter => 2,
        ObuType::Frame => 6,
    };
    let has_size_field = 1 << 1;
    packet.push(number << 3 | has_size_field);
    push_leb128(packet, payload.len());
    packet.extend_from_slice(payload);
}

/// `leb128()` (section 4.10.5).
fn push_leb128(packet: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        packet.push(low | u8::from(value > 0) << 7);
        if value == 0 {
            return;
        }
    }
}
