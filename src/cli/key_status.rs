//! `bob-auth key status`: where every key stands and what it waits for, as the store has it. Nobody is asked.

use std::time::Duration;

use serde::Serialize;

use super::error::CliError;
use super::output::{Answer, Table, list, or_dash};
use super::session::Session;
use crate::app::{self, UptimeClock};
use crate::config::Config;
use crate::flow::rotate::{Outlook, SetView, Situation, plan};
use crate::store::{AuthtokenKey, KeyState};
use crate::value::{Pid, SteadyClock as _, Timestamp};

/// A key, and what it waits for.
#[derive(Debug, Serialize)]
pub(super) struct Standing {
    kid: String,
    state: &'static str,
    since: Option<String>,
    published: Option<String>,
    seen: Option<String>,
    seen_serial: Option<u64>,
    distrusted: Option<String>,
    withdrawn: Option<String>,
    waits: Option<String>,
    until: Option<String>,
}

/// The table of all keys that are not retired, and of those too if `all`.
pub(super) async fn status(session: &Session, all: bool) -> Result<Answer, CliError> {
    let keys = session.store.keys(Some(session.pid)).await?;
    let outlook = as_stored(session, &keys);
    let shown = keys.iter().filter(|key| all || key.state != KeyState::Retired);
    let standings: Vec<Standing> = shown.map(|key| standing(key, outlook.as_ref(), session.now())).collect();
    let mut table = Table::new(&["KID", "STATE", "SINCE", "WAITS", "UNTIL"]);
    for key in &standings {
        let since = or_dash(key.since.as_ref());
        table.row(&[&key.kid, &key.state, &since, &or_dash(key.waits.as_ref()), &or_dash(key.until.as_ref())]);
    }
    let answer = list(&table, standings, None, "")?;
    Ok(match outlook {
        Some(outlook) => {
            let steps = outlook.due.iter().map(|step| match step.kid() {
                Some(kid) => format!("due: {} {kid}", step.as_str()),
                None => format!("due: {}", step.as_str()),
            });
            answer.notes(steps.collect())
        }
        None => answer.note("there is no [registry.participant] for this participant: its keys are moved by hand"),
    })
}

/// Whether somebody publishes for this participant from here.
pub(super) fn publishes(config: &Config, pid: Pid) -> bool {
    config.registry.as_ref().is_some_and(|registry| registry.participants.contains_key(&pid))
}

/// The times of the participant's keys.
pub(super) fn terms(config: &Config, pid: Pid) -> crate::flow::rotate::Terms {
    let longest = Duration::from_secs(config.token_policy(pid).max_lifetime.as_seconds().into());
    app::terms(&config.rotation, longest)
}

/// What is due if the set is as it was when the store heard of it last.
fn as_stored(session: &Session, keys: &[AuthtokenKey]) -> Option<Outlook> {
    if !publishes(&session.config, session.pid) {
        return None;
    }
    let seen = keys.iter().filter(|key| key.life.seen.is_some() && key.life.withdrawn.is_none());
    let set = SetView {
        serial: keys.iter().filter_map(|key| key.life.seen_serial).max().unwrap_or(0),
        same: seen.map(|key| key.kid.clone()).collect(),
        ..SetView::default()
    };
    let steady = UptimeClock::new(app::name_of_this_process()).read();
    let terms = terms(&session.config, session.pid);
    Some(plan(&Situation { keys, set: Some(&set), terms, now: session.now(), steady }))
}

fn standing(key: &AuthtokenKey, outlook: Option<&Outlook>, now: Timestamp) -> Standing {
    let life = &key.life;
    let since = match key.state {
        KeyState::Pending => Some(key.created),
        KeyState::Published => life.published,
        KeyState::Seen => life.seen,
        KeyState::Active => key.activated,
        KeyState::Retiring => key.retiring_since,
        KeyState::Retired => key.retired,
    };
    let wait = outlook.and_then(|outlook| outlook.waits.iter().find(|wait| wait.kid == key.kid));
    let by_hand = outlook.is_none().then(|| by_hand(key)).flatten();
    let until = wait.and_then(|wait| wait.rest).map(|rest| now.plus_seconds(rest.as_secs().cast_signed()));
    Standing {
        kid: key.kid.to_string(),
        state: key.state.as_str(),
        since: text(since),
        published: text(life.published),
        seen: text(life.seen),
        seen_serial: life.seen_serial,
        distrusted: text(life.distrusted),
        withdrawn: text(life.withdrawn),
        waits: wait.map(|wait| wait.what.to_string()).or_else(|| by_hand.map(|(what, _)| what.to_owned())),
        until: text(until.or_else(|| by_hand.and_then(|(_, until)| until))),
    }
}

/// What a key waits for where nobody but people move it.
fn by_hand(key: &AuthtokenKey) -> Option<(&'static str, Option<Timestamp>)> {
    match key.state {
        KeyState::Pending | KeyState::Published | KeyState::Seen => Some(("for `bob-auth key activate`", None)),
        KeyState::Retiring => Some(("for its last token, then for `bob-auth key retire`", key.life.last_exp)),
        KeyState::Active | KeyState::Retired => None,
    }
}

fn text(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}
