//! `bob-auth conformance auth`: examines an Authentication API.
//!
//! | file | what it does |
//! |---|---|
//! | `rules` | the rules, each with its source |
//! | `steps` | the requests in their order |
//! | `door_rules` | what refusals show: who is let in |
//! | `token_rules` | what an answer with a token shows |

mod door_rules;
mod rules;
mod steps;
mod token_rules;

use std::path::PathBuf;

use clap::Args;
use ring::rand::SystemRandom;

pub(super) use self::door_rules::{no_redirect, www_authenticate};
pub(super) use self::rules::CHECKS;
use self::steps::{Examination, Parties, encoded};
use super::check::Subject;
use super::examined::{Examined, ServerUrl, server_url};
use super::ledger::Ledger;
use super::published::KeyFiles;
use crate::cli::error::CliError;
use crate::cli::output::Answer;
use crate::cli::wire::{Shown, Victim};
use crate::crypto::probe_cert::Nature;
use crate::value::{Clock as _, SystemClock};

/// The most bytes that are read of an answer.
const LARGEST: usize = 64 * 1024;
/// Where the standard puts the interface.
const BASE: &str = "/api/v1";

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    bob-auth conformance auth https://auth.example.se --entity validator37 \\\n      \
    --cert validator37.pem --key validator37.key\n  \
    bob-auth conformance auth https://localhost:8443 --entity validator37 --ca tls/ca.pem \\\n      \
    --cert validator37.pem --key validator37.key --other-entity inspector5 --jwks jwks.json\n\n\
    Some forty requests, one after the other, never more than 120, each for no longer than --timeout; a server that answers 429 is \
    given time. Tokens are asked for and looked at; none is shown or kept.\n\n\
    Exit code 0 if every binding rule is kept, 1 if one is broken or nothing could be found out.")]
pub(in crate::cli) struct Auth {
    /// The server: https://host:port, and where its interface begins [default: /api/v1]
    #[arg(value_name = "URL", value_parser = server_url)]
    server: ServerUrl,
    /// A certificate that is enrolled there, PEM
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The entity that it belongs to
    #[arg(long, value_name = "ID")]
    entity: String,
    /// An entity that there is, and that this certificate may not ask for
    #[arg(long, value_name = "ID")]
    other_entity: Option<String>,
    /// Another enrolled certificate, which may not ask for --entity, PEM
    #[arg(long, value_name = "FILE", requires = "other_key")]
    other_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "other_cert")]
    other_key: Option<PathBuf>,
    /// A header in which a proxy hands certificates over to this server: it is forged besides those that everybody knows; may
    /// be repeated
    #[arg(long, value_name = "HEADER", value_parser = header_name)]
    through: Vec<String>,
    #[command(flatten)]
    keys: KeyFiles,
    #[command(flatten)]
    examined: Examined,
}

impl Auth {
    pub(super) async fn run(self) -> Result<Answer, CliError> {
        let parties = self.parties()?;
        let asker = self.examined.asker(&self.server, LARGEST)?;
        let base = token_path(&self.server, "");
        let mut examination = Examination { asker, ledger: Ledger::default(), base, parties: &parties };
        examination.run().await?;
        let Examination { asker, mut ledger, .. } = examination;
        ledger.close(CHECKS, "is seen only where a token is given: see to auth.token_given first, or to what it needs");
        self.examined.report(Subject::Auth, &self.server, asker.asked(), &ledger)
    }

    fn parties(&self) -> Result<Parties, CliError> {
        #[expect(clippy::disallowed_methods, reason = "the command line is an edge")]
        let (now, rng) = (SystemClock.now(), SystemRandom::new());
        let own = Shown::of_files(&self.cert, &self.key)?;
        let other = match (&self.other_cert, &self.other_key) {
            (Some(certificate), Some(key)) => Some(Shown::of_files(certificate, key)?),
            _ => None,
        };
        let victim = Victim::of(&own.certificate)?;
        let mut forged = victim.headers();
        forged.extend(self.through.iter().flat_map(|name| victim.forms_of(name)));
        Ok(Parties {
            entity: self.entity.clone(),
            other_entity: self.other_entity.clone(),
            other,
            stranger: Shown::made(Nature::Leaf, now, &rng)?,
            namesake: Shown::namesake(&own.certificate, now, &rng)?,
            expired: Shown::made(Nature::Expired, now, &rng)?,
            forged,
            keys: self.keys.read(now)?,
            any_server: self.examined.any_server(),
            own,
        })
    }
}

/// Where this server gives out tokens for this entity.
pub(super) fn token_path(server: &ServerUrl, entity: &str) -> String {
    let base = if server.base.is_empty() { BASE } else { &server.base };
    format!("{base}/auth/{}", encoded(entity))
}

/// A name that can stand in a header line.
pub(super) fn header_name(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if fits { Ok(text.to_owned()) } else { Err("write the name of a header, such as X-SSL-Client-SHA1".to_owned()) }
}
