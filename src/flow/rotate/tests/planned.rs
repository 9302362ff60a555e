//! Plans, case by case.

use super::*;
use crate::flow::rotate::{Alarm, Outlook, SetView, Situation, Step, Wait, Waiting, plan};
use crate::store::Waited;

const DAY: i64 = 86_400;
const NOW: i64 = 100 * DAY;

fn set(serial: u64, same: &[&str]) -> SetView {
    SetView { serial, same: same.iter().map(|name| kid(name)).collect(), ..SetView::default() }
}

fn outlook(keys: &[AuthtokenKey], set: &SetView) -> Outlook {
    plan(&Situation { keys, set: Some(set), terms: TERMS, now: at(NOW), steady: steady(NOW) })
}

/// In this state since so many seconds, by both clocks.
fn key(name: &str, state: KeyState, since: i64) -> AuthtokenKey {
    let mut key = AuthtokenKey { state, ..pending(name, at(NOW - 50 * DAY)) };
    let then = at(NOW - since);
    let known = !matches!(state, KeyState::Pending);
    let seen = known && state != KeyState::Published;
    key.life = KeyLife {
        published: known.then_some(then),
        seen: seen.then_some(then),
        seen_serial: seen.then_some(5),
        waited: Waited { measured: Duration::ZERO, at: Some(steady(NOW - since)) },
        ..KeyLife::default()
    };
    match state {
        KeyState::Active => key.activated = Some(then),
        KeyState::Retiring => (key.activated, key.retiring_since) = (Some(at(NOW - 60 * DAY)), Some(then)),
        KeyState::Retired => (key.activated, key.retired) = (Some(at(NOW - 60 * DAY)), Some(then)),
        _ => {}
    }
    key
}

fn wait(name: &str, what: Waiting, seconds: i64) -> Wait {
    Wait { kid: kid(name), what, rest: Some(Duration::from_secs(u64::try_from(seconds).unwrap())) }
}

#[test]
fn a_participant_without_a_key_gets_one_which_signs_a_wait_after_it_was_seen() {
    assert_eq!(outlook(&[], &set(1, &[])).due, [Step::Generate]);
    assert_eq!(outlook(&[key("a", KeyState::Pending, 0)], &set(1, &[])).due, [Step::Publish(kid("a"))]);
    let published = [key("a", KeyState::Published, 60)];
    let unseen = outlook(&published, &set(1, &[]));
    assert_eq!(unseen.waits, [Wait { kid: kid("a"), what: Waiting::Set, rest: None }]);
    assert!(unseen.due.is_empty());
    assert_eq!(outlook(&published, &set(2, &["a"])).due, [Step::MarkSeen(kid("a"), 2)]);
    let seen = outlook(&[key("a", KeyState::Seen, DAY - 10)], &set(5, &["a"]));
    assert_eq!((seen.due, seen.waits), (vec![], vec![wait("a", Waiting::Verifiers, 10)]));
    assert_eq!(outlook(&[key("a", KeyState::Seen, DAY)], &set(5, &["a"])).due, [Step::Activate(kid("a"))]);
}

#[test]
fn a_successor_is_made_a_wait_before_its_turn_and_takes_over_at_its_turn() {
    let early = outlook(&[key("a", KeyState::Active, 3 * DAY - 5)], &set(5, &["a"]));
    assert_eq!((early.due, early.waits), (vec![], vec![wait("a", Waiting::Successor, 5)]));
    assert_eq!(outlook(&[key("a", KeyState::Active, 3 * DAY)], &set(5, &["a"])).due, [Step::Generate]);
    let two = |age| [key("a", KeyState::Active, age), key("b", KeyState::Seen, 2 * DAY)];
    let ready = outlook(&two(4 * DAY - 7), &set(5, &["a", "b"]));
    assert_eq!((ready.due, ready.waits), (vec![], vec![wait("b", Waiting::Turn, 7)]));
    assert_eq!(outlook(&two(4 * DAY), &set(5, &["a", "b"])).due, [Step::Activate(kid("b"))]);
}

#[test]
fn a_key_that_ends_has_a_successor_before() {
    let mut ending = key("a", KeyState::Active, DAY / 2);
    ending.not_after = Some(at(NOW + 3 * DAY / 2));
    assert_eq!(outlook(&[ending.clone()], &set(5, &["a"])).due, [Step::Generate]);
    let mut short = key("b", KeyState::Seen, 2 * DAY);
    short.not_after = Some(at(NOW + DAY / 2));
    let due = outlook(&[ending, short], &set(5, &["a", "b"])).due;
    assert_eq!(due, [Step::Withdraw(kid("b")), Step::Generate], "one that ends before it signs is given up");
}

#[test]
fn a_calendar_that_is_set_shortens_no_wait() {
    let mut seen = key("a", KeyState::Seen, 2 * DAY);
    seen.life.waited.at = Some(steady(NOW - 60));
    let rest = wait("a", Waiting::Verifiers, DAY - 60);
    assert_eq!(outlook(&[seen], &set(5, &["a"])).waits, [rest]);
    let mut retiring = key("a", KeyState::Retiring, 9 * DAY);
    retiring.life.waited.at = Some(steady(NOW - 60));
    let keys = [retiring, key("b", KeyState::Active, 60)];
    assert!(outlook(&keys, &set(5, &["a", "b"])).due.is_empty());
}

#[test]
fn another_key_under_our_id_stops_everything() {
    let keys = [key("a", KeyState::Active, 9 * DAY), key("b", KeyState::Seen, 2 * DAY)];
    let mut forged = set(9, &["b"]);
    forged.other.insert(kid("a"));
    let stopped = outlook(&keys, &forged);
    assert_eq!((stopped.due, stopped.alarms), (vec![], vec![Alarm::OtherKey(kid("a"))]));
}

#[test]
fn a_key_that_somebody_took_away_is_published_again_unless_the_set_is_only_older() {
    let active = [key("a", KeyState::Active, DAY)];
    let lost = outlook(&active, &set(6, &[]));
    assert_eq!((lost.due, lost.alarms), (vec![Step::Publish(kid("a"))], vec![Alarm::Lost(kid("a"))]));
    let older = outlook(&active, &set(4, &[]));
    assert_eq!((older.due, older.alarms), (vec![], vec![]));
    let seen = [key("a", KeyState::Active, 9 * DAY), key("b", KeyState::Seen, 2 * DAY)];
    let lost = outlook(&seen, &set(6, &["a"])).due;
    assert_eq!(lost, [Step::Publish(kid("b"))], "what verifiers do not know does not sign");
    let older = outlook(&seen, &set(4, &["a"]));
    assert!(older.due.is_empty() && older.waits.iter().any(|wait| wait.what == Waiting::Set));
}

#[test]
fn a_retiring_key_stays_for_its_last_token_also_when_lifetimes_were_shortened_since() {
    let need = 13 * 3600;
    let keys = |since| [key("a", KeyState::Retiring, since), key("b", KeyState::Active, since)];
    let waits = outlook(&keys(need - 9), &set(5, &["a", "b"])).waits;
    assert!(waits.contains(&wait("a", Waiting::Tokens, 9)), "{waits:?}");
    assert_eq!(outlook(&keys(need), &set(5, &["a", "b"])).due, [Step::Withdraw(kid("a"))]);
    let mut long = keys(need);
    long[0].life.last_exp = Some(at(NOW + 2 * DAY));
    let waits = outlook(&long, &set(5, &["a", "b"])).waits;
    assert!(waits.contains(&wait("a", Waiting::Tokens, 2 * DAY + 3600)), "{waits:?}");
    let mut gone = keys(need);
    gone[0].life.withdrawn = Some(at(NOW));
    assert!(outlook(&gone, &set(5, &["a", "b"])).due.is_empty(), "the set still has it");
    assert_eq!(outlook(&gone, &set(6, &["b"])).due, [Step::Retire(kid("a"))]);
}

#[test]
fn nobody_waits_for_a_key_that_is_distrusted() {
    let mut keys = vec![key("a", KeyState::Active, DAY), key("b", KeyState::Pending, 0)];
    for key in &mut keys {
        key.life.distrusted = Some(at(NOW));
    }
    assert_eq!(outlook(&keys, &set(5, &["a"])).due, [Step::Retire(kid("b")), Step::Generate]);
    keys[1] = key("c", KeyState::Seen, 1);
    assert_eq!(outlook(&keys, &set(5, &["a", "c"])).due, [Step::Activate(kid("c"))]);
    let mut leaked = key("a", KeyState::Retiring, 1);
    leaked.life.distrusted = Some(at(NOW));
    let keys = [leaked, key("c", KeyState::Active, 1)];
    assert_eq!(outlook(&keys, &set(5, &["a", "c"])).due, [Step::Withdraw(kid("a"))]);
}

#[test]
fn a_registry_that_refuses_every_key_is_not_asked_for_ever() {
    let mut keys = vec![key("a", KeyState::Active, 9 * DAY)];
    for number in 0..5 {
        let mut refused = key(&format!("r{number}"), KeyState::Retired, 60);
        (refused.activated, refused.life) = (None, KeyLife { refused: Some(at(NOW - 60)), ..KeyLife::default() });
        keys.push(refused);
    }
    let stopped = outlook(&keys, &set(5, &["a"]));
    assert!(stopped.due.is_empty() && stopped.alarms.contains(&Alarm::RefusedTooOften), "{stopped:?}");
    keys.pop();
    assert_eq!(outlook(&keys, &set(5, &["a"])).due, [Step::Generate]);
    keys[0].life.refused = Some(at(NOW));
    let active = outlook(&keys, &set(5, &[]));
    assert!(active.alarms.contains(&Alarm::Refused(kid("a"))));
}

#[test]
fn a_key_that_signs_and_was_never_published_is_an_alarm_until_it_is_seen() {
    let mut keys = [key("a", KeyState::Active, 60)];
    keys[0].life = KeyLife::default();
    let unknown = outlook(&keys, &set(5, &[]));
    assert_eq!((unknown.due, unknown.alarms), (vec![Step::Publish(kid("a"))], vec![Alarm::Unknown(kid("a"))]));
    assert_eq!(outlook(&keys, &set(5, &["a"])).due, [Step::MarkSeen(kid("a"), 5)], "by hand, it was");
}

#[test]
fn a_key_that_was_retired_by_hand_is_not_left_at_the_registry() {
    let keys = |since| [key("a", KeyState::Retired, since), key("b", KeyState::Active, since)];
    assert!(outlook(&keys(3600), &set(5, &["a", "b"])).due.is_empty(), "its tokens are in use");
    assert_eq!(outlook(&keys(DAY), &set(5, &["a", "b"])).due, [Step::Withdraw(kid("a"))]);
    assert!(outlook(&keys(DAY), &set(6, &["b"])).due.is_empty());
}

#[test]
fn a_key_that_is_too_old_is_told_of_when_its_successor_had_time_enough() {
    let keys = |created| {
        let mut keys = [key("a", KeyState::Active, 9 * DAY), key("b", KeyState::Published, 60)];
        keys[1].created = at(NOW - created);
        keys
    };
    assert_eq!(outlook(&keys(DAY), &set(5, &["a"])).alarms, []);
    assert_eq!(outlook(&keys(3 * DAY), &set(5, &["a"])).alarms, [Alarm::Overdue(kid("a"))]);
}

#[test]
fn nobody_knows_the_age_of_a_key_of_the_day_after_tomorrow() {
    let mut keys = [key("a", KeyState::Active, 0)];
    keys[0].activated = Some(at(NOW + DAY));
    assert!(outlook(&keys, &set(5, &["a"])).due.is_empty());
    keys[0].activated = Some(at(NOW + 2 * DAY));
    assert_eq!(outlook(&keys, &set(5, &["a"])).due, [Step::Generate]);
}

#[test]
fn a_key_that_was_withdrawn_and_stays_is_withdrawn_again_and_told_of() {
    for state in [KeyState::Retiring, KeyState::Retired] {
        let keys = |since| {
            let mut leaked = key("a", state, since);
            (leaked.life.withdrawn, leaked.life.distrusted) = (Some(at(NOW - since)), Some(at(NOW - since)));
            [leaked, key("b", KeyState::Active, 60)]
        };
        assert!(outlook(&keys(DAY), &set(5, &["a", "b"])).due.is_empty(), "the set may be older");
        let stays = outlook(&keys(DAY + 1), &set(6, &["a", "b"]));
        assert_eq!((stays.due, stays.alarms), (vec![Step::Withdraw(kid("a"))], vec![Alarm::Stays(kid("a"))]));
    }
}
