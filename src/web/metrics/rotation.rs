//! What is told of the life of our keys.

use std::sync::Mutex;

use prometheus::Registry;

use super::families::{gauge, gauges, int_to_f64};
use crate::value::{Pid, Timestamp};

/// How it stood at the last look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether this process moves the keys.
    pub leads: bool,
    /// Each participant's, if it does.
    pub facts: Vec<RotationFact>,
}

/// How the life of a participant's keys goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationFact {
    /// Whose.
    pub pid: Pid,
    /// Whether a step fails or somebody must look.
    pub blocked: bool,
    /// When nothing was wrong last.
    pub last_success: Option<Timestamp>,
    /// When the next step is due, if that is a matter of time.
    pub next: Option<Timestamp>,
}

/// The last reading; none where no rotation runs.
#[derive(Debug, Default)]
pub(super) struct RotationBoard(Mutex<Option<Reading>>);

impl RotationBoard {
    pub(super) fn set(&self, reading: Reading) {
        if let Ok(mut held) = self.0.lock() {
            *held = Some(reading);
        }
    }

    /// Worked out anew at every scrape, since participants and leadership change.
    pub(super) fn register(&self, registry: &Registry, now: Timestamp) -> Result<(), prometheus::Error> {
        let Some(reading) = self.0.lock().ok().and_then(|held| held.clone()) else { return Ok(()) };
        let help = "1 if this process moves the token keys through their life";
        gauge(registry, "bob_auth_rotation_leader", help)?.set(i64::from(reading.leads));
        let labels = ["pid"];
        let help = "1 if a step in the life of a key fails or somebody must look";
        let blocked = gauges(registry, "bob_auth_rotation_blocked", help, &labels)?;
        let help = "When nothing was wrong with the life of the keys last, in seconds since 1970";
        let success = gauges(registry, "bob_auth_rotation_last_success_timestamp_seconds", help, &labels)?;
        let help = "Seconds until the next step in the life of a key, as far as that is a matter of time";
        let next = gauges(registry, "bob_auth_rotation_next_step_seconds", help, &labels)?;
        for fact in &reading.facts {
            let pid = fact.pid.to_string();
            let label = [pid.as_str()];
            blocked.with_label_values(&label).set(f64::from(u8::from(fact.blocked)));
            if let Some(at) = fact.last_success {
                success.with_label_values(&label).set(int_to_f64(at.as_seconds()));
            }
            if let Some(at) = fact.next {
                next.with_label_values(&label).set(int_to_f64(at.seconds_since(now)));
            }
        }
        Ok(())
    }
}
