//! The options by which `token verify` and `explain` are told what a verifier would have: token, certificate, keys, policy,
//! time. They become a [`Verifier`] and a [`Question`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::error::CliError;
use super::input;
use super::session::Global;
use super::words::{self, When};
use crate::app::verifier_as_configured;
use crate::config::{VerifyConfig, environment};
use crate::crypto::cert::Certificate;
use crate::flow::explain::Question;
use crate::flow::verify::{Allowed, HolderOfKey, Policy, Verifier};
use crate::key_source::CurrentKeys;
use crate::protocol::jwk::{JwkSet, SkippedKey};
use crate::protocol::key_set::KeySet;
use crate::protocol::metadata::{Environment, SignedSet, Skipped, TrustAnchors};
use crate::protocol::presented::Presented;
use crate::protocol::token_text::TokenText;
use crate::store::Fingerprint;
use crate::value::{Lifetime, Pid, Timestamp};

/// What a verifier would have.
#[derive(Debug, Args)]
pub(super) struct Verifying {
    /// The token, or - for standard input
    #[arg(value_name = "TOKEN", allow_hyphen_values = true)]
    token: String,
    /// The fingerprint of the certificate that it came with, SHA-1 in hex
    #[arg(long, value_name = "HEX", value_parser = words::fingerprint)]
    fingerprint: Option<Fingerprint>,
    /// The certificate that it came with, PEM or DER
    #[arg(long, value_name = "FILE", conflicts_with = "fingerprint")]
    cert: Option<PathBuf>,
    /// The issuer's keys as a JWK set
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// Whose keys those are [default: whoever the token says]
    #[arg(long, value_name = "PID", requires = "jwks")]
    issuer: Option<Pid>,
    /// The keys as a signed metadata set
    #[arg(long, value_name = "FILE", conflicts_with = "jwks", requires = "trust")]
    metadata: Option<PathBuf>,
    /// The trust anchors of the metadata set, as a JWK set that came another way
    #[arg(long, value_name = "JWKS", requires = "metadata")]
    trust: Option<PathBuf>,
    /// Accept as an anchor the key that is printed in RFC 7515 and signs the sets of a BoB test environment
    #[arg(long, requires = "metadata")]
    test_environment: bool,
    /// How far clocks may be apart [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = words::span)]
    leeway: Option<Duration>,
    /// The longest life of a token [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = words::lifetime)]
    max_lifetime: Option<Lifetime>,
    /// Who may call, as PID:CLASS, * for any; may be repeated [default: everyone]
    #[arg(long, value_name = "PID:CLASS")]
    allow: Vec<Allowed>,
    /// Whom the token must be for
    #[arg(long, value_name = "TEXT")]
    audience: Vec<String>,
    /// Accept a token that is bound to no certificate
    #[arg(long)]
    allow_bearer: bool,
    /// As of when [default: now]
    #[arg(long, value_name = "TIME", value_parser = words::when)]
    at: Option<When>,
}

/// Everything that was given, read.
pub(super) struct Given {
    pub(super) verifier: Verifier,
    token: String,
    presented: Option<Presented>,
    certificate: Option<Certificate>,
    now: Timestamp,
    /// What is worth knowing about what was given.
    pub(super) notes: Vec<String>,
}

impl Verifying {
    /// Reads the files and makes the verifier: with the keys and the policy of the configuration, where no keys are given
    /// here. What else is given here counts in place of that policy's.
    pub(super) async fn read(self, global: &Global, now: Timestamp) -> Result<Given, CliError> {
        let mut notes = Vec::new();
        let token = if self.token == "-" { input::from_stdin("token")?.trim().to_owned() } else { self.token.clone() };
        let now = self.at.map_or(now, |at| at.at(now));
        let (keys, policy) = if self.jwks.is_none() && self.metadata.is_none() {
            as_configured(global, &mut notes).await?
        } else {
            let policy = Policy { allow: vec![Allowed::ANYONE], ..Policy::strict() };
            (Arc::new(self.keys(&token, now, &mut notes)?), policy)
        };
        let (presented, certificate) = self.presented()?;
        let verifier = Verifier::builder(keys).policy(self.over(policy)).cache(None).build().map_err(CliError::new)?;
        Ok(Given { verifier, token, presented, certificate, now, notes })
    }

    /// The policy with what is given here.
    fn over(self, mut policy: Policy) -> Policy {
        if let Some(leeway) = self.leeway {
            policy.leeway = u32::try_from(words::seconds(leeway)).unwrap_or(u32::MAX);
        }
        if let Some(lifetime) = self.max_lifetime {
            policy.max_lifetime = lifetime;
        }
        if self.allow_bearer {
            policy.holder_of_key = HolderOfKey::IfPresent;
        }
        if !self.allow.is_empty() {
            policy.allow = self.allow;
        }
        if !self.audience.is_empty() {
            policy.audience = self.audience;
        }
        policy
    }

    fn keys(&self, token: &str, now: Timestamp, notes: &mut Vec<String>) -> Result<CurrentKeys, CliError> {
        if let (Some(set), Some(trust)) = (&self.metadata, &self.trust) {
            return self.keys_of_metadata(set, trust, now, notes);
        }
        let Some(path) = &self.jwks else {
            return Err(CliError::new("without keys nothing can be verified"));
        };
        let jwks = JwkSet::parse(&input::read(path)?).map_err(|error| CliError::new(error).at(path))?;
        notes.extend(jwks.skipped.iter().map(note_of_skipped));
        let issuer = self.issuer.or_else(|| claimed_issuer(token));
        if self.issuer.is_none()
            && let Some(issuer) = issuer
        {
            notes.push(format!("the keys are taken for those of participant {issuer}, because the token says so; --issuer says it for sure"));
        }
        let mut set = KeySet::new();
        // A token that names no issuer fails for that reason; any number will do until then.
        let owner = issuer.map_or_else(|| Pid::new(1).map_err(CliError::new), Ok)?;
        set.add(owner, jwks.keys).map_err(|error| CliError::new(error).at(path))?;
        CurrentKeys::new(set).map_err(|error| CliError::new(error).at(path))
    }

    fn keys_of_metadata(
        &self,
        path: &Path,
        trust: &Path,
        now: Timestamp,
        notes: &mut Vec<String>,
    ) -> Result<CurrentKeys, CliError> {
        let environment = if self.test_environment { Environment::Test } else { Environment::Production };
        let anchors = TrustAnchors::parse(&input::read(trust)?, environment).map_err(|error| {
            CliError::new(error).at(trust).next("the anchors come from the administering body, out of band")
        })?;
        for (kid, printed_in) in anchors.examples() {
            notes.push(format!("everybody can sign with the anchor {kid}: it is the example key of {printed_in}"));
        }
        let set =
            SignedSet::verify(&input::read(path)?, &anchors, now).map_err(|error| CliError::new(error).at(path))?;
        for Skipped { pid, list, id, why } in set.skipped() {
            let id = id.as_deref().unwrap_or("without an id");
            notes.push(format!("participant {pid}: {list}: {id} is left out: {why}"));
        }
        CurrentKeys::new(set.into_key_set()).map_err(|error| CliError::new(error).at(path))
    }

    fn presented(&self) -> Result<(Option<Presented>, Option<Certificate>), CliError> {
        if let Some(path) = &self.cert {
            let read = Certificate::read_all(&input::read(path)?).map_err(|error| CliError::new(error).at(path))?;
            let certificate = read.into_iter().next();
            let presented = certificate.as_ref().map(|certificate| Presented::of_certificate(&certificate.der));
            return Ok((presented, certificate));
        }
        match self.fingerprint {
            None => Ok((None, None)),
            Some(Fingerprint::Sha1(sha1)) => Ok((Some(Presented::of_fingerprint(sha1)), None)),
            Some(Fingerprint::Sha256(_)) => {
                Err(CliError::new("tokens are bound to the SHA-1 fingerprint (40 hex digits)")
                    .next("give that, or the certificate itself with --cert"))
            }
        }
    }
}

/// Keys and policy of the verifier that is configured.
async fn as_configured(global: &Global, notes: &mut Vec<String>) -> Result<(Arc<CurrentKeys>, Policy), CliError> {
    let file = global.config_file();
    let config = VerifyConfig::load(&file, &environment).map_err(|faults| {
        CliError::new(format!("no keys are given, and the verifier's configuration cannot be used:\n{faults}")).next(
            "give the issuer's keys with --jwks FILE (`bob-auth key export --jwks` writes those of a service), or a metadata \
             set with --metadata FILE and --trust JWKS, or name a configuration with [verify]",
        )
    })?;
    let verifier = verifier_as_configured(&config.verify).await.map_err(|error| CliError::new(error).at(&file))?;
    notes.push(format!("keys and policy are those of {}", file.display()));
    Ok((Arc::clone(verifier.keys()), verifier.policy().clone()))
}

impl Given {
    /// What is to be answered.
    pub(super) fn question(&self) -> Question<'_> {
        Question {
            token: &self.token,
            presented: self.presented,
            certificate: self.certificate.as_ref(),
            now: self.now,
        }
    }
}

fn note_of_skipped(skipped: &SkippedKey) -> String {
    let kid = skipped.kid.as_deref().unwrap_or("without an id");
    format!("the key {kid} of the set is left out: {}", skipped.why)
}

fn claimed_issuer(token: &str) -> Option<Pid> {
    TokenText::read(token).ok()?.payload.get("iss")?.as_str()?.parse().ok()
}
