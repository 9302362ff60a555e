//! [`SteadyTime`]: how long something has lasted, by a clock that nobody can set. The clock of the calendar is in `time`.

use std::time::Duration;

/// A reading of a clock that only runs. Readings of one clock can be compared, also between processes; those of two
/// cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SteadyTime {
    /// Which clock: it is another one after every start of the machine.
    pub clock: String,
    /// What it says.
    pub millis: i64,
}

/// Where the steady time comes from.
pub trait SteadyClock: Send + Sync {
    /// The time now.
    fn read(&self) -> SteadyTime;
}

impl SteadyTime {
    /// How long after an earlier reading; nothing if that is of another clock, or later.
    pub fn since(&self, clock: &str, millis: i64) -> Duration {
        if clock != self.clock {
            return Duration::ZERO;
        }
        Duration::from_millis(u64::try_from(self.millis.saturating_sub(millis)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_of_one_clock_are_compared_and_those_of_two_are_not() {
        let later = SteadyTime { clock: "a".into(), millis: 5_000 };
        assert_eq!(later.since("a", 2_000), Duration::from_secs(3));
        assert_eq!(later.since("a", 9_000), Duration::ZERO);
        assert_eq!(later.since("b", 2_000), Duration::ZERO);
    }
}
