//! The track's encoder.

use super::ticks::TRACK_RATE_HZ;
use opus_pure::{Application, MAX_PACKET_BYTES, OpusEncoder, OpusHead, RateControl};

/// Samples of a packet: 20 ms.
pub(super) const FRAME: usize = 960;
/// Silent frames after which the encoder and every decoder have forgotten what sounded before. Packets of
/// silence that follow are all the same, so that they need no encoder.
const SETTLED_FRAMES: u32 = 50;
/// The shortest packet that holds a silent frame: its table of contents and the flag of silence.
const SILENCE_BYTES: usize = 3;

/// Encodes frames of 48 kHz stereo. Silence costs nothing once it has lasted for a second.
pub(super) struct FrameEncoder {
    encoder: OpusEncoder,
    buffer: Vec<u8>,
    /// How many frames before this one were silent.
    silent_frames: u32,
    /// The packet of the last silent frame.
    silence: Vec<u8>,
}

impl FrameEncoder {
    pub(super) fn new(bitrate_bps: u32) -> Result<Self, opus_pure::Error> {
        let rate_hz = i32::try_from(TRACK_RATE_HZ).expect("48,000 fits 31 bits");
        let mut encoder = OpusEncoder::new(rate_hz, 2, Application::Audio)?;
        encoder.bitrate_bps = i32::try_from(bitrate_bps).unwrap_or(i32::MAX);
        encoder.rate_control = RateControl::Vbr;
        Ok(Self { encoder, buffer: vec![0; MAX_PACKET_BYTES], silent_frames: 0, silence: Vec::new() })
    }

    /// The encoder's delay, in samples.
    pub(super) fn pre_skip(&self) -> u16 {
        OpusHead::for_encoder(&self.encoder, TRACK_RATE_HZ).pre_skip
    }

    /// Encodes a frame of interleaved samples.
    pub(super) fn encode(&mut self, frame: &[f32]) -> Result<Vec<u8>, opus_pure::Error> {
        self.silent_frames = 0;
        self.run(frame)
    }

    /// Encodes a silent frame.
    pub(super) fn encode_silence(&mut self) -> Result<Vec<u8>, opus_pure::Error> {
        if self.silent_frames < SETTLED_FRAMES {
            self.silent_frames += 1;
            self.silence = self.run(&[0.0; 2 * FRAME])?;
            return Ok(self.silence.clone());
        }
        // A decoder reads zeros behind the end of a packet (RFC 6716 section 4.1.2.1), so these need no space.
        while self.silence.len() > SILENCE_BYTES && self.silence.last() == Some(&0) {
            self.silence.pop();
        }
        Ok(self.silence.clone())
    }

    fn run(&mut self, frame: &[f32]) -> Result<Vec<u8>, opus_pure::Error> {
        let bytes = self.encoder.encode(frame, FRAME, &mut self.buffer)?;
        Ok(self.buffer[..bytes].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opus_pure::{MAX_PACKET_SAMPLES, OpusDecoder};

    const SILENT_FRAMES: usize = 500;

    #[test]
    fn a_packet_is_as_long_as_is_told() {
        assert_eq!(FRAME, usize::from(crate::audio::SoundTrack::PACKET_SAMPLES));
    }

    /// Speech-like sound: a gliding tone that comes and goes.
    #[expect(clippy::as_conversions, reason = "a test tone needs no exact rounding")]
    fn frame(index: usize) -> Vec<f32> {
        (index * FRAME..(index + 1) * FRAME)
            .flat_map(|sample| {
                let time = sample as f32 / 48_000.0;
                let level = (time * (200.0 + 90.0 * (time * 3.0).sin()) * std::f32::consts::TAU).sin()
                    * (time * 9.0).sin()
                    * 0.5;
                [level, level * 0.5]
            })
            .collect()
    }

    fn encode(mut silence: impl FnMut(&mut FrameEncoder) -> Vec<u8>) -> Vec<Vec<u8>> {
        let mut encoder = FrameEncoder::new(96_000).expect("usual settings");
        let mut packets: Vec<Vec<u8>> =
            (0..50).map(|index| encoder.encode(&frame(index)).expect("encoded")).collect();
        packets.extend((0..SILENT_FRAMES).map(|_| silence(&mut encoder)));
        packets.extend((0..50).map(|index| encoder.encode(&frame(index)).expect("encoded")));
        packets
    }

    fn decode(packets: &[Vec<u8>]) -> Vec<i16> {
        let mut decoder = OpusDecoder::new(48_000, 2).expect("usual settings");
        let mut block = vec![0; 2 * MAX_PACKET_SAMPLES];
        let mut samples = Vec::new();
        for packet in packets {
            let decoded = decoder.decode_s16(packet, MAX_PACKET_SAMPLES, &mut block).expect("decoded");
            samples.extend_from_slice(&block[..2 * decoded]);
        }
        samples
    }

    #[test]
    fn silence_that_is_not_encoded_changes_nothing_that_is_heard() {
        let short = encode(|encoder| encoder.encode_silence().expect("encoded"));
        let full = encode(|encoder| encoder.run(&[0.0; 2 * FRAME]).expect("encoded"));
        // The encoder is in the same state afterwards.
        assert_eq!(short[50 + SILENT_FRAMES..], full[50 + SILENT_FRAMES..]);
        assert_eq!(decode(&short), decode(&full));
    }

    #[test]
    fn settled_silence_takes_three_bytes_a_frame() {
        let packets = encode(|encoder| encoder.encode_silence().expect("encoded"));
        let settled = 50 + usize::try_from(SETTLED_FRAMES).expect("small")..50 + SILENT_FRAMES;
        assert!(packets[settled].iter().all(|packet| packet.len() == SILENCE_BYTES));
    }
}
