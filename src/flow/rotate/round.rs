//! One round: whatever is due is done, step by step; what fails waits for the next round and holds up nothing else.

use std::time::Duration;

use crate::store::{AuthtokenKey, KeyNews, KeyState};
use crate::value::{Kid, Timestamp};

use super::plan::{Outlook, Situation, Step, Terms, plan};
use super::world::{StepError, World};

/// What came of a round.
#[derive(Debug, Default)]
pub struct Round {
    /// Steps taken, in their order.
    pub done: Vec<Step>,
    /// Steps that failed.
    pub failed: Vec<Failed>,
    /// What is still due, waited for and wrong.
    pub outlook: Outlook,
}

/// A step that was not taken.
#[derive(Debug)]
pub struct Failed {
    /// Which.
    pub step: Step,
    /// Why.
    pub error: StepError,
}

/// More steps than a participant with a reasonable number of keys has; the next round goes on.
const MOST_STEPS: usize = 64;
/// How much of a wait the start of a machine may cost.
const MEASURE_EVERY: Duration = Duration::from_mins(1);

/// Looks what is due, and does nothing.
pub async fn look<W: World>(world: &W, terms: Terms) -> Result<Outlook, StepError> {
    let keys = world.keys().await?;
    Ok(plan(&situation(world, &keys, terms, world.set(&keys).as_ref())))
}

/// Takes the steps that are due, until none is left that could be taken.
pub async fn round<W: World>(world: &W, terms: Terms) -> Result<Round, StepError> {
    let mut round = Round::default();
    keep_notes(world, terms).await?;
    let mut given_up: Vec<Step> = Vec::new();
    loop {
        let keys = world.keys().await?;
        let set = world.set(&keys);
        round.outlook = plan(&situation(world, &keys, terms, set.as_ref()));
        let next = round.outlook.due.iter().find(|step| !given_up.contains(step)).cloned();
        let Some(step) = next.filter(|_| round.done.len() < MOST_STEPS) else { return Ok(round) };
        match take(world, terms, &step, &keys).await {
            Ok(()) => {
                // What is due again at once waits for the next round.
                if round.done.contains(&step) {
                    given_up.push(step.clone());
                }
                round.done.push(step);
            }
            Err(error) => {
                given_up.push(step.clone());
                if !error.is_taken() {
                    round.failed.push(Failed { step, error });
                }
            }
        }
    }
}

fn situation<'a, W: World>(
    world: &W,
    keys: &'a [AuthtokenKey],
    terms: Terms,
    set: Option<&'a super::plan::SetView>,
) -> Situation<'a> {
    Situation { keys, set, terms, now: world.now(), steady: world.steady() }
}

/// Every step is safe to be cut short: what was done at the registry and not noted is done again.
async fn take<W: World>(world: &W, terms: Terms, step: &Step, keys: &[AuthtokenKey]) -> Result<(), StepError> {
    match step {
        Step::Generate => world.generate().await.map(drop),
        Step::Publish(kid) => {
            let key = find(keys, kid)?;
            match world.publish(key).await {
                Ok(()) => world.note(kid, KeyNews::Published { before: key.life.published }).await,
                Err(error) if error.is_refused_for_good() => {
                    world.note(kid, KeyNews::Refused).await?;
                    Err(error)
                }
                Err(error) => Err(error),
            }
        }
        Step::MarkSeen(kid, serial) => world.note(kid, KeyNews::Seen { serial: *serial }).await,
        Step::Activate(kid) => world.activate(kid, last_exp(world.now(), terms)).await,
        Step::Withdraw(kid) => {
            world.withdraw(kid).await?;
            // Doing it again is no news.
            if find(keys, kid)?.life.withdrawn.is_some() { Ok(()) } else { world.note(kid, KeyNews::Withdrawn).await }
        }
        Step::Retire(kid) => world.retire(kid).await,
    }
}

fn find<'k>(keys: &'k [AuthtokenKey], kid: &Kid) -> Result<&'k AuthtokenKey, StepError> {
    keys.iter().find(|key| key.kid == *kid).ok_or_else(|| StepError::NoKey(kid.clone()))
}

fn last_exp(now: Timestamp, terms: Terms) -> Timestamp {
    now.plus_seconds(i64::try_from(terms.longest.as_secs()).unwrap_or(i64::MAX))
}

/// Keeps what a change of the settings, or a start of the machine, would otherwise take away. Written ahead and seldom.
async fn keep_notes<W: World>(world: &W, terms: Terms) -> Result<(), StepError> {
    let keys = world.keys().await?;
    let (now, steady) = (world.now(), world.steady());
    let active = keys.iter().find(|key| key.state == KeyState::Active);
    if active.is_some_and(|key| key.life.last_exp.is_none_or(|kept| kept < last_exp(now, terms))) {
        let ahead = Terms { longest: terms.longest + terms.longest / 4, ..terms };
        world.raise_last_exp(last_exp(now, ahead)).await?;
    }
    let left_behind = world.set(&keys).map(|set| set.same).unwrap_or_default();
    let waits = |key: &&AuthtokenKey| match key.state {
        KeyState::Published | KeyState::Seen | KeyState::Retiring => true,
        KeyState::Retired => left_behind.contains(&key.kid),
        KeyState::Pending | KeyState::Active => false,
    };
    let unmeasured = |key: &AuthtokenKey| {
        let waited = &key.life.waited;
        waited.at.as_ref().is_none_or(|at| at.clock != steady.clock)
            || waited.until(&steady).saturating_sub(waited.measured) > MEASURE_EVERY
    };
    if keys.iter().filter(waits).any(unmeasured) {
        world.measure().await?;
    }
    Ok(())
}
