use std::time::Duration;
use tokio::time::Instant;

/// How long a channel rests after the first fault; after each further one, twice as long.
const FIRST: Duration = Duration::from_secs(10);
/// It never rests longer than this.
const LAST: Duration = Duration::from_secs(300);

/// Keeps a channel from trying everything again and again while an operator has to mend something: mail servers lock
/// accounts after some wrong passwords.
#[derive(Debug, Default)]
pub(super) struct Rest {
    until: Option<Instant>,
    pause: Option<Duration>,
}

impl Rest {
    /// Whether nothing is to be tried.
    pub(super) fn holds(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Begins to rest; for how long.
    pub(super) fn begin(&mut self, now: Instant) -> Duration {
        let pause = self.pause.map_or(FIRST, |pause| (pause * 2).min(LAST));
        *self = Self { until: Some(now + pause), pause: Some(pause) };
        pause
    }

    /// Something was taken.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_double_up_to_five_minutes_and_begin_anew_after_a_success() {
        let mut rest = Rest::default();
        let mut now = Instant::now();
        assert!(!rest.holds(now));
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let pause = rest.begin(now);
            pauses.push(pause.as_secs());
            assert!(rest.holds(now + pause - Duration::from_millis(1)));
            now += pause;
            assert!(!rest.holds(now));
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300]);
        rest.end();
        assert_eq!(rest.begin(now), FIRST);
    }
}
