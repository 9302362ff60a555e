//! What is due in the life of a participant's keys: a pure function of what is known of them, of the metadata set, and of
//! two clocks. Doing it is `round`'s task.
//!
//! A key is generated, published, seen in a verified set, and after one more wait it signs; then it retires, and when its
//! last token is over it is withdrawn. Waits that others rely on are measured by the steady clock alone: the calendar's only
//! decides when a key is old enough for a successor.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::store::{AuthtokenKey, KeyState};
use crate::value::{Kid, SteadyTime, Timestamp};

/// The times of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How long a key signs.
    pub every: Duration,
    /// After so long every verifier that may be served has fetched a set.
    pub wait: Duration,
    /// How long verifiers take a token after its end.
    pub leeway: Duration,
    /// The longest that a token lives.
    pub longest: Duration,
}

/// What the verified set says of our keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetView {
    /// Its serial.
    pub serial: u64,
    /// Those that are in it.
    pub same: BTreeSet<Kid>,
    /// Those whose id another key has in it.
    pub other: BTreeSet<Kid>,
}

/// What is known.
#[derive(Debug, Clone)]
pub struct Situation<'a> {
    /// All keys of the participant.
    pub keys: &'a [AuthtokenKey],
    /// The set in force, if there is one.
    pub set: Option<&'a SetView>,
    /// The times.
    pub terms: Terms,
    /// The time of the calendar.
    pub now: Timestamp,
    /// The time that nobody sets.
    pub steady: SteadyTime,
}

/// Something to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a successor.
    Generate,
    /// Have the registry know the key.
    Publish(Kid),
    /// Note that the key was in the verified set of this serial.
    MarkSeen(Kid, u64),
    /// Make it the key that signs.
    Activate(Kid),
    /// Have the registry forget the key.
    Withdraw(Kid),
    /// Be done with the key.
    Retire(Kid),
}

/// What a key waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Which key.
    pub kid: Kid,
    /// What for.
    pub what: Waiting,
    /// For how much longer, if that is a matter of time.
    pub rest: Option<Duration>,
}

/// What a key may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Until it is in a verified metadata set.
    Set,
    /// Until every verifier may know it.
    Verifiers,
    /// Until the key that signs is old enough.
    Turn,
    /// Until its successor is to be made.
    Successor,
    /// Until its last token is over.
    Tokens,
    /// Until it is in the metadata set no more.
    Gone,
}

/// What somebody should look into.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// The registry has another key under our id: everything stops until somebody has looked.
    OtherKey(Kid),
    /// A key whose tokens are in use is in the set no more.
    Lost(Kid),
    /// A key that was taken out of the registry is in the set all the same, or again.
    Stays(Kid),
    /// The key signs and was never in a set.
    Unknown(Kid),
    /// The registry will never have the key that signs.
    Refused(Kid),
    /// The key that signs is past its turn, and no other one is ready.
    Overdue(Kid),
    /// The registry refused one new key after the other.
    RefusedTooOften,
}

/// What is due, what is waited for, and what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// To be done now, in this order.
    pub due: Vec<Step>,
    /// What the others wait for.
    pub waits: Vec<Wait>,
    /// What is wrong.
    pub alarms: Vec<Alarm>,
}

/// The longest lifetime that can be configured: no token in use is older, whatever a clock that was set says.
const LONGEST_EVER: Duration = Duration::from_hours(7 * 24);
/// So many new keys are refused before no more is made that day.
const MOST_REFUSED: usize = 5;
/// In seconds. If the calendar went back by more since a key became active, nobody knows its age.
const DAY: i64 = 86_400;

/// What is due.
pub fn plan(situation: &Situation<'_>) -> Outlook {
    let mut outlook = Outlook::default();
    if let Some(set) = situation.set {
        let in_use = situation.keys.iter().filter(|key| key.state != KeyState::Retired && set.other.contains(&key.kid));
        outlook.alarms.extend(in_use.map(|key| Alarm::OtherKey(key.kid.clone())));
    }
    if !outlook.alarms.is_empty() {
        return outlook;
    }
    for key in situation.keys {
        match key.state {
            KeyState::Pending | KeyState::Published | KeyState::Seen => situation.coming(key, &mut outlook),
            KeyState::Active => situation.active(key, &mut outlook),
            KeyState::Retiring => situation.retiring(key, &mut outlook),
            KeyState::Retired => situation.retired(key, &mut outlook),
        }
    }
    situation.successor(&mut outlook);
    outlook.due.sort_by_key(Step::rank);
    outlook
}

impl Situation<'_> {
    fn is_in_set(&self, key: &AuthtokenKey) -> bool {
        self.set.is_some_and(|set| set.same.contains(&key.kid))
    }

    /// Whether the set is at least as new as the one in which the key was seen, and does not have it.
    fn is_lost(&self, key: &AuthtokenKey) -> bool {
        let newer = |set: &SetView| key.life.seen_serial.is_some_and(|seen| set.serial >= seen);
        self.set.is_some_and(|set| newer(set) && !set.same.contains(&key.kid))
    }

    fn waited(&self, key: &AuthtokenKey) -> Duration {
        key.life.waited.until(&self.steady)
    }

    fn coming(&self, key: &AuthtokenKey, outlook: &mut Outlook) {
        if !self.may_sign(key) {
            return self.give_up(key, outlook);
        }
        match key.state {
            KeyState::Pending => outlook.due.push(Step::Publish(key.kid.clone())),
            KeyState::Published => self.until_seen(key, outlook),
            _ if self.is_lost(key) => {
                outlook.alarms.push(Alarm::Lost(key.kid.clone()));
                outlook.due.push(Step::Publish(key.kid.clone()));
            }
            _ if !self.is_in_set(key) => outlook.wait(key, Waiting::Set, None),
            _ => self.until_its_turn(key, outlook),
        }
    }

    /// Whether it is still on its way to sign, and will not end before.
    fn may_sign(&self, key: &AuthtokenKey) -> bool {
        let first = self.now.plus_seconds(seconds(self.terms.wait));
        key.is_successor() && key.not_after.is_none_or(|not_after| not_after > first)
    }

    fn give_up(&self, key: &AuthtokenKey, outlook: &mut Outlook) {
        let there = key.life.published.is_some() || self.is_in_set(key);
        let kid = key.kid.clone();
        let leave = if there && key.life.withdrawn.is_none() { Step::Withdraw(kid) } else { Step::Retire(kid) };
        outlook.due.push(leave);
    }

    /// The registry took it; if it does not turn up for as long as a set may take, the registry is asked again.
    fn until_seen(&self, key: &AuthtokenKey, outlook: &mut Outlook) {
        match self.set {
            Some(set) if set.same.contains(&key.kid) => {
                outlook.due.push(Step::MarkSeen(key.kid.clone(), set.serial));
            }
            Some(_) if self.waited(key) > self.terms.wait.max(Duration::from_mins(1)) => {
                outlook.due.push(Step::Publish(key.kid.clone()));
            }
            _ => outlook.wait(key, Waiting::Set, None),
        }
    }

    fn until_its_turn(&self, key: &AuthtokenKey, outlook: &mut Outlook) {
        let active = self.signing();
        let needed = match active {
            Some(active) if active.life.distrusted.is_some() => Duration::ZERO,
            _ => self.terms.wait,
        };
        let rest = needed.saturating_sub(self.waited(key));
        let turn = active.and_then(|active| self.turn_of_next(active));
        match turn.map(|turn| turn.seconds_since(self.now)) {
            _ if !rest.is_zero() => outlook.wait(key, Waiting::Verifiers, Some(rest)),
            Some(ahead) if ahead > 0 => outlook.wait(key, Waiting::Turn, Some(span(ahead))),
            _ if outlook.due.iter().any(|step| matches!(step, Step::Activate(_))) => {
                outlook.wait(key, Waiting::Turn, None);
            }
            _ => outlook.due.push(Step::Activate(key.kid.clone())),
        }
    }

    fn signing(&self) -> Option<&AuthtokenKey> {
        self.keys.iter().find(|key| key.state == KeyState::Active)
    }

    /// When the successor of the key that signs takes over; `None` is as soon as it can.
    fn turn_of_next(&self, active: &AuthtokenKey) -> Option<Timestamp> {
        let since = active.activated.unwrap_or(active.created);
        let unusable = active.life.distrusted.is_some() || active.life.refused.is_some();
        if unusable || since.seconds_since(self.now) > DAY {
            return None;
        }
        let old = since.plus_seconds(seconds(self.terms.every));
        let ends = active.not_after.map(|end| end.plus_seconds(-seconds(self.terms.wait)));
        Some(ends.map_or(old, |ends| ends.min(old)))
    }

    fn active(&self, key: &AuthtokenKey, outlook: &mut Outlook) {
        let life = &key.life;
        if life.refused.is_some() {
            outlook.alarms.push(Alarm::Refused(key.kid.clone()));
        } else if life.distrusted.is_some() {
            outlook.wait(key, Waiting::Successor, None);
        } else if life.published.is_none() && !self.is_in_set(key) {
            outlook.alarms.push(Alarm::Unknown(key.kid.clone()));
            outlook.due.push(Step::Publish(key.kid.clone()));
        } else if life.seen.is_none() {
            if !self.is_in_set(key) {
                outlook.alarms.push(Alarm::Unknown(key.kid.clone()));
            }
            self.until_seen(key, outlook);
        } else if self.is_lost(key) {
            outlook.alarms.push(Alarm::Lost(key.kid.clone()));
            outlook.due.push(Step::Publish(key.kid.clone()));
        }
    }

    fn retiring(&self, key: &AuthtokenKey, outlook: &mut Outlook) {
        let life = &key.life;
        let rest = self.tokens_need(key).saturating_sub(self.waited(key));
        if life.withdrawn.is_some() {
            match self.set {
                Some(set) if !set.same.contains(&key.kid) => outlook.due.push(Step::Retire(key.kid.clone())),
                _ if self.stays(key, outlook) => {}
                _ => outlook.wait(key, Waiting::Gone, None),
            }
        } else if life.distrusted.is_some() || rest.is_zero() {
            let there = life.published.is_some() || self.is_in_set(key);
            let step = if there { Step::Withdraw(key.kid.clone()) } else { Step::Retire(key.kid.clone()) };
            outlook.due.push(step);
        } else {
            if self.is_lost(key) {
                outlook.alarms.push(Alarm::Lost(key.kid.clone()));
            }
            outlook.wait(key, Waiting::Tokens, Some(rest));
        }
    }

    /// One that was withdrawn and is still there when every set should be without it is withdrawn again.
    fn stays(&self, key: &AuthtokenKey, outlook: &mut Outlook) -> bool {
        let stays = key.life.withdrawn.is_some()
            && self.is_in_set(key)
            && self.waited(key) > self.terms.wait.max(Duration::from_mins(1));
        if stays {
            outlook.alarms.push(Alarm::Stays(key.kid.clone()));
            outlook.due.push(Step::Withdraw(key.kid.clone()));
        }
        stays
    }

    /// One that was retired by hand is not left behind at the registry, and none comes back.
    fn retired(&self, key: &AuthtokenKey, outlook: &mut Outlook) {
        if self.stays(key, outlook) {
            return;
        }
        let over =
            key.life.distrusted.is_some() || key.activated.is_none() || self.waited(key) >= self.tokens_need(key);
        if key.life.withdrawn.is_none() && over && self.is_in_set(key) {
            outlook.due.push(Step::Withdraw(key.kid.clone()));
        }
    }

    /// How long after its last signature a key must be known.
    fn tokens_need(&self, key: &AuthtokenKey) -> Duration {
        let noted = key.retiring_since.zip(key.life.last_exp);
        let noted = noted.map_or(Duration::ZERO, |(since, last)| span(last.seconds_since(since)));
        noted.min(LONGEST_EVER).max(self.terms.longest) + self.terms.leeway
    }

    /// Whether a new key is to be made, early enough to be ready at its turn.
    fn successor(&self, outlook: &mut Outlook) {
        let active = self.signing();
        let turn = active.and_then(|active| self.turn_of_next(active));
        let ahead = turn.map_or(0, |turn| turn.seconds_since(self.now));
        let waits = seconds(self.terms.wait);
        let coming = self.keys.iter().find(|key| key.state.is_coming() && self.may_sign(key));
        if let Some(coming) = coming {
            // Twice the wait is what a life that meets no obstacle needs at most to get ready.
            let late = self.now.seconds_since(coming.created) > 2 * waits + 60 && ahead < -waits.max(60);
            if let (Some(active), true, Some(_)) = (active, late, turn)
                && !outlook.due.iter().any(|step| matches!(step, Step::Activate(_)))
            {
                outlook.alarms.push(Alarm::Overdue(active.kid.clone()));
            }
            return;
        }
        match active {
            Some(active) if ahead > waits => {
                outlook.wait(active, Waiting::Successor, Some(span(ahead - waits)));
            }
            _ if self.refused_lately() >= MOST_REFUSED => outlook.alarms.push(Alarm::RefusedTooOften),
            _ => outlook.due.push(Step::Generate),
        }
    }

    /// How many keys the registry refused within a day of now.
    fn refused_lately(&self) -> usize {
        let refused = self.keys.iter().filter_map(|key| key.life.refused);
        refused.filter(|at| at.seconds_since(self.now).saturating_abs() < DAY).count()
    }
}

impl Step {
    /// What needs nobody else comes first.
    const fn rank(&self) -> u8 {
        match self {
            Self::Activate(_) => 0,
            Self::MarkSeen(..) => 1,
            Self::Retire(_) => 2,
            // Before anything new: who is always cut short leaves nothing behind.
            Self::Withdraw(_) => 3,
            Self::Generate => 4,
            Self::Publish(_) => 5,
        }
    }

    /// Which key, if it exists already.
    pub const fn kid(&self) -> Option<&Kid> {
        match self {
            Self::Generate => None,
            Self::Publish(kid)
            | Self::MarkSeen(kid, _)
            | Self::Activate(kid)
            | Self::Withdraw(kid)
            | Self::Retire(kid) => Some(kid),
        }
    }

    /// As metrics and log lines have it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Publish(_) => "publish",
            Self::MarkSeen(..) => "mark-seen",
            Self::Activate(_) => "activate",
            Self::Withdraw(_) => "withdraw",
            Self::Retire(_) => "retire",
        }
    }
}

impl Outlook {
    fn wait(&mut self, key: &AuthtokenKey, what: Waiting, rest: Option<Duration>) {
        self.waits.push(Wait { kid: key.kid.clone(), what, rest });
    }
}

/// In words, without the key.
impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Set => "until it is in a verified metadata set",
            Self::Verifiers => "until every verifier may know it",
            Self::Turn => "until the key that signs is old enough",
            Self::Successor => "until its successor is made",
            Self::Tokens => "until its last token is over",
            Self::Gone => "until it is in the metadata set no more",
        })
    }
}

/// In words.
impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherKey(kid) => {
                write!(f, "the metadata set has ANOTHER key under the id {kid}: no key moves until that is mended")
            }
            Self::Lost(kid) => write!(f, "somebody took the key {kid} out of the registry while its tokens are in use"),
            Self::Stays(kid) => {
                write!(f, "the key {kid} was taken out of the registry and is in the metadata set all the same")
            }
            Self::Unknown(kid) => write!(f, "the key {kid} signs and no verifier can know it"),
            Self::Refused(kid) => write!(f, "the registry will never take the key {kid}, which signs"),
            Self::Overdue(kid) => write!(f, "the key {kid} signs longer than it should: no other one is ready"),
            Self::RefusedTooOften => {
                f.write_str("the registry refused one new key after the other: no more is made today")
            }
        }
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn span(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
