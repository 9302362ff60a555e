//! [`Folding`]: whether changes wait that the set does not show yet, and what its readers get meanwhile. Time is given.

use std::time::{Duration, Instant};

use crate::config::{FoldSettings, WhileFolding};

/// Changes that wait to be folded into the set.
#[derive(Debug)]
pub struct Folding {
    settings: FoldSettings,
    waiting: Option<Waiting>,
    /// Before that nobody is told to come again: the set is served for as long as it was refused.
    rest_until: Option<Instant>,
    changes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    first: Instant,
    last: Instant,
    /// From here on, and for `at_most`, readers are told to come again.
    refused_from: Instant,
}

/// A number that differs after every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen(u64);

impl Folding {
    /// Nothing waits.
    pub const fn new(settings: FoldSettings) -> Self {
        Self { settings, waiting: None, rest_until: None, changes: 0 }
    }

    /// Other settings from now on.
    pub const fn set(&mut self, settings: FoldSettings) {
        self.settings = settings;
    }

    /// Something has changed.
    pub fn changed(&mut self, now: Instant) {
        self.changes += 1;
        let refused_from = self.rest_until.map_or(now, |rest| rest.max(now));
        let waiting = self.waiting.get_or_insert(Waiting { first: now, last: now, refused_from });
        waiting.last = now;
    }

    /// What has changed so far, to be given to [`Folding::settled`].
    pub const fn seen(&self) -> Seen {
        Seen(self.changes)
    }

    /// Nothing waits any more, if nothing has changed since `seen`.
    pub fn settled(&mut self, seen: Seen, now: Instant) {
        if seen != self.seen() {
            return;
        }
        if let Some(waiting) = self.waiting.take() {
            let refused = now.saturating_duration_since(waiting.refused_from).min(self.settings.at_most);
            if !refused.is_zero() {
                self.rest_until = Some(now + refused);
            }
        }
    }

    /// Whether changes wait.
    pub const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// How long the set is not to be built yet: until it is quiet, or until it has been waited for long enough. `None` if
    /// nothing waits.
    pub fn build_in(&self, now: Instant) -> Option<Duration> {
        let waiting = self.waiting?;
        let quiet = waiting.last + self.settings.quiet;
        let latest = waiting.first + self.settings.at_most;
        Some(quiet.min(latest).saturating_duration_since(now))
    }

    /// After how long a reader is to come again, if he is to.
    pub fn refuses_readers(&self, now: Instant) -> Option<Duration> {
        let waiting = self.waiting.filter(|_| self.settings.readers_get == WhileFolding::Conflict)?;
        let end = waiting.refused_from + self.settings.at_most;
        (waiting.refused_from <= now && now < end).then(|| self.build_in(now).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn folding() -> (Folding, Instant) {
        let settings = FoldSettings { quiet: SECOND, at_most: 10 * SECOND, readers_get: WhileFolding::Conflict };
        (Folding::new(settings), Instant::now())
    }

    #[test]
    fn a_single_change_is_built_when_it_is_quiet() {
        let (mut folding, start) = folding();
        assert_eq!((folding.build_in(start), folding.refuses_readers(start)), (None, None));
        folding.changed(start);
        assert_eq!(folding.build_in(start), Some(SECOND));
        assert_eq!(folding.refuses_readers(start), Some(SECOND));
        let seen = folding.seen();
        folding.settled(seen, start + SECOND);
        assert_eq!(folding.refuses_readers(start + SECOND), None);
    }

    #[test]
    fn a_burst_is_built_in_the_end_and_readers_wait_no_longer_than_that() {
        let (mut folding, start) = folding();
        for second in 0..30 {
            folding.changed(start + second * SECOND);
        }
        assert_eq!(folding.build_in(start + 9 * SECOND), Some(SECOND));
        assert_eq!(folding.build_in(start + 29 * SECOND), Some(Duration::ZERO));
        assert!(folding.refuses_readers(start + 9 * SECOND).is_some());
        // Whatever keeps the set from being built, from now on the last one is served.
        assert_eq!(folding.refuses_readers(start + 10 * SECOND), None);
    }

    #[test]
    fn a_change_after_the_look_is_not_settled_by_it() {
        let (mut folding, start) = folding();
        folding.changed(start);
        let seen = folding.seen();
        folding.changed(start);
        folding.settled(seen, start);
        assert!(folding.is_waiting());
    }

    #[test]
    fn whoever_writes_without_end_keeps_readers_away_half_of_the_time_at_most() {
        let (mut folding, start) = folding();
        let mut refused = 0;
        for tenth in 0..6000_u32 {
            let now = start + tenth * SECOND / 10;
            folding.changed(now);
            if folding.build_in(now) == Some(Duration::ZERO) {
                let seen = folding.seen();
                folding.settled(seen, now);
                folding.changed(now);
            }
            refused += u32::from(folding.refuses_readers(now).is_some());
        }
        assert!((2000..=3030).contains(&refused), "{refused}");
    }

    #[test]
    fn readers_may_have_the_last_set_instead() {
        let (mut folding, start) = folding();
        folding.set(FoldSettings { readers_get: WhileFolding::LastSet, ..folding.settings });
        folding.changed(start);
        assert_eq!(folding.refuses_readers(start), None);
        assert_eq!(folding.build_in(start), Some(SECOND));
    }
}
