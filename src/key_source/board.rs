//! [`Board`]: what every origin gave last, put together, and what is to be told of each.

use std::sync::Arc;

use super::alarm::{Alarm, Heard, SetStatus};
use super::content::{Content, ContentError};
use super::current::CurrentKeys;
use super::keeping::{KeepError, Kept};
use super::origin::{News, OriginError, OriginKind};
use crate::protocol::key_set::{KeySet, KeySetError};
use crate::protocol::metadata::SetHeader;
use crate::value::{Pid, Timestamp};

/// The last good keys of every origin, and the set in force that is made of them.
pub(super) struct Board {
    keys: Arc<CurrentKeys>,
    notes: Vec<Note>,
}

/// What is known of one origin.
struct Note {
    held: KeySet,
    /// An issuer that it names and another origin has.
    contested: Option<Pid>,
    status: OriginStatus,
}

/// How an origin of keys is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginStatus {
    /// Its path, or its URL without the query.
    pub name: String,
    /// What it is.
    pub kind: OriginKind,
    /// When it was last read without fault, changed or not.
    pub last_success: Option<Timestamp>,
    /// What is wrong with it now; what it gave last stays as it is.
    pub last_error: Option<String>,
    /// How many readings have failed since the start.
    pub failures: u64,
    /// Whose keys it holds.
    pub issuers: Vec<Pid>,
    /// How many keys of it are in force.
    pub keys: usize,
    /// How many entries of it are not used: keys that check no tokens, and whatever else cannot be read.
    pub left_out: usize,
    /// Serial, end and signers of its set, if it is a metadata set.
    pub metadata: Option<SetHeader>,
    /// How that set is doing.
    pub set: SetStatus,
    /// The generation of the key set with which these keys came into force; 0 if none did.
    pub generation: u64,
}

impl Board {
    /// A board without keys for these origins; an issuer may be known before its keys are.
    pub(super) fn new(origins: Vec<(String, OriginKind, Option<Pid>)>) -> Result<Self, KeySetError> {
        let notes = origins.into_iter().map(Note::new).collect::<Result<Vec<_>, _>>()?;
        let set = union(notes.iter().map(|note| &note.held))?;
        Ok(Self { keys: Arc::new(CurrentKeys::possibly_empty(set)), notes })
    }

    /// The set in force.
    pub(super) const fn keys(&self) -> &Arc<CurrentKeys> {
        &self.keys
    }

    /// Which origin speaks for this issuer.
    pub(super) fn origin_of(&self, issuer: Pid) -> Option<usize> {
        self.notes.iter().position(|note| note.held.knows(issuer))
    }

    /// How every origin is doing.
    pub(super) fn status(&self) -> Vec<OriginStatus> {
        self.notes.iter().map(|note| note.status.clone()).collect()
    }

    /// Notes how a reading of an origin ended; new keys come into force with all others, as one set. Says what is wrong.
    pub(super) fn settle(
        &mut self,
        origin: usize,
        read: Result<News, OriginError>,
        now: Timestamp,
    ) -> Result<(), OriginError> {
        let (is_reading, put_back) = match &read {
            Ok(News::Kept(kept)) => (false, kept.put_back),
            _ => (true, false),
        };
        let settled = match read {
            Ok(News::Content(content, since) | News::Kept(Kept { content, since, .. })) => {
                self.put_in_force(origin, content, since)
            }
            Ok(News::Same) => Ok(()),
            Err(error) => Err(error),
        };
        let Some(note) = self.notes.get_mut(origin) else { return settled };
        let settled = settled.and_then(|()| note.standing(now));
        note.tell(settled.as_ref().err(), is_reading.then_some(now));
        if is_reading {
            note.watch(Heard::of(settled.as_ref().err()), now);
        } else if put_back {
            note.watch(Heard::Older, now);
        }
        settled
    }

    /// Notes whether a set could be kept on disk.
    pub(super) fn kept(&mut self, origin: usize, kept: Result<(), KeepError>) {
        let Some(OriginStatus { name, set, .. }) = self.notes.get_mut(origin).map(|note| &mut note.status) else {
            return;
        };
        let was = set.write_error.take();
        let Err(error) = kept else {
            if was.is_some() {
                tracing::info!(origin = name, "the metadata set is kept on disk again");
            }
            return;
        };
        if was.is_none() {
            tracing::warn!(origin = name, %error, "the metadata set cannot be kept on disk; the next start may need the registry");
        }
        set.write_failures += 1;
        set.write_error = Some(error.to_string());
    }

    fn put_in_force(&mut self, origin: usize, content: Content, since: Timestamp) -> Result<(), OriginError> {
        let Content { mut set, header, left_out, first_left_out } = content;
        let others = || self.notes.iter().enumerate().filter(|(index, _)| *index != origin).map(|(_, note)| &note.held);
        // Who spoke for an issuer first goes on to: the rest of a set must not wait until somebody has decided.
        let contested: Vec<Pid> = set.issuers().filter(|pid| others().any(|held| held.knows(*pid))).collect();
        for pid in &contested {
            set.remove(*pid);
        }
        let all = union(others().chain([&set])).map_err(ContentError::Set)?;
        let Some(note) = self.notes.get_mut(origin) else { return Ok(()) };
        note.contested = contested.into_iter().min();
        note.edition(header, since);
        note.status.set.usable_until = set.not_valid_after;
        if note.held == set && note.status.generation > 0 {
            return Ok(());
        }
        let generation = self.keys.replace(all);
        note.hold(set, left_out, generation);
        if let Some(first) = first_left_out {
            tracing::warn!(origin = note.status.name, left_out, first, "entries that cannot be used are left out");
        }
        Ok(())
    }
}

/// One set of several. Two that speak for one issuer do not make a set.
fn union<'s>(sets: impl Iterator<Item = &'s KeySet>) -> Result<KeySet, KeySetError> {
    let mut all = KeySet::new();
    for set in sets {
        all.absorb(set)?;
    }
    Ok(all)
}

impl Note {
    fn new((name, kind, issuer): (String, OriginKind, Option<Pid>)) -> Result<Self, KeySetError> {
        let mut held = KeySet::new();
        if let Some(issuer) = issuer {
            held.add(issuer, Vec::new())?;
        }
        let status = OriginStatus {
            name,
            kind,
            last_success: None,
            last_error: None,
            failures: 0,
            issuers: issuer.into_iter().collect(),
            keys: 0,
            left_out: 0,
            metadata: None,
            set: SetStatus::default(),
            generation: 0,
        };
        Ok(Self { held, contested: None, status })
    }

    /// A set came, or the same one again.
    fn edition(&mut self, header: Option<SetHeader>, since: Timestamp) {
        let edition = |header: &SetHeader| (header.serial, header.not_valid_after);
        let status = &mut self.status;
        if status.metadata.as_ref().map(edition) != header.as_ref().map(edition) {
            status.set.since = header.is_some().then_some(since);
        }
        status.metadata = header;
    }

    fn hold(&mut self, set: KeySet, left_out: usize, generation: u64) {
        let status = &mut self.status;
        status.issuers = set.issuers().collect();
        status.issuers.sort_unstable();
        (status.keys, status.left_out, status.generation) = (set.len(), left_out, generation);
        self.held = set;
        tracing::info!(origin = status.name, keys = status.keys, generation, "keys came into force");
        if status.keys == 0 {
            tracing::warn!(origin = status.name, "an origin of keys holds none that checks tokens");
        }
    }

    /// What is wrong although the origin can be read.
    fn standing(&self, now: Timestamp) -> Result<(), OriginError> {
        if let Some(end) = self.held.not_valid_after.filter(|end| now > *end) {
            return Err(OriginError::Ended(end));
        }
        self.contested.map_or(Ok(()), |pid| Err(OriginError::Contested(pid)))
    }

    /// Raises and ends alarms. Told when one begins and when it ends.
    fn watch(&mut self, heard: Heard, now: Timestamp) {
        let OriginStatus { name, kind, metadata, set, .. } = &mut self.status;
        let before = set.alarms.clone();
        set.hear(heard, metadata.as_ref(), kind.is_remote(), now);
        let serial = metadata.as_ref().map(|header| header.serial);
        for alarm in Alarm::ALL {
            let id = alarm.as_str();
            match (before.contains(&alarm), set.alarms.contains(&alarm)) {
                (false, true) => tracing::error!(origin = name, alarm = id, serial, "{alarm}"),
                (true, false) => tracing::info!(origin = name, alarm = id, serial, "the alarm is over"),
                _ => {}
            }
        }
    }

    /// Told when it changes, not at every reading: an origin that is down for a night is two lines. What is taken up from
    /// disk is no reading.
    fn tell(&mut self, error: Option<&OriginError>, read_at: Option<Timestamp>) {
        let status = &mut self.status;
        let was = status.last_error.take();
        let (origin, keys) = (&status.name, status.keys);
        match (error, &was) {
            (Some(error), None) => {
                tracing::warn!(origin, keys, %error, "an origin of keys is not in order; what it gave last stays as it is");
            }
            (Some(error), Some(_)) => tracing::debug!(origin, %error, "an origin of keys is still not in order"),
            (None, Some(_)) => tracing::info!(origin, keys, "an origin of keys is in order again"),
            (None, None) => {}
        }
        status.last_error = match error {
            Some(OriginError::RefusedBefore) if was.is_some() => was,
            other => other.map(ToString::to_string),
        };
        let Some(now) = read_at else { return };
        match error {
            Some(_) => status.failures += 1,
            None => status.last_success = Some(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Level, Metadata, Subscriber};

    use super::*;
    use crate::https::FetchError;

    /// The levels of all events, without those that nobody reads.
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<Level>>>);

    impl Subscriber for Heard {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() <= Level::INFO
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

    fn time(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn an_origin_that_is_down_for_a_night_is_told_once_and_once_that_it_is_back() {
        let origin = ("origin".to_owned(), OriginKind::JwksUrl, Some(Pid::new(34).unwrap()));
        let mut board = Board::new(vec![origin]).unwrap();
        let heard = Heard::default();
        tracing::subscriber::with_default(heard.clone(), || {
            board.settle(0, Ok(News::Same), time(1)).unwrap();
            for second in 2..500 {
                let error = if second % 2 == 0 { FetchError::Timeout } else { FetchError::Status(503) };
                board.settle(0, Err(error.into()), time(second)).unwrap_err();
            }
            let status = &board.status()[0];
            assert_eq!(status.last_success, Some(time(1)));
            assert_eq!(status.last_error.as_deref(), Some("the answer has status 503"), "the last one");
            board.settle(0, Ok(News::Same), time(500)).unwrap();
        });
        assert_eq!(*heard.0.lock().unwrap(), [Level::WARN, Level::INFO]);
        assert_eq!(board.status()[0].last_success, Some(time(500)));
    }

    #[test]
    fn what_was_refused_before_is_told_as_it_was_then() {
        let mut board = Board::new(vec![("origin".to_owned(), OriginKind::JwksFile, None)]).unwrap();
        for error in [FetchError::TooLarge { most: 1 }.into(), OriginError::RefusedBefore] {
            board.settle(0, Err(error), time(1)).unwrap_err();
        }
        assert!(board.status()[0].last_error.as_ref().is_some_and(|error| error.contains("larger than")));
    }
}
