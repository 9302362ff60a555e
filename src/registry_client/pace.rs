//! [`Pace`]: how often a call is tried, and the pauses in between. Pure: chance is an argument.

use std::time::Duration;

/// How often and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many times a call is made at most.
    pub tries: u32,
    /// The pause before the second try; each further one is twice as long.
    pub first_pause: Duration,
    /// No pause of our own is longer.
    pub longest_pause: Duration,
    /// All tries of a call together, pauses included.
    pub deadline: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            tries: 4,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(8),
            deadline: Duration::from_secs(45),
        }
    }
}

impl Pace {
    /// The pause after so many tries: half of it is fixed, the other half is `chance` (0 to 1), so that those who failed
    /// together do not come back together. The other side's own wish is honoured if it is for longer, whoever that is: it
    /// costs time only, and the deadline bounds it.
    pub(super) fn pause(&self, tried: u32, chance: f64, wish: Option<Duration>) -> Duration {
        let doubled = 2_u32.saturating_pow(tried.saturating_sub(1));
        let planned = self.first_pause.saturating_mul(doubled).min(self.longest_pause);
        let own = planned.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0));
        wish.map_or(own, |wish| own.max(wish))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_differ_by_chance() {
        let pace = Pace::default();
        let pauses = |chance| [1, 2, 3, 9].map(|tried| pace.pause(tried, chance, None).as_millis());
        assert_eq!(pauses(0.0), [250, 500, 1000, 4000]);
        assert_eq!(pauses(1.0), [500, 1000, 2000, 8000]);
        assert_eq!(pace.pause(u32::MAX, 7.0, None).as_millis(), 8000);
    }

    #[test]
    fn the_registry_may_ask_for_more_patience_and_never_for_less() {
        let pace = Pace::default();
        assert_eq!(pace.pause(1, 1.0, Some(Duration::from_secs(20))).as_secs(), 20);
        assert_eq!(pace.pause(1, 1.0, Some(Duration::ZERO)).as_millis(), 500);
    }
}
