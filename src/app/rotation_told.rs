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
