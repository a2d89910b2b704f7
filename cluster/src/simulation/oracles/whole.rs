/// After healing everything becomes whole, in bounded time: recorders end, chunks are on all their members.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    healed_us: Option<u64>,
}

/// How long that may take, in microseconds of the simulated time.
const BOUND_US: u64 = 60_000_000;

impl Whole {
    /// All troubles are over.
    pub(crate) fn healed(&mut self, now_us: u64) {
        self.healed_us = Some(now_us);
    }

    /// Something is still missing.
    pub(crate) fn missing(&self, now_us: u64, what: &str) -> Result<(), String> {
        let healed_us = self.healed_us.unwrap_or(now_us);
        match now_us.saturating_sub(healed_us) > BOUND_US {
            true => Err(format!("{} s after healing {what}", (now_us - healed_us) / 1_000_000)),
            false => Ok(()),
        }
    }
}
