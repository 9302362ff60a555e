//! `bob-auth conformance metadata`: examines a participant metadata registry. It reads only, unless it is told to write.
//!
//! | file | what it does |
//! |---|---|
//! | `rules` | the rules |
//! | `serving` | the set asked for in several ways |
//! | `envelope`, `content`, `keys` | the set judged, with `tally` to count |
//! | `prover` | proofs of possession, right and bent |
//! | `stranger` | what is told to those who prove nothing |
//! | `member` | what is told to a participant |
//! | `change` | what a participant changes |

mod change;
mod content;
mod envelope;
mod keys;
mod member;
mod prover;
mod rules;
mod serving;
mod stranger;
mod tally;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use self::content::Content;
use self::envelope::Envelope;
use self::member::Member;
use self::prover::Prover;
pub(super) use self::rules::CHECKS;
use self::serving::Served;
use self::stranger::Somebody;
use super::asker::Asker;
use super::check::Subject;
use super::examined::{Examined, ServerUrl, server_url};
use super::ledger::{Entry, Judgement, Ledger, Outcome};
use crate::app::metadata_key;
use crate::cli::error::CliError;
use crate::cli::input::read;
use crate::cli::output::Answer;
use crate::cli::session::{Global, randomness};
use crate::crypto::private_key::PrivateKey;
use crate::crypto::signer::SoftwareSigner;
use crate::protocol::metadata::{Environment, SignedSet, TrustAnchors};
use crate::protocol::pop::{PopKey, PopProfile};
use crate::protocol::registry::operation::{BASE_PATH, Place};
use crate::value::{Clock as _, Kid, Pid, SystemClock};

/// The most bytes that are read of an answer: a set, and what stands before it.
const LARGEST: usize = SignedSet::MAX_BYTES + 64 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bob-auth conformance metadata https://registry.example.se --trust trust.jwks\n  \
    bob-auth conformance metadata https://registry.example.se --trust trust.jwks --pid 34 --kid 34:metadata_1 \
    --metadata-key metadata-34.key --answer-trust answers.jwks\n\n\
    It reads only, unless --write is given. Exit code 1 if a rule that MUST be kept is broken.")]
pub(in crate::cli) struct Metadata {
    /// The registry: https://host:port, and the base path if it is not /api/v2
    #[arg(value_name = "URL", value_parser = server_url)]
    server: ServerUrl,
    /// The anchors of the federation, a JWK set
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    /// The anchors may be keys that are printed in standards
    #[arg(long)]
    test_environment: bool,
    /// The metadata key of the participant --pid, PEM: what a participant gets is examined, too
    #[arg(long = "metadata-key", value_name = "FILE", requires = "kid")]
    key: Option<PathBuf>,
    /// Its id
    #[arg(long, requires = "key")]
    kid: Option<Kid>,
    /// The keys that sign the registry's answers, a JWK set
    #[arg(long, value_name = "FILE", requires = "key")]
    answer_trust: Option<PathBuf>,
    /// Change things, too: add a test endpoint, info and domain name of the participant, and remove them again
    #[arg(long, requires = "key")]
    write: bool,
    #[command(flatten)]
    examined: Examined,
}

/// What is known of the set.
#[derive(Default)]
struct Set {
    envelope: Option<Envelope>,
    content: Content,
}

impl Metadata {
    pub(super) async fn run(mut self, global: &Global) -> Result<Answer, CliError> {
        if self.server.base.is_empty() {
            BASE_PATH.clone_into(&mut self.server.base);
        }
        let anchors = anchors(&self.trust)?;
        let mut asker = self.examined.asker(&self.server, LARGEST)?;
        let member = self.member(global, asker.authority())?;
        let mut ledger = Ledger::default();
        let target = format!("{}{}", self.server.base, Place::WholeSet);
        let own = member.as_ref().map(|member| member.pid);
        let set = self.examine_set(&mut asker, &mut ledger, (&target, &anchors, own)).await?;
        self.examine_strangers(&mut asker, &mut ledger, (member.as_ref(), &set.content)).await?;
        let mut notes = Vec::new();
        if let Some(member) = &member {
            let is_let_in =
                member::ask(&mut asker, &mut ledger, member, (&set.content, unknown(&set.content)?)).await?;
            if is_let_in && self.write {
                let around = (&*target, set.envelope.as_ref());
                let trace = change::attempt(&mut asker, &mut ledger, member, around).await?;
                notes = told(&trace, member.pid);
            } else if !is_let_in {
                ledger.close(CHECKS, "the participant is not let in with a right proof");
            }
        }
        let why = match (&member, self.write) {
            (None, _) => "needs --pid, --metadata-key and --kid",
            (Some(_), false) => "needs --write",
            _ => "could not be tried",
        };
        ledger.close(CHECKS, why);
        nothing_verified(&mut ledger);
        let place = |id: &str| CHECKS.iter().position(|check| check.id == id);
        ledger.entries.sort_by_key(|entry| place(entry.check.id));
        let answer = self.examined.report(Subject::Metadata, &self.server, asker.asked(), &ledger)?;
        Ok(answer.notes(notes))
    }

    async fn examine_set(
        &self,
        asker: &mut Asker,
        ledger: &mut Ledger,
        (target, anchors, own): (&str, &TrustAnchors, Option<Pid>),
    ) -> Result<Set, CliError> {
        let Some(served) = serving::first(asker, ledger, target).await? else {
            not_asked(ledger, "there is no set");
            return Ok(Set::default());
        };
        let now = SystemClock.now();
        let Some(bytes) = &served.bytes else {
            let why = "the set came in a coding that is not known, or that does not open";
            ledger.enter(&rules::JWS, &*served.sent, Judgement::broken(why));
            not_asked(ledger, why);
            return Ok(Set::default());
        };
        let envelope = match Envelope::read(bytes) {
            Ok(envelope) => envelope,
            Err(why) => {
                ledger.enter(&rules::JWS, &*served.sent, Judgement::broken(why));
                not_asked(ledger, "the set is no JWS in JSON serialisation");
                return Ok(Set::default());
            }
        };
        let content = self.judge(ledger, (&served, bytes), &envelope, (anchors, own));
        let kept = serving::max_age(served.cache_control.as_deref(), envelope.not_valid_after(), now);
        ledger.enter(&rules::MAX_AGE, &*served.sent, kept);
        serving::again(asker, ledger, target, (&served, &envelope)).await?;
        Ok(Set { envelope: Some(envelope), content })
    }

    /// Judges the set that came.
    fn judge(
        &self,
        ledger: &mut Ledger,
        (served, bytes): (&Served, &[u8]),
        envelope: &Envelope,
        (anchors, own): (&TrustAnchors, Option<Pid>),
    ) -> Content {
        let mut findings = envelope.findings(SystemClock.now());
        findings.extend(envelope::signatures(bytes, anchors, self.test_environment));
        findings.push((&rules::NO_DUPLICATES, envelope.duplicates(bytes)));
        let (of_content, content) = content::findings(&envelope.payload, own);
        findings.extend(of_content);
        for (check, judgement) in findings {
            ledger.enter(check, &*served.sent, judgement);
        }
        content
    }

    async fn examine_strangers(
        &self,
        asker: &mut Asker,
        ledger: &mut Ledger,
        (member, content): (Option<&Member>, &Content),
    ) -> Result<(), CliError> {
        let known = member.map(|member| member.pid).or_else(|| content.pids.first().copied());
        let Some(known) = known else { return Ok(()) };
        let key = made("bob-auth-conformance:stranger")?;
        let prover = self.prover(key, asker.authority());
        let claimed = self.kid.as_ref().map_or("bob-auth-conformance:stranger", Kid::as_str);
        stranger::ask(asker, ledger, (&prover, claimed), Somebody { known, unknown: unknown(content)? }).await
    }

    fn prover(&self, key: PopKey, authority: &str) -> Prover {
        let (host, base) = (authority.to_owned(), self.server.base.clone());
        Prover { key, profile: PopProfile::default(), rng: randomness(), host, base }
    }

    fn member(&self, global: &Global, authority: &str) -> Result<Option<Member>, CliError> {
        let (Some(file), Some(kid)) = (&self.key, &self.kid) else { return Ok(None) };
        let pid = global.pid.ok_or_else(|| {
            CliError::new("whose metadata key this is was not said").next("name the participant with --pid")
        })?;
        let key = metadata_key(file, kid, None, &randomness())?;
        let answer_keys = match &self.answer_trust {
            Some(file) => anchors(file)?.keys().to_vec(),
            None => Vec::new(),
        };
        let prover = self.prover(key, authority);
        let impostor = prover.with(made(kid.as_str())?);
        Ok(Some(Member { pid, prover, impostor, answer_keys }))
    }
}

/// Anchors are examined as well: what is wrong with them is found out, not refused.
fn anchors(file: &Path) -> Result<TrustAnchors, CliError> {
    TrustAnchors::parse(&read(file)?, Environment::Test).map_err(|error| {
        CliError::new(error).at(file).next("name a JWK set that came from the registry's operator, out of band")
    })
}

/// A key that nobody knows.
fn made(kid: &str) -> Result<PopKey, CliError> {
    let private = PrivateKey::generate_p256().map_err(CliError::new)?;
    let signer = SoftwareSigner::new(&private, &randomness()).map_err(CliError::new)?;
    Ok(PopKey { kid: kid.parse().map_err(CliError::new)?, signer: Arc::new(signer) })
}

/// A participant that there is not.
fn unknown(content: &Content) -> Result<Pid, CliError> {
    let mut pids = (1..=999_999_999_937).rev().filter_map(|number| Pid::new(number).ok());
    pids.find(|pid| !content.pids.contains(pid)).ok_or_else(|| CliError::new("every pid there is is a participant's"))
}

/// Enters the rules about a set that is not there.
fn not_asked(ledger: &mut Ledger, why: &str) {
    ledger.close(rules::of_set(), why);
}

/// Nobody is to take a set for good that was not verified, whatever the reason.
fn nothing_verified(ledger: &mut Ledger) {
    let verified = |entry: &Entry| entry.check.id == rules::SIGNATURE.id && entry.outcome == Outcome::Pass;
    if ledger.count(Outcome::Fail) == 0 && !ledger.entries.iter().any(verified) {
        ledger.enter(&rules::SIGNATURE, "", Judgement::broken("no signature of the set could be verified"));
    }
}

/// What was changed, for whoever wants to know.
fn told(trace: &change::Trace, pid: Pid) -> Vec<String> {
    let mut notes = Vec::new();
    if !trace.added.is_empty() {
        notes.push(format!("added and removed again, of participant {pid}: {}", trace.added.join(", ")));
    }
    if !trace.left.is_empty() {
        notes.push(format!("LEFT BEHIND at participant {pid}, remove it: {}", trace.left.join(", ")));
    }
    notes
}
