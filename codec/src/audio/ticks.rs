//! The one clock of sound: ticks of 48 kHz, counted from the first `sync`.

/// Samples of the track in a second.
pub(super) const TRACK_RATE_HZ: u32 = 48_000;

/// Ticks in a millisecond.
const TICKS_PER_MS: i64 = 48;

/// The ticks of a duration or media time in milliseconds.
pub(super) const fn from_ms(ms: i64) -> i64 {
    ms.saturating_mul(TICKS_PER_MS)
}

/// The milliseconds of a duration in ticks, rounded up.
pub(super) fn to_ms_ceil(ticks: i64) -> i64 {
    ticks.saturating_add(TICKS_PER_MS - 1).div_euclid(TICKS_PER_MS)
}

/// How long `samples` last at `rate_hz`, in ticks, rounded up: exactly what resampling them yields.
pub(super) fn from_samples(samples: u64, rate_hz: u32) -> i64 {
    let ticks = samples.saturating_mul(u64::from(TRACK_RATE_HZ)).div_ceil(u64::from(rate_hz.max(1)));
    i64::try_from(ticks).unwrap_or(i64::MAX)
}

/// How many samples at `rate_hz` begin within `ticks`.
pub(super) fn to_samples(ticks: i64, rate_hz: u32) -> u64 {
    let ticks = u64::try_from(ticks).unwrap_or(0);
    ticks.saturating_mul(u64::from(rate_hz)).div_ceil(u64::from(TRACK_RATE_HZ))
}
