//! `bob-auth conformance api`: examines a service that takes tokens in X-BoB-AuthToken.
//!
//! | file | what it does |
//! |---|---|
//! | `rules` | the rules, each with its source |
//! | `forgery` | tokens that nobody should accept |
//! | `steps` | the requests in their order |
//! | `refusal_rules` | what the answers show |

mod forgery;
mod refusal_rules;
mod rules;
mod steps;

use std::path::{Path, PathBuf};

use clap::Args;
use ring::rand::SystemRandom;
use serde_json::Value;

use self::forgery::Forger;
pub(super) use self::rules::CHECKS;
use self::steps::{Examination, Held, Parties};
use super::asker::{Ask, in_words};
use super::auth::{header_name, token_path};
use super::check::Subject;
use super::compact::Compact;
use super::examined::{Examined, ServerUrl, resource_url, server_url};
use super::ledger::Ledger;
use super::published::KeyFiles;
use crate::cli::error::CliError;
use crate::cli::input::{from_stdin, read};
use crate::cli::output::Answer;
use crate::cli::wire::{Shown, Victim};
use crate::crypto::probe_cert::Nature;
use crate::value::{Clock as _, Sha1Fingerprint, SystemClock, Timestamp};

/// The most bytes that are read of an answer.
const LARGEST: usize = 256 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    bob-auth conformance api https://api.example.se/validation/v1/status --jwks jwks.json \\\n      \
    --cert validator37.pem --key validator37.key --token validator37.token\n  \
    bob-auth conformance api https://api.example.se/validation/v1/status \\\n      \
    --cert validator37.pem --key validator37.key --auth https://auth.example.se --entity validator37\n\n\
    The good token is sent a few times: name a resource that may be asked for again and again. Some sixty requests, one after the \
    other, never more than 120, each for no longer than --timeout; most bear tokens that are changed, stripped or signed by a key \
    of ours.\n\n\
    Exit code 0 if every binding rule is kept, 1 if one is broken or nothing could be found out.")]
pub(in crate::cli) struct Api {
    /// A protected resource: https://host:port/path
    #[arg(value_name = "URL", value_parser = resource_url)]
    resource: ServerUrl,
    /// The client's certificate, PEM
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// A token that may call the resource, or - for standard input
    #[arg(long, value_name = "FILE", required_unless_present = "auth")]
    token: Option<PathBuf>,
    /// Or where to get one: https://host:port, and where the Authentication API begins [default: /api/v1]
    #[arg(long, value_name = "URL", value_parser = server_url, conflicts_with = "token", requires = "entity")]
    auth: Option<ServerUrl>,
    /// For whom it is asked there
    #[arg(long, value_name = "ID", requires = "auth")]
    entity: Option<String>,
    /// The method that the resource is asked with
    #[arg(long, value_name = "METHOD", default_value = "GET", value_parser = method)]
    method: String,
    /// The certificate of another client, PEM
    #[arg(long, value_name = "FILE", requires = "other_key")]
    other_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "other_cert")]
    other_key: Option<PathBuf>,
    /// A token that has expired, bound to --cert or --other-cert
    #[arg(long, value_name = "FILE")]
    expired_token: Option<PathBuf>,
    /// A good token of somebody who may not call the resource, bound to --cert or --other-cert
    #[arg(long, value_name = "FILE")]
    forbidden_token: Option<PathBuf>,
    /// A header in which a proxy hands certificates over to this service: it is forged besides those that everybody knows; may
    /// be repeated
    #[arg(long, value_name = "HEADER", value_parser = header_name)]
    through: Vec<String>,
    #[command(flatten)]
    keys: KeyFiles,
    #[command(flatten)]
    examined: Examined,
}

impl Api {
    pub(super) async fn run(self) -> Result<Answer, CliError> {
        #[expect(clippy::disallowed_methods, reason = "the command line is an edge")]
        let (now, rng) = (SystemClock.now(), SystemRandom::new());
        let own = Shown::of_files(&self.cert, &self.key)?;
        let token = self.good_token(&own).await?;
        check_usable(&token, &own, now)?;
        let keys = self.keys.read(now)?;
        let (issuer, kid) = (token.claim_text("iss"), token.header_text("kid"));
        let public = keys.and_then(|keys| keys.find(issuer.unwrap_or_default(), kid.unwrap_or_default()));
        let forgeries = Forger::new(&token, &rng)?.all(public.as_ref())?;
        let parties = Parties { with_key: public.is_some(), ..self.parties(Held { token, who: own }, now, &rng)? };
        let mut examination = Examination {
            asker: self.examined.asker(&self.resource, LARGEST)?,
            ledger: Ledger::default(),
            method: &self.method,
            target: if self.resource.base.is_empty() { "/" } else { &self.resource.base },
            parties: &parties,
            good: 200,
        };
        examination.run(&forgeries).await?;
        let Examination { asker, mut ledger, .. } = examination;
        ledger.close(
            CHECKS,
            "is seen only where the good token is let in: see to api.good_token first, or to what it needs",
        );
        self.examined.report(Subject::Api, &self.resource, asker.asked(), &ledger)
    }

    fn parties(&self, good: Held, now: Timestamp, rng: &SystemRandom) -> Result<Parties, CliError> {
        let other = match (&self.other_cert, &self.other_key) {
            (Some(certificate), Some(key)) => Some(Shown::of_files(certificate, key)?),
            _ => None,
        };
        let held = |path: &Option<PathBuf>| {
            path.as_deref().map(|path| held(path, [Some(&good.who), other.as_ref()])).transpose()
        };
        let victim = Victim::of(&good.who.certificate)?;
        let mut forged = victim.headers();
        forged.extend(self.through.iter().flat_map(|name| victim.forms_of(name)));
        Ok(Parties {
            expired: held(&self.expired_token)?,
            forbidden: held(&self.forbidden_token)?,
            stranger: Shown::made(Nature::Leaf, now, rng)?,
            namesake: Shown::namesake(&good.who.certificate, now, rng)?,
            forged,
            with_key: false,
            any_server: self.examined.any_server(),
            other,
            good,
        })
    }

    /// From its file, or from where tokens are given out.
    async fn good_token(&self, own: &Shown) -> Result<Compact, CliError> {
        let (Some(auth), Some(entity)) = (&self.auth, &self.entity) else {
            return token_in(self.token.as_deref().unwrap_or(Path::new("-")));
        };
        let target = token_path(auth, entity);
        let mut asker = self.examined.asker(auth, LARGEST)?;
        let heard = asker.ask(&Ask { target: &target, who: Some(own), ..Ask::default() }).await?;
        let failed = |what: &str| {
            CliError::new(format!("https://{}{target}: no token: {what}", auth.authority)).next(
                "`bob-auth conformance auth` examines that service; --token FILE takes a token that came another way",
            )
        };
        match heard.answer() {
            Some(answer) if answer.status == 200 => {
                let body = String::from_utf8_lossy(&answer.body);
                token_of(&body).map_err(|why| failed(&why))
            }
            _ => Err(failed(&heard.reply.as_ref().map_or_else(String::new, in_words))),
        }
    }
}

/// A token that cannot be good shows nothing of the service.
fn check_usable(token: &Compact, own: &Shown, now: Timestamp) -> Result<(), CliError> {
    let fresh = "get a new one with `bob-auth token get`, or let --auth get it";
    let expired = token.payload.get("exp").and_then(Value::as_i64).is_none_or(|exp| exp <= now.as_seconds());
    if expired {
        return Err(CliError::new("this token has expired, or says not when it does").next(fresh));
    }
    let bound = token.claim_text("bobHok").map(str::parse::<Sha1Fingerprint>);
    if bound.is_some_and(|bound| bound != Ok(own.certificate.sha1)) {
        let what = "this token is bound to another certificate than --cert";
        return Err(CliError::new(what).next(fresh));
    }
    Ok(())
}

/// A token with the one of these to whom it is bound.
fn held(path: &Path, among: [Option<&Shown>; 2]) -> Result<Held, CliError> {
    let token = token_in(path)?;
    let bound = token.claim_text("bobHok").and_then(|hok| hok.parse::<Sha1Fingerprint>().ok());
    let who = among.into_iter().flatten().find(|who| bound.is_none_or(|bound| bound == who.certificate.sha1));
    let Some(who) = who.cloned() else {
        let what = "this token is bound to a certificate that is neither --cert nor --other-cert";
        return Err(CliError::new(what).at(path).next("name its certificate with --other-cert and --other-key"));
    };
    Ok(Held { token, who })
}

fn token_in(path: &Path) -> Result<Compact, CliError> {
    let no_token = |error: CliError| error.next("get one with `bob-auth token get`, or let --auth and --entity get it");
    if path == Path::new("-") {
        let text = from_stdin("token")?;
        return token_of(&text).map_err(|why| no_token(CliError::new(format!("standard input: {why}"))));
    }
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    token_of(&text).map_err(|why| no_token(CliError::new(why).at(path)))
}

/// The token alone, or the answer of an Authentication API with one in it.
fn token_of(text: &str) -> Result<Compact, String> {
    let text = text.trim();
    if !text.starts_with('{') {
        return Compact::read(text);
    }
    let answer: Option<Value> = serde_json::from_str(text).ok();
    let compact = answer.as_ref().and_then(|answer| answer.get("jwtCompact")?.as_str());
    Compact::read(compact.ok_or("this is JSON, but no token answer: it has no member \"jwtCompact\" with a text")?)
}

/// A method that can stand in a request line.
fn method(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase());
    if fits { Ok(text.to_owned()) } else { Err("write GET, POST or another method, in upper case".to_owned()) }
}
