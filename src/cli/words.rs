//! Words of the command line that become values: fingerprints in any spelling, durations, lifetimes, points in time.

use std::time::Duration;

use crate::config::duration;
use crate::store::Fingerprint;
use crate::value::{Lifetime, Timestamp};

/// A point in time, said outright or as so long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// This point.
    At(Timestamp),
    /// So many seconds ago.
    Ago(i64),
}

impl When {
    pub(super) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(seconds) => now.plus_seconds(-seconds),
        }
    }
}

/// A SHA-1 or SHA-256 fingerprint as tools print it: upper or lower case, with or without colons or spaces, and with
/// OpenSSL's `SHA1 Fingerprint=` before it.
pub(super) fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    let digits = text.rsplit('=').next().unwrap_or(text);
    let digits: String = digits.chars().filter(|c| !c.is_whitespace()).collect();
    let count = digits.bytes().filter(|b| *b != b':').count();
    let parsed =
        if count == 64 { digits.parse().map(Fingerprint::Sha256) } else { digits.parse().map(Fingerprint::Sha1) };
    parsed.map_err(|error| error.to_string())
}

/// A duration with its unit, not zero, at most a hundred years.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);
    let span = duration::parse(text).map_err(|error| format!("{error}; write for example 90s, 15m, 2h or 30d"))?;
    if span < Duration::from_secs(1) || span > LONGEST {
        return Err("must lie between a second and a hundred years".to_owned());
    }
    Ok(span)
}

/// How long a token lives.
pub(super) fn lifetime(text: &str) -> Result<Lifetime, String> {
    let seconds = u32::try_from(span(text)?.as_secs()).ok();
    seconds.and_then(Lifetime::from_seconds).ok_or_else(|| "is too long for a token".to_owned())
}

/// RFC 3339, a date alone (its first second in UTC), or a duration, which is so long ago.
pub(super) fn when(text: &str) -> Result<When, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    if let Some(time) = Timestamp::parse_rfc3339(&whole) {
        return Ok(When::At(time));
    }
    let ago = span(text).map_err(|_| "write 2026-11-22T05:51:03Z, 2026-11-22, or how long ago: 15m, 2h, 7d")?;
    Ok(When::Ago(seconds(ago)))
}

/// Whole seconds.
pub(super) fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

/// A number of seconds for people: the two largest units.
pub(super) fn in_words(seconds: i64) -> String {
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let mut rest = seconds.max(0);
    let mut parts = Vec::new();
    for (name, unit) in units {
        let count = rest / unit;
        rest %= unit;
        if count > 0 && parts.len() < 2 {
            parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        } else if !parts.is_empty() {
            break;
        }
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_understood_as_tools_print_it() {
        let sha1 = "0a9a063eb8d540cbf7dfba7697c674d14a174f7d";
        let colons = "SHA1 Fingerprint=0A:9A:06:3E:B8:D5:40:CB:F7:DF:BA:76:97:C6:74:D1:4A:17:4F:7D";
        let spaces = "0a 9a 06 3e b8 d5 40 cb f7 df ba 76 97 c6 74 d1 4a 17 4f 7d";
        for text in [sha1, colons, spaces] {
            assert_eq!(fingerprint(text).unwrap().to_string(), sha1);
        }
        assert!(matches!(fingerprint(&"ab".repeat(32)), Ok(Fingerprint::Sha256(_))));
        assert!(fingerprint(&"ab".repeat(16)).unwrap_err().contains("MD5"));
    }

    #[test]
    fn points_in_time_are_said_in_three_ways() {
        let now = Timestamp::from_seconds(1_000_000);
        assert_eq!(when("1970-01-02").unwrap().at(now), Timestamp::from_seconds(86_400));
        assert_eq!(when("1970-01-01T00:00:05Z").unwrap().at(now), Timestamp::from_seconds(5));
        assert_eq!(when("10s").unwrap().at(now), Timestamp::from_seconds(999_990));
        assert!(when("yesterday").is_err());
    }

    #[test]
    fn seconds_are_told_in_their_two_largest_units() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (2_880, "48 minutes"),
            (3_661, "1 hour 1 minute"),
            (3_601, "1 hour"),
            (200_000, "2 days 7 hours"),
        ] {
            assert_eq!(in_words(seconds), words);
        }
    }

    #[test]
    fn a_lifetime_needs_a_unit_and_is_not_zero() {
        assert_eq!(lifetime("2h").unwrap().as_seconds(), 7_200);
        assert!(lifetime("7200").is_err());
        assert!(lifetime("0s").is_err());
    }
}
