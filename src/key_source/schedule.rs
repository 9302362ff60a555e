//! When a URL is fetched next. Pure: time and chance are arguments.

use std::time::Duration;

/// How often keys are fetched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    /// Between two fetches, if nobody says otherwise.
    pub(super) every: Duration,
    /// Between two fetches at least, whoever asks.
    pub(super) cool_down: Duration,
    /// Makes the pauses of this process differ from those of its replicas.
    pub(super) seed: u64,
}

/// What the last fetch says about the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// It worked; the origin may have said how long its answer counts.
    Worked { max_age: Option<Duration> },
    /// It failed, so many times in a row.
    Failed { times: u32 },
}

/// No URL is fetched on schedule more often than that, whatever is set.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

impl Schedule {
    /// The pause before fetch `round`, ten per cent more or less than planned. An origin may shorten it and not lengthen it,
    /// and after a failure it is shorter as well.
    pub(super) fn pause(&self, last: Last, round: u64) -> Duration {
        let planned = match last {
            Last::Worked { max_age } => max_age.map_or(self.every, |age| age.clamp(self.least(), self.every)),
            Last::Failed { times } => {
                let doubled = 2_u32.saturating_pow(times.saturating_sub(1));
                self.least().saturating_mul(doubled).min(self.every)
            }
        };
        planned.max(LEAST_PAUSE).mul_f64(0.9 + 0.2 * chance(self.seed, round))
    }

    /// The same, but no slower than that. As before, nobody makes it faster than its rest.
    pub(super) fn at_most(self, slowest: Option<Duration>) -> Self {
        let every = slowest.map_or(self.every, |slowest| slowest.clamp(self.least(), self.every));
        Self { every, ..self }
    }

    fn least(&self) -> Duration {
        self.cool_down.min(self.every)
    }
}

/// A number from 0 to 1 that looks like chance (the finaliser of `SplitMix64`); nothing secret hangs on it.
#[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds exactly")]
fn chance(seed: u64, round: u64) -> f64 {
    let mut z = seed.wrapping_add(round.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// `max-age` of a `Cache-Control` (RFC 9111 section 5.2.2.1).
pub(super) fn max_age(cache_control: &str) -> Option<Duration> {
    cache_control.split(',').find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let seconds = value.trim().trim_matches('"').parse().ok()?;
        name.trim().eq_ignore_ascii_case("max-age").then_some(Duration::from_secs(seconds))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn schedule(seed: u64) -> Schedule {
        Schedule { every: HOUR, cool_down: Duration::from_secs(30), seed }
    }

    fn about(pause: Duration, planned: Duration) -> bool {
        pause >= planned.max(LEAST_PAUSE).mul_f64(0.9) && pause <= planned.mul_f64(1.1)
    }

    #[test]
    fn pauses_differ_by_ten_per_cent_and_no_more() {
        let pauses: Vec<Duration> =
            (0..200).map(|round| schedule(7).pause(Last::Worked { max_age: None }, round)).collect();
        assert!(pauses.iter().all(|pause| about(*pause, HOUR)));
        assert!(pauses.iter().any(|pause| *pause < HOUR.mul_f64(0.95)));
        assert!(pauses.iter().any(|pause| *pause > HOUR.mul_f64(1.05)));
        let other = schedule(8).pause(Last::Worked { max_age: None }, 0);
        assert_ne!(pauses[0], other);
    }

    #[test]
    fn an_origin_shortens_the_pause_and_never_lengthens_it() {
        let pause = |seconds| {
            let max_age = Some(Duration::from_secs(seconds));
            schedule(1).pause(Last::Worked { max_age }, 1)
        };
        assert!(about(pause(600), Duration::from_mins(10)));
        assert!(about(pause(86_400), HOUR));
        assert!(about(pause(u64::MAX), HOUR));
        assert!(about(pause(0), Duration::from_secs(30)), "nobody makes it fetch without a pause");
    }

    #[test]
    fn whoever_signs_the_keys_shortens_the_pause_and_never_lengthens_it() {
        let every = |slowest| schedule(1).at_most(slowest).every;
        assert_eq!(every(None), HOUR);
        assert_eq!(every(Some(Duration::from_mins(10))), Duration::from_mins(10));
        assert_eq!(every(Some(2 * HOUR)), HOUR);
        assert_eq!(every(Some(Duration::ZERO)), Duration::from_secs(30));
        let hasty = Schedule { every: Duration::from_secs(5), ..schedule(1) };
        assert_eq!(
            hasty.at_most(Some(Duration::from_secs(1))).every,
            Duration::from_secs(5),
            "what was set is the least"
        );
    }

    #[test]
    fn after_failures_the_pause_grows_up_to_the_usual_one() {
        let pause = |times| schedule(1).pause(Last::Failed { times }, 1);
        assert!(about(pause(1), Duration::from_secs(30)));
        assert!(about(pause(3), Duration::from_mins(2)));
        assert!(about(pause(u32::MAX), HOUR));
    }

    #[test]
    fn max_age_is_found_among_other_directives() {
        assert_eq!(max_age("public, Max-Age=60, must-revalidate"), Some(Duration::from_mins(1)));
        assert_eq!(max_age("max-age=\"5\""), Some(Duration::from_secs(5)));
        for text in ["", "no-store", "s-maxage=9", "max-age=", "max-age=-1", "max-age=1e3"] {
            assert_eq!(max_age(text), None, "{text}");
        }
    }
}
