//! The encoding of a sound stream, as its mimetype names it.

use crate::limits::Limits;

/// How one sample of one channel is coded; both are signed, also the 8-bit one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleCoding {
    /// `audio/L8`: one byte.
    Signed8,
    /// `audio/L16`: two bytes, little-endian in guacd despite the registered meaning of the name.
    Signed16,
}

impl SampleCoding {
    /// Bytes of one sample.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Signed8 => 1,
            Self::Signed16 => 2,
        }
    }
}

/// The PCM format of a sound stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundFormat {
    /// How a sample is coded.
    pub coding: SampleCoding,
    /// Sampling rate in hertz.
    pub rate_hz: u32,
    /// Interleaved channels.
    pub channels: u32,
}

/// Why the mimetype of a sound stream is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Neither `audio/L8` nor `audio/L16`.
    #[error("expected the mimetype audio/L8 or audio/L16")]
    Mimetype,
    /// A parameter that is no number, or no rate at all.
    #[error("expected whole numbers for rate (required) and channels")]
    Parameter,
    /// A rate outside of the limits.
    #[error("a rate of {rate_hz} Hz is outside of {lowest_hz} to {highest_hz} Hz")]
    RateLimit {
        /// The rate asked for.
        rate_hz: u32,
        /// The lower limit.
        lowest_hz: u32,
        /// The upper limit.
        highest_hz: u32,
    },
    /// A rate that no sound card uses: resampling it would need a filter as long as the rate's own digits.
    #[error("a rate of {rate_hz} Hz is no multiple of {step_hz} Hz")]
    RateStep {
        /// The rate asked for.
        rate_hz: u32,
        /// What rates must be a multiple of.
        step_hz: u32,
    },
    /// No channel, or more than the limit.
    #[error("{channels} channels are outside of 1 to {limit}")]
    ChannelLimit {
        /// The channels asked for.
        channels: u32,
        /// The limit.
        limit: u32,
    },
}

impl SoundFormat {
    /// Every sampling rate in use is a multiple of this (11,025 Hz is 441 times as much). It bounds the length
    /// of the resampler's filter.
    pub const RATE_STEP_HZ: u32 = 25;

    /// What `PulseAudio` gives guacd (`src/pulse/pulse/pulse.h`): the format of a stream that was opened before
    /// the recording began.
    pub const UNOPENED: Self = Self { coding: SampleCoding::Signed16, rate_hz: 44_100, channels: 2 };

    /// Reads a mimetype such as `audio/L16;rate=44100,channels=2`. Channels default to 1; the rate is
    /// required (guacamole-common-js `RawAudioFormat.js`).
    pub fn parse(mimetype: &str, limits: &Limits) -> Result<Self, FormatError> {
        let (name, parameters) = mimetype.split_once(';').unwrap_or((mimetype, ""));
        let coding = match name.trim() {
            name if name.eq_ignore_ascii_case("audio/L8") => SampleCoding::Signed8,
            name if name.eq_ignore_ascii_case("audio/L16") => SampleCoding::Signed16,
            _ => return Err(FormatError::Mimetype),
        };
        let (mut rate_hz, mut channels) = (None, 1);
        for parameter in parameters.split([',', ';']).filter(|parameter| !parameter.trim().is_empty()) {
            let (key, value) = parameter.split_once('=').ok_or(FormatError::Parameter)?;
            let number = || value.trim().parse().map_err(|_| FormatError::Parameter);
            match key.trim() {
                "rate" => rate_hz = Some(number()?),
                "channels" => channels = number()?,
                _ => {}
            }
        }
        Self { coding, rate_hz: rate_hz.ok_or(FormatError::Parameter)?, channels }.within(limits)
    }

    /// Refuses rates and numbers of channels that cannot be mixed.
    pub(super) fn within(self, limits: &Limits) -> Result<Self, FormatError> {
        let (lowest_hz, highest_hz) = limits.audio_rate_hz;
        if !(lowest_hz..=highest_hz).contains(&self.rate_hz) {
            return Err(FormatError::RateLimit { rate_hz: self.rate_hz, lowest_hz, highest_hz });
        }
        if !self.rate_hz.is_multiple_of(Self::RATE_STEP_HZ) {
            return Err(FormatError::RateStep { rate_hz: self.rate_hz, step_hz: Self::RATE_STEP_HZ });
        }
        if !(1..=limits.audio_channels).contains(&self.channels) {
            return Err(FormatError::ChannelLimit { channels: self.channels, limit: limits.audio_channels });
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(mimetype: &str) -> Result<SoundFormat, FormatError> {
        SoundFormat::parse(mimetype, &Limits::default())
    }

    #[test]
    fn mimetypes_of_guacd_are_read() {
        let cd = SoundFormat { coding: SampleCoding::Signed16, rate_hz: 44_100, channels: 2 };
        assert_eq!(parse("audio/L16;rate=44100,channels=2"), Ok(cd));
        assert_eq!(parse("audio/l16; channels=2 , rate=44100,endian=big"), Ok(cd));
        let beep = SoundFormat { coding: SampleCoding::Signed8, rate_hz: 8_000, channels: 1 };
        assert_eq!(parse("audio/L8;rate=8000"), Ok(beep));
    }

    #[test]
    fn other_mimetypes_are_refused_with_the_reason() {
        assert_eq!(parse("audio/ogg"), Err(FormatError::Mimetype));
        assert_eq!(parse(""), Err(FormatError::Mimetype));
        assert_eq!(parse("audio/L16"), Err(FormatError::Parameter));
        assert_eq!(parse("audio/L16;rate=fast"), Err(FormatError::Parameter));
        assert_eq!(parse("audio/L16;rate"), Err(FormatError::Parameter));
        assert_eq!(parse("audio/L16;rate=44100,channels=-2"), Err(FormatError::Parameter));
        assert_eq!(parse("audio/L16;rate=99999999999"), Err(FormatError::Parameter));
        let limit = |rate_hz| FormatError::RateLimit { rate_hz, lowest_hz: 8_000, highest_hz: 192_000 };
        assert_eq!(parse("audio/L16;rate=0"), Err(limit(0)));
        assert_eq!(parse("audio/L16;rate=4000000000"), Err(limit(4_000_000_000)));
        let step = FormatError::RateStep { rate_hz: 44_101, step_hz: 25 };
        assert_eq!(parse("audio/L16;rate=44101"), Err(step));
        for channels in [0, 9, 65_535] {
            let refused = FormatError::ChannelLimit { channels, limit: 8 };
            assert_eq!(parse(&format!("audio/L16;rate=48000,channels={channels}")), Err(refused));
        }
    }
}
