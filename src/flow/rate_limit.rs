//! [`RateLimiter`]: how often one certificate or one source may ask. The counting is governor's (GCRA).

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter as Governor};

/// So many requests at once, and from then on one per interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// The time after which one more request is allowed.
    pub interval: Duration,
    /// How many may come at once.
    pub burst: NonZeroU32,
}

/// Counts requests per key of kind `K`. Runs on the monotonic clock: it measures distances, not dates.
pub struct RateLimiter<K: Hash + Eq + Clone> {
    governor: Governor<K, DefaultKeyedStateStore<K>, DefaultClock>,
    clock: DefaultClock,
}

/// A source of requests: an IPv4 address, or the /64 that an IPv6 address lies in, which is what one customer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(u64);

impl<K: Hash + Eq + Clone> RateLimiter<K> {
    /// A limiter with this limit; `None` if the interval is zero, which would be no limit.
    pub fn new(limit: RateLimit) -> Option<Self> {
        let quota = Quota::with_period(limit.interval)?.allow_burst(limit.burst);
        Some(Self { governor: Governor::keyed(quota), clock: DefaultClock::default() })
    }

    /// Counts one request of `key`, or says after which time the next one is allowed.
    pub fn check(&self, key: &K) -> Result<(), Duration> {
        self.governor.check_key(key).map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    /// Forgets keys that have not asked for so long that they start afresh anyway; call it now and then.
    pub fn forget_idle(&self) {
        self.governor.retain_recent();
        self.governor.shrink_to_fit();
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.governor.len()
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.governor.is_empty()
    }
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            // Never a routed prefix: fc00::/7 starts with other bits than an IPv4 number in 64 bits has.
            IpAddr::V4(v4) => Self(u64::from(v4.to_bits())),
            IpAddr::V6(v6) => Self((v6.to_bits() >> 64) as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter() -> RateLimiter<Source> {
        let limit = RateLimit { interval: Duration::from_hours(1), burst: NonZeroU32::new(2).unwrap() };
        RateLimiter::new(limit).unwrap()
    }

    fn source(text: &str) -> Source {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn after_the_burst_a_source_waits_and_others_do_not() {
        let limiter = limiter();
        assert_eq!(limiter.check(&source("10.0.0.1")), Ok(()));
        assert_eq!(limiter.check(&source("10.0.0.1")), Ok(()));
        let wait = limiter.check(&source("10.0.0.1")).unwrap_err();
        assert!(wait > Duration::from_secs(3500), "{wait:?}");
        assert_eq!(limiter.check(&source("10.0.0.2")), Ok(()));
        assert_eq!(limiter.len(), 2);
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_source() {
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:10.0.0.1"), source("10.0.0.1"));
    }
}
