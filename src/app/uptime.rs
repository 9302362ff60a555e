//! [`UptimeClock`]: the steady clock of the machine.

use std::fs;
use std::time::Instant;

use crate::value::{SteadyClock, SteadyTime};

/// The time since the machine was started, its sleep included; where it cannot be had, since this clock was made.
#[derive(Debug, Clone)]
pub struct UptimeClock {
    boot: Option<String>,
    made: Instant,
    own: String,
}

impl UptimeClock {
    /// The clock of this machine. `own` must be a name that no other process has: it names the clock where the machine's
    /// cannot be read.
    pub fn new(own: String) -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned());
        Self { boot: boot.filter(|id| !id.is_empty() && uptime().is_some()), made: Instant::now(), own }
    }
}

impl SteadyClock for UptimeClock {
    fn read(&self) -> SteadyTime {
        if let (Some(boot), Some(millis)) = (&self.boot, uptime()) {
            return SteadyTime { clock: boot.clone(), millis };
        }
        let millis = i64::try_from(self.made.elapsed().as_millis()).unwrap_or(i64::MAX);
        SteadyTime { clock: self.own.clone(), millis }
    }
}

/// Linux writes seconds with two decimals, and the idle time after them.
fn uptime() -> Option<i64> {
    let text = fs::read_to_string("/proc/uptime").ok()?;
    let (seconds, hundredths) = text.split_whitespace().next()?.split_once('.')?;
    Some(seconds.parse::<i64>().ok()? * 1000 + hundredths.parse::<i64>().ok()? * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clocks_of_one_machine_are_one_clock() {
        let (one, two) = (UptimeClock::new("one".into()), UptimeClock::new("two".into()));
        if one.boot.is_some() {
            let first = one.read();
            assert!(two.read().millis >= first.millis && two.read().clock == first.clock);
        }
    }
}
