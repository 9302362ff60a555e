//! [`Gate`]: who may have an origin read again, and how often. One reading for all who wait for it, a rest after it
//! whatever came of it, and a bounded memory for keys that it did not bring.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::value::{Kid, Pid};

/// Stands before one origin.
pub(super) struct Gate {
    rest: Duration,
    state: Mutex<State>,
    /// Wakes whoever reads the origin.
    asked: Notify,
    /// Counts the readings that are over.
    over: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// Somebody asked, or it is being read.
    under_way: bool,
    /// Somebody waits for the reading under way, so that a rest follows it.
    wanted: bool,
    rests_until: Option<Instant>,
    waiting: usize,
    /// Keys that a reading did not bring, each until when that is believed.
    absent: HashMap<(Pid, Kid), Instant>,
}

/// A place among those who wait for a reading.
pub(super) struct Place<'g> {
    gate: &'g Gate,
    over: watch::Receiver<u64>,
}

/// A reading that is under way.
pub(super) struct Reading<'g>(&'g Gate);

/// The most requests that wait for one origin: each holds a connection.
const MAX_WAITING: usize = 1024;
/// The most absent keys that are remembered. Who invents key ids fills it, and nothing is put out for them.
const MAX_ABSENT: usize = 1024;

impl Gate {
    /// With so much rest between two readings that somebody asked for.
    pub(super) fn new(rest: Duration) -> Self {
        Self { rest, state: Mutex::default(), asked: Notify::new(), over: watch::Sender::new(0) }
    }

    /// A place to wait for a reading that could bring this key; `None` if there is no use in waiting.
    pub(super) fn ask(&self, issuer: Pid, kid: &Kid, now: Instant) -> Option<Place<'_>> {
        let mut state = self.state();
        let absent = state.absent.get(&(issuer, kid.clone())).is_some_and(|until| now < *until);
        if absent || state.waiting >= MAX_WAITING {
            return None;
        }
        if !state.under_way {
            if state.rests_until.is_some_and(|until| now < until) {
                return None;
            }
            state.under_way = true;
            self.asked.notify_one();
        }
        state.wanted = true;
        state.waiting += 1;
        Some(Place { gate: self, over: self.over.subscribe() })
    }

    /// Remembers that a reading did not bring this key.
    pub(super) fn remember_absent(&self, issuer: Pid, kid: &Kid, now: Instant) {
        let mut state = self.state();
        if state.absent.len() >= MAX_ABSENT {
            state.absent.retain(|_, until| now < *until);
        }
        if state.absent.len() < MAX_ABSENT {
            state.absent.insert((issuer, kid.clone()), now + self.rest);
        }
    }

    /// Waits until somebody asks for a reading.
    pub(super) async fn asked(&self) {
        loop {
            self.asked.notified().await;
            // A call that came just before a reading on schedule was answered by that one.
            if self.state().under_way {
                return;
            }
        }
    }

    /// A reading begins, asked for or not: who comes now waits for this one. It ends with what is returned.
    pub(super) fn begin(&self) -> Reading<'_> {
        self.state().under_way = true;
        Reading(self)
    }

    fn end(&self, now: Instant) {
        let mut state = self.state();
        state.under_way = false;
        if std::mem::take(&mut state.wanted) {
            state.rests_until = Some(now + self.rest);
        }
        drop(state);
        self.over.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Waits for the end of the reading, and no longer than this. Says whether it is over.
    pub(super) async fn wait(mut self, at_most: Duration) -> bool {
        matches!(tokio::time::timeout(at_most, self.over.changed()).await, Ok(Ok(())))
    }
}

/// Whatever came of it, and also when it is given up.
impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.end(Instant::now());
    }
}

/// Also when the request that waits is given up.
impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.gate.state().waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(30);

    fn issuer() -> Pid {
        Pid::new(34).unwrap()
    }

    fn kid(number: usize) -> Kid {
        format!("invented-{number}").parse().unwrap()
    }

    fn ask(gate: &Gate, number: usize, now: Instant) -> bool {
        gate.ask(issuer(), &kid(number), now).is_some()
    }

    #[test]
    fn after_a_reading_that_was_asked_for_it_rests_whoever_asks() {
        let (gate, now) = (Gate::new(REST), Instant::now());
        assert!(ask(&gate, 1, now));
        let reading = gate.begin();
        assert!(ask(&gate, 2, now), "who comes during a reading waits for it");
        drop(reading);
        assert!(!ask(&gate, 3, now + REST - Duration::from_millis(1)));
        assert!(ask(&gate, 3, Instant::now() + REST));
    }

    #[test]
    fn a_reading_that_nobody_waited_for_costs_nobody_a_rest() {
        let (gate, now) = (Gate::new(REST), Instant::now());
        let reading = gate.begin();
        drop(reading);
        assert!(ask(&gate, 1, now));
    }

    #[test]
    fn a_key_that_a_reading_did_not_bring_is_not_waited_for_during_the_next() {
        let (gate, now) = (Gate::new(REST), Instant::now());
        let _reading = gate.begin();
        gate.remember_absent(issuer(), &kid(1), now);
        assert!(!ask(&gate, 1, now));
        assert!(ask(&gate, 2, now));
        assert!(ask(&gate, 1, now + REST));
    }

    #[test]
    fn invented_key_ids_fill_the_memory_and_put_nothing_out() {
        let (gate, now) = (Gate::new(REST), Instant::now());
        let _reading = gate.begin();
        for number in 0..3 * MAX_ABSENT {
            gate.remember_absent(issuer(), &kid(number), now);
        }
        assert_eq!(gate.state().absent.len(), MAX_ABSENT);
        assert!(!ask(&gate, 0, now), "the first is still remembered");
        gate.remember_absent(issuer(), &kid(9999), now + REST);
        assert_eq!(gate.state().absent.len(), 1, "what is no longer believed makes room");
    }

    #[test]
    fn only_so_many_wait_and_a_place_that_is_given_up_is_free() {
        let (gate, now) = (Gate::new(REST), Instant::now());
        let mut places: Vec<_> = (0..MAX_WAITING).map(|number| gate.ask(issuer(), &kid(number), now)).collect();
        assert!(places.iter().all(Option::is_some));
        assert!(!ask(&gate, 0, now));
        places.pop();
        assert!(ask(&gate, 0, now));
    }

    #[tokio::test]
    async fn a_call_that_a_reading_on_schedule_has_answered_causes_no_second_reading() {
        let (gate, now) = (Gate::new(REST), Instant::now());
        assert!(ask(&gate, 1, now));
        drop(gate.begin());
        let soon = Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, gate.asked()).await.is_err());
        assert!(ask(&gate, 1, Instant::now() + REST));
        assert!(tokio::time::timeout(soon, gate.asked()).await.is_ok());
    }
}
