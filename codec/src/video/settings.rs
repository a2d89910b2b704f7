//! What decides the bytes of a video beside the recording.

use crate::geometry::{Rect, Size};
use serde::{Deserialize, Serialize};

/// A choice between cost and quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// Fewer and coarser pictures, for clearly less CPU time.
    Fast,
    /// What suits most.
    #[default]
    Balanced,
    /// Finer pictures with whole colours: coloured text stays readable.
    Legible,
}

/// How many samples of colour there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chroma {
    /// One for two by two pixels: 4:2:0, AV1's Main profile.
    Half,
    /// One for each pixel: 4:4:4, AV1's High profile.
    Full,
}

/// How often the picture is coded at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rhythm {
    /// Small changes are coded at most this often, in milliseconds.
    pub small_ms: i64,
    /// Large changes are coded at most this often in the long run, in milliseconds.
    pub large_ms: i64,
}

/// Settings of pacing and encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoSettings {
    /// Quantizer index of our encoder for screens, 0 (lossless) to 255.
    pub screen_quantizer: u8,
    /// With which it codes again what stays; unless it is finer than the other one, it does not.
    pub still_quantizer: u8,
    /// rav1e's quantizer, 0 (best) to 255.
    pub quantizer: u8,
    /// rav1e's speed preset, 0 (slowest) to 10.
    pub speed: u8,
    /// Samples of colour.
    pub chroma: Chroma,
    /// How often the picture is coded.
    pub rhythm: Rhythm,
}

impl Chroma {
    /// Size of a chroma plane beside a luma plane of `luma` size.
    pub(super) fn size_of(self, luma: Size) -> Size {
        match self {
            Self::Half => Size { width: luma.width.div_ceil(2), height: luma.height.div_ceil(2) },
            Self::Full => luma,
        }
    }

    /// The chroma samples of `area` of the luma plane.
    pub(super) fn area_of(self, area: Rect) -> Rect {
        match self {
            Self::Half => Rect {
                left: area.left / 2,
                top: area.top / 2,
                right: area.right.div_ceil(2),
                bottom: area.bottom.div_ceil(2),
            },
            Self::Full => area,
        }
    }
}

impl VideoSettings {
    /// The settings of a profile. Their cost and quality stand in this crate's DESIGN.md.
    pub const fn of(profile: Profile) -> Self {
        match profile {
            Profile::Fast => Self {
                screen_quantizer: 120,
                still_quantizer: 120,
                quantizer: 120,
                speed: 10,
                chroma: Chroma::Half,
                rhythm: Rhythm { small_ms: 250, large_ms: 83 },
            },
            Profile::Balanced => Self {
                screen_quantizer: 80,
                still_quantizer: 10,
                quantizer: 80,
                speed: 10,
                chroma: Chroma::Half,
                rhythm: Rhythm { small_ms: 100, large_ms: 33 },
            },
            Profile::Legible => Self {
                screen_quantizer: 0,
                still_quantizer: 0,
                quantizer: 50,
                speed: 10,
                chroma: Chroma::Full,
                rhythm: Rhythm { small_ms: 100, large_ms: 33 },
            },
        }
    }
}

impl Default for VideoSettings {
    fn default() -> Self {
        Self::of(Profile::default())
    }
}

impl Rhythm {
    /// The same, `times` as slow.
    #[must_use]
    pub fn slowed(self, times: i64) -> Self {
        Self { small_ms: self.small_ms.saturating_mul(times), large_ms: self.large_ms.saturating_mul(times) }
    }
}
