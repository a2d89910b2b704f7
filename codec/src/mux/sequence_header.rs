//! What a container must repeat of an AV1 stream.

use shiguredo_mp4::bitstream::av1::{Av1SampleEntryConfig, build_av01_box_from_config_obus};
use shiguredo_mp4::boxes::{Av01Box, SampleEntry};
use shiguredo_mp4::{Encode, codec_string};
use thiserror::Error;

use crate::geometry::Size;

/// A sequence header OBU with the facts that containers repeat (AV1 specification 5.5.1; AV1-ISOBMFF 2.3).
///
/// Profile, level, tier, bit depth and chroma format are read from the OBU and cannot be set: what the
/// container says always matches the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceHeader {
    entry: Av01Box,
    codecs: String,
}

/// The bytes are not one sequence header OBU.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected one sequence header OBU with a size field: {reason}")]
pub struct SequenceHeaderError {
    /// What the parser found instead.
    pub reason: String,
}

impl SequenceHeader {
    /// The name that AV1-ISOBMFF 2.2.4 recommends, as a string with its length before it.
    const COMPRESSOR: &'static [u8; 11] = b"\x0aAOM Coding";

    /// Reads one whole OBU: header, size field and payload.
    pub fn parse(obu: &[u8]) -> Result<Self, SequenceHeaderError> {
        let config = Av1SampleEntryConfig { initial_presentation_delay_minus_one: None };
        let refused = |error: shiguredo_mp4::Error| SequenceHeaderError { reason: error.reason };
        let mut entry = build_av01_box_from_config_obus(obu, &config).map_err(refused)?;
        for (to, from) in entry.visual.compressorname.iter_mut().zip(Self::COMPRESSOR) {
            *to = *from;
        }
        let codecs = codec_string::from_sample_entry(&SampleEntry::Av01(entry.clone())).map_err(refused)?;
        Ok(Self { entry, codecs })
    }

    /// The bytes that were read.
    pub fn obu(&self) -> &[u8] {
        &self.entry.av1c_box.config_obus
    }

    /// The picture's size.
    pub fn size(&self) -> Size {
        Size { width: self.entry.visual.width.into(), height: self.entry.visual.height.into() }
    }

    /// The stream as RFC 6381 names it, for example `av01.0.08M.08` (AV1-ISOBMFF 5).
    pub fn codecs(&self) -> &str {
        &self.codecs
    }

    /// What decoders are set up with, this header included: the content of `av1C` (AV1-ISOBMFF 2.3.3).
    pub(super) fn configuration(&self) -> Vec<u8> {
        let encoded = self.entry.av1c_box.encode_to_vec().unwrap_or_default();
        // The box's own length and type.
        encoded.get(8..).unwrap_or_default().to_vec()
    }

    /// The sample entry without a colour description.
    pub(super) fn sample_entry(&self) -> &Av01Box {
        &self.entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mux::temporal_unit::tests::SEQUENCE_HEADER;

    #[test]
    fn the_facts_come_from_the_stream() {
        let header = SequenceHeader::parse(SEQUENCE_HEADER).unwrap();
        assert_eq!(header.obu(), SEQUENCE_HEADER);
        assert_eq!(header.size(), Size { width: 320, height: 180 });
        assert_eq!(header.codecs(), "av01.0.08M.08");
        assert_eq!(header.configuration(), [&[0x81, 8, 0x0c, 0], SEQUENCE_HEADER].concat());
    }

    #[test]
    fn anything_but_one_sequence_header_is_refused() {
        let twice = [SEQUENCE_HEADER, SEQUENCE_HEADER].concat();
        for bytes in [&[][..], &[0x12, 0x00], &SEQUENCE_HEADER[..6], &twice] {
            assert!(SequenceHeader::parse(bytes).is_err(), "{bytes:x?}");
        }
    }
}
