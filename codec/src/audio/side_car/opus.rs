//! Opus inside of another format.

use super::error::SideCarError;
use opus_pure::{MAX_PACKET_SAMPLES, OpusDecoder, OpusMSDecoder};

/// The rate that Opus is decoded to, in hertz.
pub(super) const RATE_HZ: u32 = 48_000;
/// `OpusHead` without a mapping (RFC 7845 section 5.1).
const HEAD_BYTES: usize = 19;
/// The order of WAVE files, of channels in the order of Vorbis (RFC 7845 section 5.1.1.2), by their number.
const ORDERS: [&[usize]; 8] = [
    &[0],
    &[0, 1],
    &[0, 2, 1],
    &[0, 1, 2, 3],
    &[0, 2, 1, 3, 4],
    &[0, 2, 1, 5, 3, 4],
    &[0, 2, 1, 6, 5, 3, 4],
    &[0, 2, 1, 7, 5, 6, 3, 4],
];

/// Decodes packets to interleaved samples.
pub(super) struct OpusStream {
    decoder: Streams,
    channels: usize,
    /// Samples at the beginning that are not heard.
    pub(super) pre_skip: u16,
    block: Vec<i16>,
}

enum Streams {
    One(Box<OpusDecoder>),
    Many(Box<OpusMSDecoder>),
}

impl OpusStream {
    /// Reads `OpusHead`.
    pub(super) fn new(head: &[u8]) -> Result<Self, SideCarError> {
        let Some(
            &[
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                channels,
                skip_low,
                skip_high,
                _,
                _,
                _,
                _,
                gain_low,
                gain_high,
                family,
            ],
        ) = head.first_chunk::<HEAD_BYTES>()
        else {
            return Err(SideCarError::malformed("no head of opus"));
        };
        let refused = |error: opus_pure::Error| SideCarError::Unsupported { reason: error.to_string() };
        let rate_hz = i32::try_from(RATE_HZ).expect("48,000 fits 31 bits");
        let (count, gain) = (usize::from(channels), i32::from(i16::from_le_bytes([gain_low, gain_high])));
        let decoder = if family == 0 {
            let mut decoder = OpusDecoder::new(rate_hz, count).map_err(refused)?;
            decoder.gain_q8 = gain;
            Streams::One(Box::new(decoder))
        } else {
            let mut decoder = OpusMSDecoder::new(rate_hz, count, family).map_err(refused)?;
            decoder.streams_mut().iter_mut().for_each(|stream| stream.gain_q8 = gain);
            Streams::Many(Box::new(decoder))
        };
        let pre_skip = u16::from_le_bytes([skip_low, skip_high]);
        Ok(Self { decoder, channels: count, pre_skip, block: vec![0; MAX_PACKET_SAMPLES * count] })
    }

    /// How many channels it has.
    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// The samples of a packet, interleaved, in the order of WAVE files; `None` if it is no Opus.
    pub(super) fn decode(&mut self, packet: &[u8]) -> Option<Vec<i16>> {
        let Self { decoder, channels, block, .. } = self;
        let decoded = match decoder {
            Streams::One(decoder) => decoder.decode_s16(packet, MAX_PACKET_SAMPLES, block),
            Streams::Many(decoder) => decoder.decode_s16(packet, MAX_PACKET_SAMPLES, block),
        };
        let moments = block.chunks_exact(*channels).take(decoded.ok()?);
        let order = ORDERS.get(channels.wrapping_sub(1))?;
        Some(
            moments
                .flat_map(|moment| order.iter().filter_map(|channel| moment.get(*channel)))
                .copied()
                .collect(),
        )
    }
}
