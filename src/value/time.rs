//! Points in time and spans of it, and the [`Clock`] that tells the first. Formats of dates on the wire are here too.

use std::fmt;
use std::num::NonZeroU32;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z: what RFC 7519 calls a `NumericDate`, whole.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Where the time comes from. The program has one clock, tests set their own.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// A clock that stands still, for tests and for looking at a token as of another time.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub Timestamp);

/// How long a token lives, in whole seconds; never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lifetime(NonZeroU32);

impl Timestamp {
    /// The point so many seconds after the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn as_seconds(self) -> i64 {
        self.0
    }

    /// The point so many seconds later (earlier, if negative); stays at the end of the range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// How many seconds this point lies after `earlier`; negative if before.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// As a date of the calendar, if it lies within chrono's (some 262,000 years either way).
    pub const fn to_utc(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_secs(self.0)
    }

    /// Reads RFC 3339, for example `2026-11-22T05:51:03Z`.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|date| Self(date.timestamp()))
    }
}

impl Lifetime {
    /// One hour, the lifetime customary in the field (BoB Manual).
    pub const CUSTOMARY: Self = Self(match NonZeroU32::new(3600) {
        Some(seconds) => seconds,
        None => unreachable!(),
    });

    /// 24 hours: the longest that a verifier accepts unless told otherwise.
    pub const DAY: Self = Self(match NonZeroU32::new(86_400) {
        Some(seconds) => seconds,
        None => unreachable!(),
    });

    /// A lifetime of so many seconds, unless that is zero.
    pub const fn from_seconds(seconds: u32) -> Option<Self> {
        match NonZeroU32::new(seconds) {
            Some(seconds) => Some(Self(seconds)),
            None => None,
        }
    }

    /// In seconds.
    pub const fn as_seconds(self) -> u32 {
        self.0.get()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the machine's clock is read")]
    fn now(&self) -> Timestamp {
        Timestamp(Utc::now().timestamp())
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// RFC 3339 in UTC with seconds: `2026-11-22T05:51:03Z`; a bare number where the calendar ends.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_utc() {
            Some(date) => f.pad(&date.to_rfc3339_opts(SecondsFormat::Secs, true)),
            None => self.0.fmt(f),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({} = {self})", self.0)
    }
}

/// With its unit: `3600s`.
impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

impl fmt::Debug for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lifetime({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_prints_as_rfc_3339_and_reads_back() {
        let time = Timestamp::from_seconds(1_489_998_201);
        assert_eq!(time.to_string(), "2017-03-20T08:23:21Z");
        assert_eq!(Timestamp::parse_rfc3339("2017-03-20T08:23:21Z"), Some(time));
    }

    #[test]
    fn arithmetic_stays_inside_the_range() {
        let last = Timestamp::from_seconds(i64::MAX);
        assert_eq!(last.plus_seconds(1), last);
        assert_eq!(Timestamp::from_seconds(i64::MIN).seconds_since(last), i64::MIN);
        assert_eq!(last.to_string(), i64::MAX.to_string());
    }

    #[test]
    fn a_lifetime_is_never_zero() {
        assert_eq!(Lifetime::from_seconds(0), None);
        assert_eq!(Lifetime::CUSTOMARY.as_seconds(), 3600);
    }
}
