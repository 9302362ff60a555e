//! [`Told`]: what was said of the life of a participant's keys: each change once, in the log and in the metrics.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::flow::rotate::{Alarm, Failed, Outlook, Round, Step, StepError};
use crate::value::{Pid, Timestamp};
use crate::web::metrics::RotationFact;

/// What was said.
#[derive(Default)]
pub(super) struct Told {
    alarms: BTreeSet<Alarm>,
    failing: Vec<Failing>,
    /// The rounds themselves fail.
    stands: Option<Since>,
    last_success: Option<Timestamp>,
    /// When the next step is due, as far as that is a matter of time.
    next: Option<Duration>,
    news: bool,
}

struct Failing {
    step: Step,
    since: Since,
}

struct Since {
    at: Instant,
    alarmed: bool,
}

impl Since {
    fn now() -> Self {
        Self { at: Instant::now(), alarmed: false }
    }

    /// Whether it is time for an alarm, which is given once.
    fn is_due(&mut self, alarm_after: Duration) -> bool {
        let due = !self.alarmed && self.at.elapsed() >= alarm_after;
        self.alarmed |= due;
        due
    }
}

impl Told {
    /// Says what is new.
    pub(super) fn tell(&mut self, pid: Pid, outcome: &Result<Round, StepError>, alarm_after: Duration) {
        self.news = true;
        match outcome {
            Err(error) => self.tell_standstill(pid, error, alarm_after),
            Ok(round) => {
                if self.stands.take().is_some() {
                    tracing::info!(%pid, "the life of keys goes on");
                }
                for step in &round.done {
                    tracing::info!(%pid, step = step.as_str(), kid = step.kid().map(tracing::field::display),
                        "a step in the life of a key");
                }
                self.tell_failures(pid, &round.failed, alarm_after);
                self.tell_alarms(pid, &round.outlook);
                self.next = round.outlook.waits.iter().filter_map(|wait| wait.rest).min();
            }
        }
    }

    fn tell_standstill(&mut self, pid: Pid, error: &StepError, alarm_after: Duration) {
        let new = self.stands.is_none();
        let since = self.stands.get_or_insert_with(Since::now);
        if since.is_due(alarm_after) {
            tracing::error!(%pid, %error, "the life of keys has stood still for too long");
        } else if new {
            tracing::warn!(%pid, %error, "the life of keys stands still");
        }
    }

    fn tell_failures(&mut self, pid: Pid, failed: &[Failed], alarm_after: Duration) {
        let mut before = std::mem::take(&mut self.failing);
        for Failed { step, error } in failed {
            let known = before.iter().position(|failing| failing.step == *step).map(|at| before.swap_remove(at));
            let new = known.is_none();
            let mut failing = known.unwrap_or_else(|| Failing { step: step.clone(), since: Since::now() });
            let (name, kid) = (step.as_str(), step.kid().map(tracing::field::display));
            if new && !error.is_temporary() {
                failing.since.alarmed = true;
                tracing::error!(%pid, step = name, kid, %error, "a step in the life of a key fails: somebody must look");
            } else if failing.since.is_due(alarm_after) {
                tracing::error!(%pid, step = name, kid, %error, "a step in the life of a key has failed for too long");
            } else if new {
                tracing::warn!(%pid, step = name, kid, %error, "a step in the life of a key waits");
            }
            self.failing.push(failing);
        }
        for Failing { step, .. } in before {
            let kid = step.kid().map(tracing::field::display);
            tracing::info!(%pid, step = step.as_str(), kid, "a step in the life of a key fails no more");
        }
    }

    fn tell_alarms(&mut self, pid: Pid, outlook: &Outlook) {
        let alarms: BTreeSet<Alarm> = outlook.alarms.iter().cloned().collect();
        for alarm in alarms.difference(&self.alarms) {
            tracing::error!(%pid, %alarm, "the life of keys needs somebody");
        }
        for alarm in self.alarms.difference(&alarms) {
            tracing::info!(%pid, alarm = format!("{alarm:?}"), "over: the life of keys needed somebody");
        }
        self.alarms = alarms;
    }

    /// What metrics have of it.
    pub(super) fn fact(&mut self, pid: Pid, now: Timestamp) -> RotationFact {
        let blocked = !self.alarms.is_empty() || !self.failing.is_empty() || self.stands.is_some();
        if std::mem::take(&mut self.news) && !blocked {
            self.last_success = Some(now);
        }
        let next = self.next.map(|rest| now.plus_seconds(i64::try_from(rest.as_secs()).unwrap_or(i64::MAX)));
        RotationFact { pid, blocked, last_success: self.last_success, next }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Level, Metadata, Subscriber};

    use super::*;
    use crate::flow::publish::PublishError;
    use crate::registry_client::ClientError;

    /// The levels of all events.
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<Level>>>);

    impl Subscriber for Heard {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn event(&self, event: &Event<'_>) {
            self.0.lock().unwrap().push(*event.metadata().level());
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    fn failing(error: ClientError) -> Round {
        let step = Step::Publish("34:1".parse().unwrap());
        let failed = vec![Failed { step, error: PublishError::from(error).into() }];
        Round { failed, ..Round::default() }
    }

    /// What is said when this happens again and again, and then nothing is wrong any more.
    fn said(error: fn() -> ClientError, alarm_after: Duration) -> Vec<Level> {
        let (heard, pid) = (Heard::default(), Pid::new(34).unwrap());
        let mut told = Told::default();
        tracing::subscriber::with_default(heard.clone(), || {
            for _ in 0..50 {
                told.tell(pid, &Ok(failing(error())), alarm_after);
            }
            assert!(told.fact(pid, Timestamp::from_seconds(1)).blocked);
            told.tell(pid, &Ok(Round::default()), alarm_after);
            assert_eq!(told.fact(pid, Timestamp::from_seconds(2)).last_success, Some(Timestamp::from_seconds(2)));
        });
        std::mem::take(&mut *heard.0.lock().unwrap())
    }

    #[test]
    fn what_fails_is_told_once_then_as_an_alarm_once_and_once_that_it_is_over() {
        let busy = || ClientError::TooMany { retry_after: None };
        assert_eq!(said(busy, Duration::from_hours(1)), [Level::WARN, Level::INFO]);
        assert_eq!(said(busy, Duration::ZERO), [Level::ERROR, Level::INFO]);
        let used_up = || ClientError::KidUsedUp { reason: None };
        assert_eq!(said(used_up, Duration::from_hours(1)), [Level::ERROR, Level::INFO]);
    }

    #[test]
    fn an_alarm_is_told_when_it_begins_and_when_it_ends() {
        let (heard, pid) = (Heard::default(), Pid::new(34).unwrap());
        let mut told = Told::default();
        let alarm = Alarm::Lost("34:1".parse().unwrap());
        let lost = || Outlook { alarms: vec![alarm.clone()], ..Outlook::default() };
        tracing::subscriber::with_default(heard.clone(), || {
            for outlook in [lost(), lost(), Outlook::default(), Outlook::default(), lost()] {
                told.tell(pid, &Ok(Round { outlook, ..Round::default() }), Duration::from_hours(1));
            }
        });
        assert_eq!(*heard.0.lock().unwrap(), [Level::ERROR, Level::INFO, Level::ERROR]);
    }
}
