//! `bob-auth key rotate`: the steps that are due in the life of the keys, once, or in a hurry.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::error::CliError;
use super::key_status::{publishes, terms};
use super::output::{Answer, say_to_stderr};
use super::session::{Session, randomness};
use crate::app::{self, UptimeClock};
use crate::flow::publish::Publisher;
use crate::flow::rotate::{Outlook, Room, Round, Terms, Waiting, distrust, look, round};
use crate::key_source::KeySource;
use crate::registry_client::World;
use crate::store::KeyState;
use crate::value::{SteadyClock as _, SystemClock, Timestamp};

#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// Only say what is due
    #[arg(long)]
    dry_run: bool,
    /// Others may know the private keys: replace all of them now
    #[arg(long, requires = "yes", conflicts_with = "dry_run")]
    emergency: bool,
    /// Yes, tokens will be refused until every verifier has fetched the new key
    #[arg(long, requires = "emergency")]
    yes: bool,
}

/// How long an emergency waits for the registry to make its next set.
const HURRY: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

#[derive(Debug, Serialize)]
struct View {
    done: Vec<StepView>,
    failed: Vec<StepView>,
    due: Vec<StepView>,
    waits: Vec<WaitView>,
    alarms: Vec<String>,
}

#[derive(Debug, Serialize)]
struct StepView {
    step: &'static str,
    kid: Option<String>,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct WaitView {
    kid: String,
    waits: String,
    until: Option<String>,
}

/// What the steps are taken with.
struct Tools {
    steady: UptimeClock,
    publisher: Publisher,
    source: Arc<KeySource>,
    terms: Terms,
}

impl Rotate {
    pub(super) async fn run(self, session: &Session) -> Result<Answer, CliError> {
        if self.emergency {
            say_to_stderr(&"every key is replaced; this takes up to a minute");
        }
        let tools = Tools::take(session, self.dry_run).await?;
        Ok(tools.note_of_registry(self.steps(session, &tools).await?))
    }

    async fn steps(self, session: &Session, tools: &Tools) -> Result<Answer, CliError> {
        let room = tools.room(session);
        let lease = session.store.lease(app::ROTATION_LEASE, &tools.steady.read()).await?;
        if self.emergency {
            let distrusted = distrust(&room).await?;
            let round = tools.hurry(&room).await?;
            let note = format!(
                "{} keys are distrusted: tokens that they signed, and tokens of the new key where it is not known yet, are \
                 refused until each verifier has fetched the set; who refreshes seldom accepts the old keys until then",
                distrusted.len()
            );
            return Ok(answer(round, session.now())?.note(note));
        }
        if self.dry_run || lease.is_some() {
            let outlook = look(&room, tools.terms).await?;
            let answer = answer(Round { outlook, ..Round::default() }, session.now())?;
            return Ok(match lease.filter(|_| !self.dry_run) {
                Some(lease) => {
                    answer.note(format!("a running service ({}) takes the steps that are due", lease.holder))
                }
                None => answer,
            });
        }
        answer(tools.rounds(&room).await?, session.now())
    }
}

impl Tools {
    /// Says what is wrong with the set that everything depends on.
    fn note_of_registry(&self, answer: Answer) -> Answer {
        let Some(origin) = self.source.status().into_iter().next() else { return answer };
        match (origin.last_error, origin.metadata) {
            (None, _) => answer,
            (Some(error), Some(_)) => answer.note(format!("the last good metadata set is used: {error}")),
            (Some(error), None) => answer.note(format!("there is no metadata set: {error}")).failed_if(true),
        }
    }

    async fn take(session: &Session, to_look: bool) -> Result<Self, CliError> {
        let (config, pid) = (&session.config, session.pid);
        let Some(settings) = config.registry.as_ref().filter(|_| publishes(config, pid)) else {
            let error = CliError::new(format!("nobody publishes for participant {pid} from here"));
            return Err(error.next(format!("write [registry] and [registry.participant.{pid}] into the configuration")));
        };
        let world = World { clock: Arc::new(SystemClock), rng: Arc::new(randomness()) };
        let publisher = app::publisher(settings, pid, config.keys.passphrase.as_ref(), world)?;
        let (clock, seed) = (Arc::new(SystemClock), u64::from(std::process::id()));
        let source = if to_look {
            app::registry_source_to_look(settings, clock, seed).await
        } else {
            app::registry_source(settings, clock, seed).await
        };
        let source = source.map_err(CliError::new)?;
        tokio::spawn(Arc::clone(&source).run());
        let steady = UptimeClock::new(app::name_of_this_process());
        Ok(Self { steady, publisher, source, terms: terms(config, pid) })
    }

    fn room<'a>(&'a self, session: &'a Session) -> Room<'a> {
        Room {
            pid: session.pid,
            keys: session.key_room(),
            publisher: &self.publisher,
            source: &self.source,
            algorithm: session.config.rotation.algorithm,
            clock: &SystemClock,
            steady: &self.steady,
            actor: &session.change.actor,
        }
    }

    /// A round, and another one if the set has then what the first one waited for.
    async fn rounds(&self, room: &Room<'_>) -> Result<Round, CliError> {
        let first = round(room, self.terms).await?;
        let mut came = false;
        for wait in first.outlook.waits.iter().filter(|wait| wait.what == Waiting::Set) {
            came |= self.source.refresh_for(room.pid, &wait.kid).await;
        }
        if !came {
            return Ok(first);
        }
        Ok(joined(first, round(room, self.terms).await?))
    }

    /// Rounds until a key signs that is trusted, and no other one is at the registry.
    async fn hurry(&self, room: &Room<'_>) -> Result<Round, CliError> {
        let began = Instant::now();
        let mut all = self.rounds(room).await?;
        loop {
            let keys = room.keys.store.keys(Some(room.pid)).await?;
            let trusted = |key: &&crate::store::AuthtokenKey| key.life.distrusted.is_none();
            let signs = keys.iter().filter(trusted).any(|key| key.state == KeyState::Active);
            let mut leaked = keys.iter().filter(|key| !trusted(key));
            let gone = leaked.all(|key| key.state == KeyState::Retired || key.life.withdrawn.is_some());
            if signs && gone || began.elapsed() > HURRY {
                return Ok(all);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            all = joined(all, self.rounds(room).await?);
        }
    }
}

/// Both as one; what counts of failures and waits is the last word.
fn joined(mut first: Round, second: Round) -> Round {
    first.done.extend(second.done);
    Round { done: first.done, ..second }
}

fn answer(round: Round, now: Timestamp) -> Result<Answer, CliError> {
    let Round { done, failed, outlook } = round;
    let Outlook { due, waits, alarms } = outlook;
    let plain = |step: &crate::flow::rotate::Step, error| StepView {
        step: step.as_str(),
        kid: step.kid().map(ToString::to_string),
        error,
    };
    let view = View {
        done: done.iter().map(|step| plain(step, None)).collect(),
        failed: failed.iter().map(|failed| plain(&failed.step, Some(failed.error.to_string()))).collect(),
        due: due
            .iter()
            .filter(|step| failed.iter().all(|failed| failed.step != **step))
            .map(|s| plain(s, None))
            .collect(),
        waits: waits
            .iter()
            .map(|wait| WaitView {
                kid: wait.kid.to_string(),
                waits: wait.what.to_string(),
                until: wait.rest.map(|rest| now.plus_seconds(rest.as_secs().cast_signed()).to_string()),
            })
            .collect(),
        alarms: alarms.iter().map(ToString::to_string).collect(),
    };
    let bad = !view.failed.is_empty() || !view.alarms.is_empty();
    Ok(Answer::new(text(&view), &view)?.failed_if(bad))
}

fn text(view: &View) -> String {
    let step = |word: &str, step: &StepView| {
        let kid = step.kid.as_deref().map(|kid| format!(" {kid}")).unwrap_or_default();
        let error = step.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        format!("{word}: {}{kid}{error}\n", step.step)
    };
    let mut lines: Vec<String> = view.done.iter().map(|done| step("done", done)).collect();
    lines.extend(view.failed.iter().map(|failed| step("failed", failed)));
    lines.extend(view.due.iter().map(|due| step("due", due)));
    lines.extend(view.waits.iter().map(|wait| {
        let until = wait.until.as_deref().map(|until| format!(", {until}")).unwrap_or_default();
        format!("waits: {} {}{until}\n", wait.kid, wait.waits)
    }));
    lines.extend(view.alarms.iter().map(|alarm| format!("ALARM: {alarm}\n")));
    if lines.is_empty() { "nothing is due\n".to_owned() } else { lines.concat() }
}
