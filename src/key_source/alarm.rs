//! [`SetStatus`] and its [`Alarm`]s: what is to be told of a metadata set besides whether its origin could be read. Pure: the
//! time is an argument.

use std::fmt;
use std::time::Duration;

use super::content::ContentError;
use super::origin::OriginError;
use crate::protocol::metadata::{MetadataError, SetHeader};
use crate::value::Timestamp;

/// How the metadata set of an origin is doing. All zero and empty for other origins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetStatus {
    /// Since when no newer set, and no newer copy of it, has come.
    pub since: Option<Timestamp>,
    /// Until when it is used: its signed end, and the grace that was set.
    pub usable_until: Option<Timestamp>,
    /// How often an older set was offered, or another one with the same serial.
    pub rollbacks: u64,
    /// When that was last.
    pub last_rollback: Option<Timestamp>,
    /// How often a set could not be kept on disk.
    pub write_failures: u64,
    /// Why the last one could not be, if that is still so.
    pub write_error: Option<String>,
    /// What is wrong with it now.
    pub alarms: Vec<Alarm>,
}

/// What somebody should look into: the first three while everything still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// An older set than the one in force is offered, or another one with its serial.
    Rollback,
    /// The origin answers, and its set is not made anew: see [`is_stale`].
    Freeze,
    /// The set grows old, because the origin does not answer, or nobody replaces the file.
    Age,
    /// The set must not be used any more: every token is refused.
    End,
}

/// How a reading ended, as far as alarms go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// A set that counts, new or the same.
    Good,
    /// One that must not take the place of the one in force.
    Older,
    /// Something that is of no use.
    Useless,
    /// Nothing.
    Silence,
}

impl Alarm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rollback, Self::Freeze, Self::Age, Self::End];

    /// As metrics and log lines have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Freeze => "freeze",
            Self::Age => "age",
            Self::End => "end",
        }
    }
}

/// In words.
impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rollback => "an older metadata set is offered than the one in force, or another one with its serial",
            Self::Freeze => {
                "the metadata set is not made anew: is the registry frozen, or is somebody holding back news?"
            }
            Self::Age => "the metadata set grows old and no newer one is to be had",
            Self::End => {
                "the metadata set must not be used any more: every token is refused until there is a newer one"
            }
        })
    }
}

impl Heard {
    pub(super) const fn of(error: Option<&OriginError>) -> Self {
        match error {
            None | Some(OriginError::Contested(_) | OriginError::Ended(_)) => Self::Good,
            Some(OriginError::Content(ContentError::Metadata(
                MetadataError::Rollback { .. } | MetadataError::OlderCopy { .. } | MetadataError::OtherContent { .. },
            ))) => Self::Older,
            Some(OriginError::Content(_) | OriginError::RefusedBefore) => Self::Useless,
            Some(OriginError::File(_) | OriginError::Fetch(_) | OriginError::GivenUp(_)) => Self::Silence,
        }
    }
}

impl SetStatus {
    /// Notes what was heard. `is_remote`: from a registry, and not from a file that somebody puts there.
    pub(super) fn hear(&mut self, heard: Heard, header: Option<&SetHeader>, is_remote: bool, now: Timestamp) {
        if heard == Heard::Older {
            self.rollbacks += 1;
            self.last_rollback = Some(now);
        }
        let rollback = match heard {
            Heard::Good => false,
            Heard::Older => true,
            Heard::Useless | Heard::Silence => self.alarms.contains(&Alarm::Rollback),
        };
        let stale = header.zip(self.since).is_some_and(|(header, since)| is_stale(header, since, now));
        let answers = is_remote && heard != Heard::Silence;
        let on = |alarm: &Alarm| match alarm {
            Alarm::Rollback => rollback,
            Alarm::Freeze => stale && answers,
            Alarm::Age => stale && !answers,
            Alarm::End => self.usable_until.is_some_and(|end| now > end),
        };
        self.alarms = Alarm::ALL.into_iter().filter(on).collect();
    }
}

/// Whether a set should have been replaced long since: two of its intervals have gone by, or three quarters of the time that
/// it had left when it came. The first is the authority's own promise, broken twice; the second leaves a quarter of the time
/// to do something about it, and is all there is for a set that promises nothing.
pub(super) fn is_stale(header: &SetHeader, since: Timestamp, now: Timestamp) -> bool {
    let age = now.seconds_since(since);
    let late = |interval: Duration| age > i64::try_from(interval.as_secs()).unwrap_or(i64::MAX).saturating_mul(2);
    let (left, had) = (header.not_valid_after.seconds_since(now), header.not_valid_after.seconds_since(since));
    header.interval.is_some_and(late) || left < had / 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::https::FetchError;
    use crate::value::Pid;

    const HOUR: i64 = 3600;

    fn time(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    /// A set that came at 0 and lasts a week.
    fn header(interval: Option<i64>) -> SetHeader {
        SetHeader {
            serial: 7,
            not_valid_after: time(168 * HOUR),
            authid: Pid::new(16).unwrap(),
            interval: interval.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap())),
            anchors: Vec::new(),
            payload_sha256: [0; 32],
        }
    }

    fn heard(status: &mut SetStatus, heard: Heard, hours: i64) -> Vec<Alarm> {
        status.hear(heard, Some(&header(Some(24 * HOUR))), true, time(hours * HOUR));
        status.alarms.clone()
    }

    fn fresh() -> SetStatus {
        SetStatus { since: Some(time(0)), ..SetStatus::default() }
    }

    #[test]
    fn a_set_is_stale_after_two_intervals_or_three_quarters_of_its_time() {
        for (interval, fresh, stale) in [(Some(24 * HOUR), 48, 49), (None, 126, 127), (Some(1000 * HOUR), 126, 127)] {
            assert!(!is_stale(&header(interval), time(0), time(fresh * HOUR)), "{interval:?}");
            assert!(is_stale(&header(interval), time(0), time(stale * HOUR)), "{interval:?}");
        }
        assert!(is_stale(&header(Some(i64::MAX)), time(0), time(i64::MAX)), "past its end");
    }

    #[test]
    fn a_registry_that_answers_is_frozen_and_one_that_does_not_lets_the_set_grow_old() {
        let mut status = fresh();
        assert!(heard(&mut status, Heard::Good, 1).is_empty());
        assert!(heard(&mut status, Heard::Silence, 48).is_empty(), "a silent registry is no alarm yet");
        assert_eq!(heard(&mut status, Heard::Good, 49), [Alarm::Freeze]);
        assert_eq!(heard(&mut status, Heard::Silence, 50), [Alarm::Age]);
        status.since = Some(time(50 * HOUR));
        assert!(heard(&mut status, Heard::Good, 51).is_empty());
    }

    #[test]
    fn the_end_is_told_whether_the_registry_answers_or_not() {
        let mut status = SetStatus { usable_until: Some(time(170 * HOUR)), ..fresh() };
        assert_eq!(heard(&mut status, Heard::Silence, 170), [Alarm::Age], "by grace");
        assert_eq!(heard(&mut status, Heard::Silence, 171), [Alarm::Age, Alarm::End]);
        assert_eq!(heard(&mut status, Heard::Good, 171), [Alarm::Freeze, Alarm::End]);
    }

    #[test]
    fn a_file_cannot_be_blamed_for_what_nobody_puts_there() {
        let mut status = fresh();
        status.hear(Heard::Good, Some(&header(None)), false, time(127 * HOUR));
        assert_eq!(status.alarms, [Alarm::Age]);
    }

    #[test]
    fn a_rollback_is_counted_each_time_and_lasts_until_a_set_is_offered_that_counts() {
        let mut status = fresh();
        assert_eq!(heard(&mut status, Heard::Older, 1), [Alarm::Rollback]);
        assert_eq!(heard(&mut status, Heard::Silence, 2), [Alarm::Rollback], "it has not gone away by being silent");
        assert_eq!(heard(&mut status, Heard::Older, 3), [Alarm::Rollback]);
        assert_eq!((status.rollbacks, status.last_rollback), (2, Some(time(3 * HOUR))));
        assert!(heard(&mut status, Heard::Good, 4).is_empty());
        assert_eq!(status.rollbacks, 2);
    }

    #[test]
    fn what_was_heard_is_told_by_how_the_reading_ended() {
        let metadata = |error| OriginError::Content(ContentError::Metadata(error));
        let serial = 7;
        for (error, heard) in [
            (metadata(MetadataError::Rollback { serial: 6, held: 7 }), Heard::Older),
            (metadata(MetadataError::OtherContent { serial }), Heard::Older),
            (metadata(MetadataError::OlderCopy { serial }), Heard::Older),
            (metadata(MetadataError::Empty), Heard::Useless),
            (FetchError::Timeout.into(), Heard::Silence),
            (OriginError::Ended(time(1)), Heard::Good),
        ] {
            assert_eq!(Heard::of(Some(&error)), heard, "{error}");
        }
        assert_eq!(Heard::of(None), Heard::Good);
    }
}
