//! The sound of a recording as one Opus track.

use super::opus::{FRAME, FrameEncoder};
use super::report::SoundReport;
use super::resample::{ResampleError, StereoLevel};
use super::schedule::Schedule;
use super::side_car::SideCar;
use super::splice::Splice;
use super::ticks::{TRACK_RATE_HZ, from_ms, to_ms_ceil};
use super::voice::Voice;
use crate::cut::Cut;
use crate::limits::Limits;
use crate::source::guac::Instruction;
use std::collections::BTreeMap;

/// Half a step of 16-bit sound: what is below all through a frame is the resampler's rounding.
const INAUDIBLE: f32 = 1.0 / 65_536.0;

/// How sound is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundSettings {
    /// Average bits a second of sound; silence takes next to nothing.
    pub bitrate_bps: u32,
}

impl Default for SoundSettings {
    fn default() -> Self {
        Self { bitrate_bps: 96_000 }
    }
}

/// Why sound cannot be encoded. No content of a recording leads here.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// The encoder refuses its settings or a frame.
    #[error("the sound cannot be encoded as opus")]
    Encode(#[from] opus_pure::Error),
    /// The resampler refuses a rate.
    #[error(transparent)]
    Resample(#[from] ResampleError),
}

/// One packet of the track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundPacket {
    /// How long it lasts in the file, in samples of 48 kHz. The last packet of a track may decode to more.
    pub samples: u32,
    /// An Opus packet (RFC 6716).
    pub data: Vec<u8>,
}

/// What the head of the track says: the fields of `OpusHead` (RFC 7845 section 5.1) and `dOps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundHead {
    /// Channels, left before right; channel mapping family 0.
    pub channels: u8,
    /// Decoded samples of 48 kHz to leave out at the start of the track; media time 0 is behind them. The
    /// packets together last this much longer than the track is heard.
    pub pre_skip: u16,
    /// The rate before encoding, in hertz.
    pub input_rate_hz: u32,
    /// Gain to apply, in 1/256 dB.
    pub output_gain: i16,
}

/// Turns the instructions of a recording into one stereo track: what a cut keeps, joined.
///
/// Feed every instruction in file order, and read the packets out after each: that is what bounds the memory.
/// It holds at most [`Limits::audio_held_bytes`] of sound, which waits until timestamps tell its place.
pub struct SoundTrack {
    cut: Cut,
    schedule: Schedule,
    voices: BTreeMap<i32, Voice>,
    /// Sound of a file of its own.
    side_car: Option<SideCar>,
    splice: Splice,
    /// The beginning of the next frame.
    frame: Vec<StereoLevel>,
    /// Whether any voice is in it.
    is_heard: bool,
    encoder: FrameEncoder,
    /// Samples of the packets so far.
    written: i64,
    /// The samples that are heard, all packets together.
    length: i64,
    /// Whether the recording has ended.
    is_finished: bool,
}

impl SoundTrack {
    /// What each packet decodes to, in samples at 48 kHz: 20 ms.
    pub const PACKET_SAMPLES: u16 = 960;

    /// Starts before the first instruction.
    pub fn new(limits: Limits, settings: SoundSettings, cut: Cut) -> Result<Self, SoundError> {
        Ok(Self {
            schedule: Schedule::new(limits),
            voices: BTreeMap::new(),
            side_car: None,
            splice: Splice::new(&cut),
            frame: Vec::with_capacity(FRAME),
            is_heard: false,
            encoder: FrameEncoder::new(settings.bitrate_bps)?,
            written: 0,
            length: from_ms(cut.duration_ms()),
            is_finished: false,
            cut,
        })
    }

    /// Mixes the sound of a file into it; said before the first instruction.
    pub fn mix(&mut self, side_car: SideCar) {
        self.side_car = Some(side_car);
    }

    /// Follows one instruction; `now_ms` is the media time after it.
    pub fn apply(&mut self, instruction: &Instruction<'_>, now_ms: i64) {
        if let Some(piece) = self.schedule.apply(instruction, now_ms) {
            self.voices.entry(piece.index).or_default().push(self.schedule.samples());
        }
        self.direct();
    }

    /// The end of the recording. The track reaches to `end_ms`, or to the end of the sound if that is later, but
    /// never further than the cut; read the remaining packets out.
    pub fn finish(&mut self, end_ms: i64) {
        self.schedule.finish();
        self.direct();
        let end_ms = end_ms.max(to_ms_ceil(self.schedule.end()));
        self.length = self.length.min(from_ms(self.cut.video_ms(end_ms)));
        self.is_finished = true;
    }

    /// The next packet that is final, or `None` until there is one. A recording without sound has none.
    pub fn next_packet(&mut self) -> Result<Option<SoundPacket>, SoundError> {
        let left = self.left();
        let has_sound = self.schedule.has_sound() || self.side_car.is_some();
        if !has_sound || left <= 0 || !self.fill_frame()? {
            return Ok(None);
        }
        let data = self.encode_frame()?;
        let length = i64::try_from(FRAME).expect("a frame's length fits 63 bits");
        self.written += length;
        let samples = u32::try_from(left.min(length)).expect("a frame's length fits 32 bits");
        Ok(Some(SoundPacket { samples, data }))
    }

    /// Whether there is no packet more to come: what follows in the recording is not heard.
    pub fn is_complete(&self) -> bool {
        self.left() <= 0
    }

    /// What the head of the track says.
    pub fn head(&self) -> SoundHead {
        SoundHead {
            channels: 2,
            pre_skip: self.encoder.pre_skip(),
            input_rate_hz: TRACK_RATE_HZ,
            output_gain: 0,
        }
    }

    /// Where the sound ends that was placed so far, in milliseconds of media time, rounded up.
    pub fn sound_end_ms(&self) -> i64 {
        to_ms_ceil(self.schedule.end())
    }

    /// What was found and left out so far.
    pub fn report(&self) -> &SoundReport {
        self.schedule.report()
    }

    fn direct(&mut self) {
        while let Some((index, directive)) = self.schedule.next_directive() {
            self.voices.entry(index).or_default().direct(directive);
        }
    }

    /// Samples that are still to be written, the encoder's delay included.
    fn left(&self) -> i64 {
        self.length.saturating_add(self.encoder.pre_skip().into()).saturating_sub(self.written)
    }

    /// Mixes as far as the frame is missing; `false` if that is not final yet.
    fn fill_frame(&mut self) -> Result<bool, SoundError> {
        while self.frame.len() < FRAME {
            let missing = FRAME - self.frame.len();
            let Some(piece) = self.splice.peek(missing) else {
                self.frame.resize(FRAME, [0.0; 2]);
                break;
            };
            let length = i64::try_from(piece.length).expect("a frame's length fits 63 bits");
            if piece.from.saturating_add(length) > self.schedule.frontier() {
                return Ok(false);
            }
            let mut mix = [[0.0; 2]; FRAME];
            let mix = &mut mix[..piece.length];
            let mut heard = false;
            for voice in self.voices.values_mut() {
                heard |= voice.add_to(mix, piece.from)?;
            }
            if let Some(side_car) = &mut self.side_car {
                heard |= side_car.add_to(mix, piece.from)?;
            }
            self.splice.take(mix);
            if piece.kept {
                self.frame.extend_from_slice(mix);
                self.is_heard |= heard;
            }
            // A run that memory forced out may go on, seamlessly, after all of it so far was heard.
            let (schedule, more_comes) = (&self.schedule, !self.is_finished);
            self.voices.retain(|index, voice| !voice.is_over() || (more_comes && schedule.follows(*index)));
        }
        Ok(true)
    }

    /// Encodes the frame and begins the next one.
    fn encode_frame(&mut self) -> Result<Vec<u8>, SoundError> {
        let heard = std::mem::take(&mut self.is_heard);
        let levels = self.frame.as_flattened_mut();
        let data = if !heard || levels.iter().all(|level| level.abs() < INAUDIBLE) {
            self.encoder.encode_silence()?
        } else {
            for level in levels.iter_mut() {
                *level = level.clamp(-1.0, 1.0);
            }
            self.encoder.encode(levels)?
        };
        self.frame.clear();
        Ok(data)
    }
}

#[cfg(test)]
mod tests;
