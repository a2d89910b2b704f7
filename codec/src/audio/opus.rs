//! The track's encoder.

use super::ticks::TRACK_RATE_HZ;
use opus_pure::{Application, MAX_PACKET_BYTES, OpusEncoder, OpusHead, RateControl};

/// Samples of a packet: 20 ms.
pub(super) const FRAME: usize = 960;
/// Silent frames after which the encoder and every decoder have forgotten what sounded before. Packets of
/// silence that follow are all the same, so that they need no encoder.
const SETTLED_FRAMES: u32 = 50;

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
        }
        Ok(self.silence.clone())
    }

    fn run(&mut self, frame: &[f32]) -> Result<Vec<u8>, opus_pure::Error> {
        let bytes = self.encoder.encode(frame, FRAME, &mut self.buffer)?;
        Ok(self.buffer[..bytes].to_vec())
    }
}
