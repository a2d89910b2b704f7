//! How often one caller may ask.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::auth::Caller;
use crate::problem::Problem;
use crate::state::Limits;

/// Callers that are remembered before those that have not asked for a while are forgotten.
const CALLERS_MAX: usize = 10_000;

/// Counts the requests of each caller. Only who is known has a place here, so that nobody can fill it; a service and all
/// for whom it acts are one caller.
pub struct Rates {
    users: DefaultKeyedRateLimiter<String>,
    recorders: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Rates {
    /// Nobody has asked yet.
    pub fn new(limits: &Limits) -> Self {
        let limiter = |per_s: NonZeroU32| RateLimiter::keyed(Quota::per_second(per_s));
        Self {
            users: limiter(limits.requests_per_s),
            recorders: limiter(limits.recorder_requests_per_s),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request, unless it comes too early.
    pub(crate) fn count(&self, sender: &Caller) -> Result<(), Problem> {
        let limiter = if sender.is_recorder() { &self.recorders } else { &self.users };
        if limiter.len() > CALLERS_MAX {
            limiter.retain_recent();
        }
        limiter.check_key(&sender.name).map_err(|early| {
            let wait = early.wait_time_from(self.clock.now());
            Problem::too_many_requests(wait.as_secs().saturating_add(1))
        })
    }
}
