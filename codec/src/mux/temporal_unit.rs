//! From an encoder's packet to a sample of a container.

use shiguredo_mp4::bitstream::av1::{
    Av1Obu, Av1ObuParseContext, Av1ObuType, parse_frame_header_prefix, parse_obus, parse_sequence_header,
};
use thiserror::Error;

/// All OBUs of one instant (AV1 specification 7.5), as a container stores them (AV1-ISOBMFF 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemporalUnit<'a> {
    /// The unit without its temporal delimiter, which containers leave out.
    pub sample: &'a [u8],
    /// The whole sequence header OBU, when the unit has one.
    pub sequence_header: Option<&'a [u8]>,
    /// Whether decoding can start here: a sequence header, then a key frame that is shown.
    pub is_sync: bool,
}

/// Why a packet is no temporal unit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemporalUnitError {
    /// Longer than any picture that this crate codes.
    #[error("the temporal unit has {actual_bytes} bytes, expected at most {limit_bytes}")]
    TooLong {
        /// Its length.
        actual_bytes: usize,
        /// [`TemporalUnit::MAX_BYTES`].
        limit_bytes: usize,
    },
    /// An OBU is cut short, or a bit that must be zero is not.
    #[error("expected a sequence of whole OBUs: {reason}")]
    Obu {
        /// What the parser found instead.
        reason: String,
    },
    /// A temporal delimiter stands between other OBUs: two units in one packet.
    #[error("expected one temporal unit, another one starts at its OBU {index}")]
    SecondUnit {
        /// Position of the delimiter among the OBUs.
        index: usize,
    },
    /// No OBU holds a frame.
    #[error("expected a frame in the temporal unit")]
    NoFrame,
}

impl<'a> TemporalUnit<'a> {
    /// Longest temporal unit, in bytes: noise without loss takes a fifth more than the largest picture has, in 4:4:4, before it
    /// is coded.
    pub const MAX_BYTES: usize = 40 << 20;

    /// Reads one packet of an encoder in the low-overhead format (AV1 specification 5.3).
    pub fn parse(packet: &'a [u8]) -> Result<Self, TemporalUnitError> {
        if packet.len() > Self::MAX_BYTES {
            return Err(TemporalUnitError::TooLong {
                actual_bytes: packet.len(),
                limit_bytes: Self::MAX_BYTES,
            });
        }
        let obus = parse_obus(packet, Av1ObuParseContext::Sample).map_err(syntax)?;
        let is_delimiter = |obu: &Av1Obu<'_>| obu.obu_type == Av1ObuType::TemporalDelimiter;
        if let Some(index) = obus.iter().skip(1).position(is_delimiter) {
            return Err(TemporalUnitError::SecondUnit { index: index + 1 });
        }
        let delimiter_bytes = obus.first().filter(|obu| is_delimiter(obu)).map_or(0, |obu| obu.obu.len());
        let frame = obus.iter().position(is_frame).ok_or(TemporalUnitError::NoFrame)?;
        let header = obus[..frame].iter().find(|obu| obu.obu_type == Av1ObuType::SequenceHeader);
        Ok(Self {
            sample: &packet[delimiter_bytes..],
            sequence_header: header.map(|header| header.obu),
            is_sync: header.is_some_and(|header| starts_decoding(header, &obus[frame])),
        })
    }
}

/// Whether the OBU begins a frame.
fn is_frame(obu: &Av1Obu<'_>) -> bool {
    matches!(obu.obu_type, Av1ObuType::Frame | Av1ObuType::FrameHeader)
}

/// Whether a decoder that knows nothing but `header` can show `frame` (AV1-ISOBMFF 2.4).
fn starts_decoding(header: &Av1Obu<'_>, frame: &Av1Obu<'_>) -> bool {
    parse_sequence_header(header.payload)
        .and_then(|header| parse_frame_header_prefix(frame.payload, &header))
        .is_ok_and(|prefix| prefix.is_rap())
}

fn syntax(error: shiguredo_mp4::Error) -> TemporalUnitError {
    TemporalUnitError::Obu { reason: error.reason }
}

#[cfg(test)]
pub(in crate::mux) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 320x180, main profile, level 4.0, BT.709; written by rav1e.
    pub(in crate::mux) const SEQUENCE_HEADER: &[u8] =
        &[0x0a, 0x0e, 0x00, 0x00, 0x00, 0x42, 0x1e, 0x7f, 0x66, 0x21, 0x0a, 0x88, 0x08, 0x08, 0x08, 0xa0];
    const DELIMITER: &[u8] = &[0x12, 0x00];
    const SHOWN_KEY_FRAME: &[u8] = &[0x32, 0x02, 0x10, 0x02];
    const HIDDEN_KEY_FRAME: &[u8] = &[0x32, 0x02, 0x00, 0x02];
    const INTER_FRAME: &[u8] = &[0x32, 0x02, 0x30, 0x0a];

    #[test]
    fn a_key_frame_loses_its_delimiter_and_shows_its_sequence_header() {
        let packet = [DELIMITER, SEQUENCE_HEADER, SHOWN_KEY_FRAME].concat();
        let unit = TemporalUnit::parse(&packet).unwrap();
        assert_eq!(unit.sample, [SEQUENCE_HEADER, SHOWN_KEY_FRAME].concat());
        assert_eq!((unit.sequence_header, unit.is_sync), (Some(SEQUENCE_HEADER), true));
        assert_eq!(TemporalUnit::parse(unit.sample), Ok(unit), "a sample stays what it is");
    }

    #[test]
    fn only_a_shown_key_frame_behind_a_sequence_header_starts_decoding() {
        for (packet, has_header) in [
            ([DELIMITER, INTER_FRAME].concat(), false),
            ([DELIMITER, SHOWN_KEY_FRAME].concat(), false),
            ([DELIMITER, SHOWN_KEY_FRAME, SEQUENCE_HEADER].concat(), false),
            ([DELIMITER, SEQUENCE_HEADER, HIDDEN_KEY_FRAME, INTER_FRAME].concat(), true),
        ] {
            let unit = TemporalUnit::parse(&packet).unwrap();
            assert_eq!((unit.sequence_header.is_some(), unit.is_sync), (has_header, false), "{packet:x?}");
        }
    }

    #[test]
    fn what_is_no_temporal_unit_is_refused() {
        let two = [DELIMITER, INTER_FRAME, DELIMITER, INTER_FRAME].concat();
        assert_eq!(TemporalUnit::parse(&two), Err(TemporalUnitError::SecondUnit { index: 2 }));
        assert_eq!(TemporalUnit::parse(DELIMITER), Err(TemporalUnitError::NoFrame));
        for packet in [&[][..], &[0x32], &[0x32, 0x05, 0x10], &[0xb2, 0x00], &[0x32, 0xff, 0xff]] {
            let refused = TemporalUnit::parse(packet);
            assert!(matches!(refused, Err(TemporalUnitError::Obu { .. })), "{packet:x?}");
        }
        let long = vec![0; TemporalUnit::MAX_BYTES + 1];
        assert!(matches!(TemporalUnit::parse(&long), Err(TemporalUnitError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(packet in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(unit) = TemporalUnit::parse(&packet) {
                prop_assert!(packet.ends_with(unit.sample));
            }
        }
    }
}
