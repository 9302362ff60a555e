//! `bob-auth key`: the keys that sign tokens.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value, json};

use super::error::CliError;
use super::key_rotate::Rotate;
use super::key_status;
use super::output::{Answer, Table, facts, list, or_dash};
use super::session::{Global, Session};
use super::words;
use crate::app::{self, UptimeClock};
use crate::crypto::algorithm::Algorithm;
use crate::flow::new_key::{self, NewKey};
use crate::store::{self, AuthtokenKey, KeyState};
use crate::value::{Kid, SteadyClock as _};

#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Make a key; it is published at once and signs when it is activated
    #[command(after_help = "Example:\n  bob-auth key generate --expires 730d")]
    Generate(Generate),
    /// List all keys, the oldest first
    #[command(after_help = "Example:\n  bob-auth key list")]
    List,
    /// Show one key
    #[command(after_help = "Example:\n  bob-auth key show 34:20261122_1")]
    Show(Which),
    /// Make a pending key the one that signs; the one that signed is retiring from then on
    #[command(after_help = "Example:\n  bob-auth key activate 34:20261122_2\n\n\
        Wait until every verifier has fetched the new public key before you do this.\n\
        Where keys are published from here, one that partners cannot know yet is refused.")]
    Activate(Activate),
    /// Withdraw a key that signs no more: verifiers stop knowing it
    #[command(after_help = "Example:\n  bob-auth key retire 34:20261122_1\n\n\
        Wait until the last token of this key has expired before you do this.")]
    Retire(Which),
    /// Show where every key stands and what it waits for
    #[command(after_help = "Example:\n  bob-auth key status")]
    Status(Status),
    /// Take the steps that are due: make, publish, activate and withdraw keys, each in its time
    #[command(after_help = "Examples:\n  bob-auth key rotate --dry-run\n  bob-auth key rotate --emergency --yes\n\n\
        A running service with rotation.automatic does this by itself; without one, call it now and then.\n\
        --emergency distrusts every key there is, publishes a new one, signs with it as soon as it is in\n\
        the metadata set, and withdraws the others at once: their tokens are refused from then on.")]
    Rotate(Rotate),
    /// Print public keys: one as a JWK, or all that verifiers may know as a JWKS
    #[command(after_help = "Examples:\n  bob-auth key export 34:20261122_1\n  bob-auth key export --jwks > jwks.json")]
    Export(Export),
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The key
    #[arg(value_name = "KID")]
    kid: Kid,
}

#[derive(Debug, Args)]
pub(super) struct Activate {
    /// The key
    #[arg(value_name = "KID")]
    kid: Kid,
    /// Also one that verifiers cannot know yet: they refuse its tokens
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    /// Those that are retired as well
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
pub(super) struct Generate {
    /// How it signs
    #[arg(long, value_name = "ES256|RS256", default_value = "ES256")]
    alg: Algorithm,
    /// The size of an RSA key [default: 3072]
    #[arg(long, value_name = "BITS", value_parser = ["2048", "3072", "4096"])]
    bits: Option<String>,
    /// Its id [default: <pid>:<yyyymmdd>_<n>, the first that is free]
    #[arg(long, value_name = "KID")]
    kid: Option<Kid>,
    /// For how long it may sign, for example 730d [default: for ever]
    #[arg(long, value_name = "DURATION", value_parser = words::span)]
    expires: Option<Duration>,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The key; without one, --jwks is meant
    #[arg(value_name = "KID", conflicts_with = "jwks")]
    kid: Option<Kid>,
    /// All keys that verifiers may know, as a JWKS
    #[arg(long)]
    jwks: bool,
}

#[derive(Debug, Serialize)]
struct View {
    pid: i64,
    kid: String,
    alg: String,
    state: &'static str,
    file: String,
    created: String,
    activated: Option<String>,
    retiring_since: Option<String>,
    retired: Option<String>,
    not_after: Option<String>,
    public_jwk: Value,
}

impl Key {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let session = Session::open(global).await?;
        let Session { store, change, pid, .. } = &session;
        match self {
            Self::Generate(generate) => generate.run(&session).await,
            Self::List => show_all(&store.keys(Some(*pid)).await?),
            Self::Show(Which { kid }) => show("", &store.key(*pid, &kid).await?),
            Self::Activate(activate) => activate.run(&session).await,
            Self::Status(Status { all }) => key_status::status(&session, all).await,
            Self::Rotate(rotate) => Box::pin(rotate.run(&session)).await,
            Self::Retire(Which { kid }) => {
                let key = store.retire_key(*pid, &kid, change).await?;
                let file = session.config.keys.directory.join(&key.file);
                let note = format!("its private half is still in {}: nobody needs it any more", file.display());
                Ok(show("retired", &key)?.note(note))
            }
            Self::Export(Export { kid: Some(kid), .. }) => {
                let jwk = public_jwk(&store.key(*pid, &kid).await?)?;
                Answer::new(serde_json::to_string_pretty(&jwk)?, &jwk)
            }
            Self::Export(Export { kid: None, .. }) => jwks(&store.keys(Some(*pid)).await?),
        }
    }
}

impl Activate {
    async fn run(self, session: &Session) -> Result<Answer, CliError> {
        let Self { kid, force } = self;
        let key = session.store.key(session.pid, &kid).await?;
        if !force && key.state.is_coming() && key_status::publishes(&session.config, session.pid) {
            check_known(session, &key)?;
        }
        let activation = store::Activation::by_hand(session.last_exp());
        let key = new_key::activate(session.key_room(), session.pid, &kid, &activation, &session.change).await?;
        show("activated", &key)
    }
}

/// A key that no verifier can know must not sign.
fn check_known(session: &Session, key: &AuthtokenKey) -> Result<(), CliError> {
    let steady = UptimeClock::new(app::name_of_this_process()).read();
    let rest = session.config.rotation.wait.saturating_sub(key.life.waited.until(&steady));
    let problem = match key.state {
        KeyState::Seen if rest.is_zero() => return Ok(()),
        KeyState::Seen => {
            let until = session.now().plus_seconds(rest.as_secs().cast_signed());
            format!("not every verifier can know the key {} before {until}", key.kid)
        }
        _ => format!("the key {} was not seen in a verified metadata set: no verifier can know it", key.kid),
    };
    Err(CliError::new(problem).next(
        "`bob-auth key rotate` goes on with it; with --force it signs at once, and whoever does not know it refuses its tokens",
    ))
}

impl Generate {
    async fn run(self, session: &Session) -> Result<Answer, CliError> {
        let new = NewKey {
            pid: session.pid,
            algorithm: self.alg,
            bits: self.bits.as_deref().and_then(|bits| bits.parse().ok()),
            kid: self.kid,
            not_after: self.expires.map(|expires| session.now().plus_seconds(words::seconds(expires))),
            among_others: true,
        };
        let key = new_key::generate(session.key_room(), &new, &session.change).await?;
        let note = format!(
            "it signs nothing yet: publish it where your partners look for keys, wait until they all have it, then \
             `bob-auth key activate {}`",
            key.kid
        );
        Ok(show("generated", &key)?.note(note))
    }
}

fn public_jwk(key: &AuthtokenKey) -> Result<Value, CliError> {
    serde_json::from_str(&key.public_jwk)
        .map_err(|error| CliError::new(format!("the public key {} in the store is no JWK: {error}", key.kid)))
}

fn jwks(keys: &[AuthtokenKey]) -> Result<Answer, CliError> {
    let published = keys.iter().filter(|key| key.may_be_told()).map(public_jwk);
    let set = json!({ "keys": published.collect::<Result<Vec<_>, _>>()? });
    Answer::new(serde_json::to_string_pretty(&set)?, &set)
}

fn show_all(keys: &[AuthtokenKey]) -> Result<Answer, CliError> {
    let mut table = Table::new(&["KID", "ALG", "STATE", "CREATED", "ACTIVATED", "EXPIRES"]);
    for key in keys {
        let (activated, expires) = (or_dash(key.activated.as_ref()), or_dash(key.not_after.as_ref()));
        table.row(&[&key.kid, &key.alg, &key.state, &key.created, &activated, &expires]);
    }
    list(&table, keys.iter().map(view).collect::<Result<Vec<_>, _>>()?, None, "")
}

fn view(key: &AuthtokenKey) -> Result<View, CliError> {
    Ok(View {
        pid: key.pid.get(),
        kid: key.kid.to_string(),
        alg: key.alg.clone(),
        state: key.state.as_str(),
        file: key.file.clone(),
        created: key.created.to_string(),
        activated: key.activated.map(|time| time.to_string()),
        retiring_since: key.retiring_since.map(|time| time.to_string()),
        retired: key.retired.map(|time| time.to_string()),
        not_after: key.not_after.map(|time| time.to_string()),
        public_jwk: public_jwk(key)?,
    })
}

fn show(done: &str, key: &AuthtokenKey) -> Result<Answer, CliError> {
    let view = view(key)?;
    let head = if done.is_empty() { String::new() } else { format!("{done} {}\n", view.kid) };
    let body = facts(&[
        ("key", Some(view.kid.clone())),
        ("participant", Some(view.pid.to_string())),
        ("algorithm", Some(view.alg.clone())),
        ("state", Some(view.state.to_owned())),
        ("file", Some(view.file.clone())),
        ("created", Some(view.created.clone())),
        ("activated", view.activated.clone()),
        ("retiring since", view.retiring_since.clone()),
        ("retired", view.retired.clone()),
        ("may sign until", view.not_after.clone()),
    ]);
    Answer::new(head + &body, &view)
}
