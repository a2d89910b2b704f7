//! From the bytes of a file to stereo samples, and where they begin.

use super::edits::Edit;
use super::error::SideCarError;
use super::opus::{self, OpusStream};
use super::packets::{Next, Packets, TrackFacts, guarded};
use super::source::{BoundedSource, SoundSource};
use crate::audio::format::{SampleCoding, SoundFormat};
use crate::audio::pcm::{StereoSample, downmix};
use crate::limits::Limits;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_OPUS, CODEC_ID_VORBIS};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;

/// Longest packet: a second of the largest samples fits.
const PACKET_BYTES_MAX: usize = 16 << 20;
/// Most samples of a packet that a decoder makes room for.
const PACKET_SAMPLES_MAX: u64 = 1 << 20;
/// Packets in a row that bring no samples.
const EMPTY_PACKETS_MAX: u32 = 10_000;
/// Times that differ from the samples by less than this part of a second are rounded ones.
const HOLE_PARTS: i64 = 10;
/// Where the times of a file count milliseconds, its encoder's delay is known to this part of a second.
const ROUNDING_PARTS: i64 = 500;

/// Samples that were decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) rate_hz: u32,
    /// How many samples are missing before it.
    pub(super) hole_samples: u64,
}

/// Decodes a file.
pub(super) struct Decoder {
    packets: Packets,
    limits: Limits,
    stream: Stream,
    /// Whether the file's first stream goes on.
    is_first: bool,
    /// Packets that cannot be decoded.
    damaged_packets: u64,
    levels: Vec<i16>,
}

/// One stream of a file, which has one coding.
struct Stream {
    coding: Coding,
    time_base: Option<TimeBase>,
    told_samples: Option<u64>,
    edit: Edit,
    rate_hz: u32,
    /// The place of the sample behind the last packet; unknown before the first.
    next: Option<i64>,
}

enum Coding {
    Opus(Box<OpusStream>),
    Vorbis(Box<dyn AudioDecoder>),
    Other(Box<dyn AudioDecoder>),
}

impl Decoder {
    pub(super) fn open(source: impl SoundSource, limits: &Limits) -> Result<Self, SideCarError> {
        let (packets, facts) = Packets::open(BoundedSource::open(source)?)?;
        Ok(Self {
            packets,
            limits: *limits,
            stream: Stream::new(facts, limits)?,
            is_first: true,
            damaged_packets: 0,
            levels: Vec::new(),
        })
    }

    /// Puts the next samples in the place of `samples`; `None` at the end.
    pub(super) fn next(&mut self, samples: &mut Vec<StereoSample>) -> Result<Option<Chunk>, SideCarError> {
        for _ in 0..EMPTY_PACKETS_MAX {
            match self.packets.next()? {
                Next::End if self.is_first && self.stream.is_cut() => return Err(SideCarError::Truncated),
                Next::End => return Ok(None),
                Next::Stream => {
                    self.stream = Stream::new(self.packets.take_track()?, &self.limits)?;
                    self.is_first = false;
                }
                Next::Packet(packet) => {
                    if let Some(chunk) = self.decode(&packet, samples)? {
                        return Ok(Some(chunk));
                    }
                }
            }
        }
        Err(SideCarError::EmptyPackets { limit: EMPTY_PACKETS_MAX })
    }

    /// What was left out, at the end.
    pub(super) fn take_loss(&mut self) -> Option<SideCarError> {
        (self.damaged_packets > 0).then_some(SideCarError::Packets { packets: self.damaged_packets })
    }

    fn decode(
        &mut self,
        packet: &Packet,
        samples: &mut Vec<StereoSample>,
    ) -> Result<Option<Chunk>, SideCarError> {
        let bytes = packet.data.len();
        if bytes > PACKET_BYTES_MAX {
            return Err(SideCarError::PacketTooLong { bytes, limit_bytes: PACKET_BYTES_MAX });
        }
        let Some((rate_hz, channels)) = self.stream.coding.decode(packet, &mut self.levels)? else {
            self.damaged_packets += 1;
            return Ok(None);
        };
        if self.levels.is_empty() {
            return Ok(None);
        }
        within(rate_hz, channels, &self.limits)?;
        samples.clear();
        samples.extend(self.levels.chunks_exact(channels).map(downmix));
        let hole_samples = self.stream.place(packet, rate_hz, self.is_first, samples);
        Ok((!samples.is_empty()).then_some(Chunk { rate_hz, hole_samples }))
    }
}

impl Stream {
    fn new(facts: TrackFacts, limits: &Limits) -> Result<Self, SideCarError> {
        let TrackFacts { parameters, time_base, told_samples, edit } = facts;
        let coding = Coding::new(&parameters, limits)?;
        Ok(Self { coding, time_base, told_samples, edit, rate_hz: 0, next: None })
    }

    /// Whether it ends before it said, or before anything came.
    fn is_cut(&self) -> bool {
        let Some(next) = self.next else { return true };
        let skip = to_rate(i64::try_from(self.edit.skip).unwrap_or(i64::MAX), self.time_base, self.rate_hz);
        let rounded = i64::from(self.rate_hz) / HOLE_PARTS;
        let reached = next.saturating_add(skip).saturating_add(rounded);
        self.told_samples.is_some_and(|told| i64::try_from(told).unwrap_or(i64::MAX) > reached)
    }

    /// Cuts off what is not to be heard; returns how many samples are missing before the rest.
    fn place(
        &mut self,
        packet: &Packet,
        rate_hz: u32,
        is_first: bool,
        samples: &mut Vec<StereoSample>,
    ) -> u64 {
        let of_track = |units: i64| to_rate(units, self.time_base, rate_hz);
        let length = |units: u64| of_track(i64::try_from(units).unwrap_or(i64::MAX));
        let count = i64::try_from(samples.len()).expect("a buffer's length fits 63 bits");
        let told = of_track(packet.pts.get()).saturating_sub(length(self.edit.skip));
        let (begin, hole) = match self.next {
            Some(next) if told.saturating_sub(next) > i64::from(rate_hz) / HOLE_PARTS => {
                (told, told - next.max(0))
            }
            Some(next) => (next, 0),
            None => {
                let begin = self.coding.begin(told, count, packet.trim_start.get() > 0);
                let delay = part(self.edit.delay, rate_hz);
                (begin, if is_first { begin.max(0).saturating_add(delay) } else { 0 })
            }
        };
        self.next = Some(begin.saturating_add(count));
        self.rate_hz = rate_hz;
        let from = length(packet.trim_start.get()).max(begin.saturating_neg()).clamp(0, count);
        let played = self.edit.play.map_or(i64::MAX, |play| part(play, rate_hz));
        let behind = length(packet.trim_end.get());
        let until = (count - behind.clamp(0, count)).min(played.saturating_sub(begin)).max(from);
        let [from, until] = [from, until].map(|place| usize::try_from(place).unwrap_or(0));
        samples.truncate(until);
        samples.drain(..from);
        u64::try_from(hole).unwrap_or(0)
    }
}

impl Coding {
    fn new(parameters: &AudioCodecParameters, limits: &Limits) -> Result<Self, SideCarError> {
        if let (Some(rate_hz), Some(channels)) = (parameters.sample_rate, &parameters.channels) {
            within(rate_hz, channels.count(), limits)?;
        }
        let head = parameters.extra_data.as_deref().unwrap_or_default();
        if parameters.codec == CODEC_ID_OPUS {
            let stream = OpusStream::new(head)?;
            within(opus::RATE_HZ, stream.channels(), limits)?;
            return Ok(Self::Opus(Box::new(stream)));
        }
        if parameters.max_frames_per_packet.is_some_and(|samples| samples > PACKET_SAMPLES_MAX) {
            return Err(SideCarError::malformed("its packets claim to be far longer than any are"));
        }
        let options = AudioDecoderOptions::default().gapless(false);
        let decoders = symphonia::default::get_codecs();
        let decoder = guarded(|| decoders.make_audio_decoder(parameters, &options))?;
        Ok(if parameters.codec == CODEC_ID_VORBIS { Self::Vorbis(decoder) } else { Self::Other(decoder) })
    }

    /// Interleaved samples, their rate and channels; `None` if the packet is damaged.
    fn decode(
        &mut self,
        packet: &Packet,
        levels: &mut Vec<i16>,
    ) -> Result<Option<(u32, usize)>, SideCarError> {
        match self {
            Self::Opus(stream) => Ok(stream.decode(&packet.data).map(|decoded| {
                *levels = decoded;
                (opus::RATE_HZ, stream.channels())
            })),
            Self::Vorbis(decoder) | Self::Other(decoder) => guarded(|| match decoder.decode(packet) {
                Ok(buffer) => {
                    let spec = (buffer.spec().rate(), buffer.spec().channels().count());
                    if buffer.samples_interleaved() == 0 {
                        levels.clear();
                    } else {
                        buffer.copy_to_vec_interleaved(levels);
                    }
                    Ok(Some(spec))
                }
                Err(Error::DecodeError(_) | Error::IoError(_)) => Ok(None),
                Err(error) => Err(error),
            }),
        }
    }

    /// The place of the first of `count` samples, when it is said to be at `told`.
    fn begin(&self, told: i64, count: i64, is_trimmed: bool) -> i64 {
        match self {
            Self::Opus(stream) => {
                let begin = -i64::from(stream.pre_skip);
                let rounding = i64::from(opus::RATE_HZ) / ROUNDING_PARTS;
                let is_from_zero = told == 0 || (told - begin).abs() <= rounding;
                if is_from_zero { begin } else { told }
            }
            // Its first packet only prepares the second (Vorbis I section 4.3.8); Ogg's reader says so.
            Self::Vorbis(_) if !is_trimmed => told.saturating_sub(count),
            Self::Vorbis(_) | Self::Other(_) => told,
        }
    }
}

/// Refuses what cannot be mixed.
fn within(rate_hz: u32, channels: usize, limits: &Limits) -> Result<(), SideCarError> {
    let channels = u32::try_from(channels).unwrap_or(u32::MAX);
    SoundFormat { coding: SampleCoding::Signed16, rate_hz, channels }.within(limits)?;
    Ok(())
}

/// The sample that is nearest to a time.
fn to_rate(units: i64, time_base: Option<TimeBase>, rate_hz: u32) -> i64 {
    let Some(TimeBase { numer, denom }) = time_base else { return 0 };
    let denominator = i128::from(denom.get());
    let parts = i128::from(units) * i128::from(numer.get()) * i128::from(rate_hz);
    let nearest = (parts + denominator / 2).div_euclid(denominator);
    i64::try_from(nearest).unwrap_or(if nearest < 0 { i64::MIN } else { i64::MAX })
}

/// Samples of a part of seconds.
fn part((numerator, denominator): (u64, u32), rate_hz: u32) -> i64 {
    let samples = u128::from(numerator) * u128::from(rate_hz) / u128::from(denominator.max(1));
    i64::try_from(samples).unwrap_or(i64::MAX)
}
