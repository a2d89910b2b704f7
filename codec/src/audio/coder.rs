//! One worker's part: a recording's bytes in, the packets of its sound out.

use super::side_car::SideCar;
use super::track::{SoundError, SoundPacket, SoundSettings, SoundTrack};
use crate::cut::Cut;
use crate::limits::Limits;
use crate::source::guac::{MediaTime, ParseError, Parser};

/// Why the sound of a recording cannot be coded.
#[derive(Debug, thiserror::Error)]
pub enum SoundCoderError {
    /// The recording cannot be read as far as was said.
    #[error("the recording cannot be read up to its end: {0}")]
    Recording(#[from] ParseError),
    /// The encoder failed.
    #[error(transparent)]
    Sound(#[from] SoundError),
}

/// Codes the sound of a recording as its bytes come.
pub struct SoundCoder {
    parser: Parser,
    time: MediaTime,
    track: SoundTrack,
}

impl SoundCoder {
    /// Starts at byte 0 of the recording; what `cut` leaves out is not heard.
    pub fn new(limits: Limits, settings: SoundSettings, cut: Cut) -> Result<Self, SoundError> {
        let track = SoundTrack::new(limits, settings, cut)?;
        Ok(Self { parser: Parser::new(limits), time: MediaTime::new(limits.gap_ms), track })
    }

    /// Mixes the sound of a file into it; said before the first bytes.
    pub fn mix(&mut self, side_car: SideCar) {
        self.track.mix(side_car);
    }

    /// Takes the next bytes; then read the packets out. Bytes behind the end of the cut are not read.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.track.is_complete() {
            self.parser.push(bytes);
        }
    }

    /// The recording ends; the track reaches to the end of the cut. Then read the last packets out.
    pub fn finish(&mut self) {
        self.track.finish(i64::MAX);
    }

    /// The next packet that is final, or `None` until there is one. A single timestamp may bring millions.
    pub fn next_packet(&mut self) -> Result<Option<SoundPacket>, SoundCoderError> {
        loop {
            if let Some(packet) = self.track.next_packet()? {
                return Ok(Some(packet));
            }
            if self.track.is_complete() {
                return Ok(None);
            }
            let Some(instruction) = self.parser.read()? else { return Ok(None) };
            let now_ms = self.time.follow(&instruction);
            self.track.apply(&instruction, now_ms);
        }
    }

    /// The part of a track at its start that is not heard, in samples of 48 kHz.
    pub fn pre_skip_samples(&self) -> u16 {
        self.track.head().pre_skip
    }
}
