//! How often one caller may ask.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use actix_web::HttpRequest;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::auth::Caller;
use crate::problem::Problem;
use crate::state::Limits;

/// Callers that are remembered before those that have not asked for a while are forgotten.
const CALLERS_MAX: usize = 10_000;

/// The bits of an IPv6 address that name its network: one machine may have all the others.
const NETWORK: u128 = u128::MAX << 64;
/// The most characters of a name that is counted by: no user has a longer one.
const NAME_CHARS_MAX: usize = 64;
/// Requests with unknown tokens that ask the leader at one time.
const UNKNOWN_MAX: usize = 16;
/// When to try again while there is no room to count by.
const FULL_S: u64 = 60;

/// Counts the requests of each caller. Only who is known has a place here, so that nobody can fill it; a service and all
/// for whom it acts are one caller. Logins are counted before anybody is known: by address first, so that names come no
/// faster than addresses may ask, and none is counted while there is no room.
pub struct Rates {
    users: DefaultKeyedRateLimiter<String>,
    recorders: DefaultKeyedRateLimiter<String>,
    names: DefaultKeyedRateLimiter<String>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    unknown: Semaphore,
    clock: DefaultClock,
}

impl Rates {
    /// Nobody has asked yet.
    pub fn new(limits: &Limits) -> Self {
        let limiter = |per_s: NonZeroU32| RateLimiter::keyed(Quota::per_second(per_s));
        Self {
            users: limiter(limits.requests_per_s),
            recorders: limiter(limits.recorder_requests_per_s),
            names: RateLimiter::keyed(Quota::per_minute(limits.logins_per_min)),
            addresses: RateLimiter::keyed(Quota::per_minute(limits.address_logins_per_min)),
            unknown: Semaphore::new(UNKNOWN_MAX),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request, unless it comes too early.
    pub(crate) fn count(&self, sender: &Caller) -> Result<(), Problem> {
        let limiter = if sender.is_recorder() { &self.recorders } else { &self.users };
        self.check(limiter, &sender.name)
    }

    /// A turn to ask the leader for a token that is not known here; none while too many do.
    pub(crate) fn look_again(&self) -> Option<SemaphorePermit<'_>> {
        self.unknown.try_acquire().ok()
    }

    /// Counts a password that is tried, unless it comes too early for its address or its name.
    pub(crate) fn count_login(&self, request: &HttpRequest, name: &str) -> Result<(), Problem> {
        let address =
            request.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| network(peer.ip()));
        self.check_with_room(&self.addresses, &address)?;
        let name: String = name.chars().take(NAME_CHARS_MAX).collect();
        self.check_with_room(&self.names, &name)
    }

    fn check_with_room<K: Clone + Hash + Eq>(
        &self,
        limiter: &DefaultKeyedRateLimiter<K>,
        key: &K,
    ) -> Result<(), Problem> {
        if limiter.len() > CALLERS_MAX {
            limiter.retain_recent();
        }
        match limiter.len() > CALLERS_MAX {
            true => Err(Problem::too_many_requests(FULL_S)),
            false => self.check(limiter, key),
        }
    }

    fn check<K: Clone + Hash + Eq>(
        &self,
        limiter: &DefaultKeyedRateLimiter<K>,
        key: &K,
    ) -> Result<(), Problem> {
        if limiter.len() > CALLERS_MAX {
            limiter.retain_recent();
        }
        limiter.check_key(key).map_err(|early| {
            let wait = early.wait_time_from(self.clock.now());
            Problem::too_many_requests(wait.as_secs().saturating_add(1))
        })
    }
}

/// What stands for a client: its address, or its network where it may have many addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_with_many_addresses_is_one_client() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(
            (of("192.0.2.1"), of("::ffff:192.0.2.1")),
            ("192.0.2.1".to_owned(), "192.0.2.1".to_owned())
        );
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
