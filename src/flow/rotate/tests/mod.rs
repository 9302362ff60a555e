//! The life of keys: what is planned, and what no history of clocks, crashes and registries brings about.

mod book;
mod history;
mod host;
mod planned;
mod same_as_store;

use std::time::Duration;

use super::plan::Terms;
use crate::store::{AuthtokenKey, KeyLife, KeyState};
use crate::value::{Kid, Pid, SteadyTime, Timestamp};

/// Closer together than in the field, so that a history has many lives in it.
const TERMS: Terms = Terms {
    every: Duration::from_hours(4 * 24),
    wait: Duration::from_hours(24),
    leeway: Duration::from_hours(1),
    longest: Duration::from_hours(12),
};

fn pid() -> Pid {
    Pid::new(34).unwrap()
}

fn kid(text: &str) -> Kid {
    text.parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn steady(seconds: i64) -> SteadyTime {
    SteadyTime { clock: "boot".into(), millis: seconds * 1000 }
}

fn pending(id: &str, created: Timestamp) -> AuthtokenKey {
    AuthtokenKey {
        pid: pid(),
        kid: kid(id),
        alg: "ES256".into(),
        state: KeyState::Pending,
        public_jwk: "{}".into(),
        file: format!("{id}.pem"),
        created,
        activated: None,
        retiring_since: None,
        retired: None,
        not_after: None,
        life: KeyLife::default(),
    }
}
