//! From when to when a session lasted.

/// When the session of a recording began and ended, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSpan {
    /// When it began.
    pub start_ms: u64,
    /// When it ended.
    pub end_ms: u64,
}

impl SessionSpan {
    /// A timeline is drawn out to this media time at most, so that no clock that is wrong makes more of it.
    pub const REACH_MS_MAX: i64 = 30 * 24 * 60 * 60 * 1000;

    /// The media time at which the session ended. Media time begins with the session, or when the recording itself says that
    /// it began, in seconds since 1970, if that lies within the session.
    pub(super) fn reach_ms(&self, recorded_s: Option<u64>) -> i64 {
        let recorded_ms = recorded_s.and_then(|seconds| seconds.checked_mul(1_000));
        let within = recorded_ms.filter(|began_ms| (self.start_ms..=self.end_ms).contains(began_ms));
        let lasted_ms = self.end_ms.saturating_sub(within.unwrap_or(self.start_ms));
        i64::try_from(lasted_ms).unwrap_or(i64::MAX).min(Self::REACH_MS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_time_begins_where_the_recording_says_or_with_the_session() {
        let span = SessionSpan { start_ms: 10_500, end_ms: 70_000 };
        for (recorded_s, reach_ms) in [
            (None, 59_500),
            (Some(12), 58_000),
            (Some(70), 0),
            (Some(10), 59_500),
            (Some(71), 59_500),
            (Some(u64::MAX), 59_500),
        ] {
            assert_eq!(span.reach_ms(recorded_s), reach_ms, "{recorded_s:?}");
        }
        let forever = SessionSpan { start_ms: 0, end_ms: u64::MAX };
        assert_eq!(forever.reach_ms(None), SessionSpan::REACH_MS_MAX);
        let backwards = SessionSpan { start_ms: 5, end_ms: 4 };
        assert_eq!(backwards.reach_ms(Some(0)), 0);
    }
}
