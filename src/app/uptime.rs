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
        Self { boot: name().filter(|_| uptime().is_some()), made: Instant::now(), own }
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

/// Since the start of the machine, its sleep included.
#[cfg(target_os = "linux")]
fn uptime() -> Option<i64> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec.checked_mul(1000)?.checked_add(now.tv_nsec / 1_000_000)
}

#[cfg(not(target_os = "linux"))]
fn uptime() -> Option<i64> {
    None
}

/// Names the clock: the start of the machine, and the namespace of time, in which it may run with an offset.
fn name() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/time").unwrap_or_default();
    let boot = boot.trim();
    (!boot.is_empty()).then(|| format!("{boot} {}", namespace.display()))
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
