//! Attacks, each with the refusal that must come: its status, and the stable id of its reason.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::clients::{Clients, INSPECTOR, VALIDATOR};
use super::partner::{Partner, STATUS, VALIDATIONS};
use super::registry::Made;
use super::services::Services;
use crate::cli::demo::caller::{Caller, Token};
use crate::cli::demo::failure::Failure;
use crate::cli::demo::federation::{FIRST, LEEWAY, SECOND};
use crate::cli::demo::liar::{Liar, tampered};
use crate::cli::demo::minting;
use crate::cli::demo::partner_api::{FINGERPRINT_HEADER, Registry, keys_from};
use crate::cli::demo::published::{Published, anchors};
use crate::cli::demo::stage::Stage;
use crate::cli::demo::story::{Story, Verdict};
use crate::cli::session::randomness;
use crate::crypto::issue_cert::{Profile, Purpose, self_signed};
use crate::crypto::private_key::PrivateKey;
use crate::key_source::KeySource;
use crate::protocol::jwk::bare_jwk;
use crate::protocol::metadata::{MetadataError, SignedSet};
use crate::value::{Clock as _, SystemClock};

pub(in crate::cli::demo) const TITLE: &str = "Attacks";
pub(in crate::cli::demo) const ABOUT: &str =
    "Each with status and reason of the refusal. Where the answer keeps the reason to itself, the log tells it.";

/// Everything there is to attack.
#[derive(Clone, Copy)]
pub(in crate::cli::demo) struct Scene<'a> {
    pub(in crate::cli::demo) stage: &'a Stage,
    pub(in crate::cli::demo) made: &'a Made,
    pub(in crate::cli::demo) services: &'a Services,
    pub(in crate::cli::demo) partner: &'a Partner,
    pub(in crate::cli::demo) clients: &'a Clients,
}

/// How long something may take that must happen.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

pub(in crate::cli::demo) async fn tell(story: &mut Story, scene: Scene<'_>) -> Result<(), Failure> {
    stolen(story, scene).await?;
    forged(story, scene).await?;
    not_agreed(story, scene).await?;
    without_a_token(story, scene).await?;
    sets(story, scene).await?;
    expired(story, scene).await
}

impl Scene<'_> {
    fn status(&self) -> String {
        format!("{}{STATUS}", self.partner.url)
    }

    async fn fresh(&self, caller: &Caller, entity: &str) -> Result<Token, Failure> {
        caller.token(&self.services.first, entity).await
    }

    /// What the API answers to this caller with this token and these headers.
    async fn try_with(&self, caller: &Caller, token: &str, headers: &[(&str, &str)]) -> Result<Verdict, Failure> {
        Ok(caller.get(&self.status(), token, headers).await?.verdict())
    }

    /// Why the token service refused somebody with this certificate, as its log says.
    async fn reason_in_log(&self, status: u16, sha1: &str) -> Result<Verdict, Failure> {
        let is_it = |line: &Value| line["target"] == "access" && line["status"] == status && line["sha1"] == sha1;
        let began = Instant::now();
        loop {
            let lines = self.stage.processes.lines(FIRST.service);
            if let Some(reason) = lines.iter().rev().find(|line| is_it(line)).and_then(|line| line["reason"].as_str()) {
                return Ok(Verdict::new(status, reason));
            }
            if began.elapsed() > PATIENCE {
                return Err(Failure::new(format!("the log of {} tells of no such refusal", FIRST.service)));
            }
            sleep(LOOK).await;
        }
    }
}

/// The thief has a token and not the key of its certificate.
async fn stolen(story: &mut Story, scene: Scene<'_>) -> Result<(), Failure> {
    let Clients { validator, inspector: thief, .. } = scene.clients;
    let anonymous = Caller::anonymous(&scene.stage.ground)?;
    let token = async || Ok::<_, Failure>(scene.fresh(validator, VALIDATOR).await?.text);
    let fingerprint = validator.fingerprint();
    let forged = [(FINGERPRINT_HEADER, fingerprint.as_str())];
    let mismatch = (Some(401), "holder_mismatch");
    let stolen = token().await?;
    story.refusal("a stolen token, with another certificate", mismatch, scene.try_with(thief, &stolen, &[])).await?;
    let (what, stolen) = ("the same, and a forged fingerprint header", token().await?);
    story.refusal(what, mismatch, scene.try_with(thief, &stolen, &forged)).await?;
    let (what, token) = ("the forged header without any certificate", token().await?);
    story.refusal(what, (Some(401), "nothing_presented"), scene.try_with(&anonymous, &token, &forged)).await
}

/// Whoever signs is not whom the token names.
async fn forged(story: &mut Story, scene: Scene<'_>) -> Result<(), Failure> {
    let (ground, validator) = (&scene.stage.ground, &scene.clients.validator);
    let unknown = (Some(401), "unknown_key");
    let token = minting::token(&minting::unpublished("1:never_published")?, FIRST, validator, 0)?;
    story.refusal("a token of a key that nobody published", unknown, scene.try_with(validator, &token, &[])).await?;
    let token = minting::token(&minting::signing_key(ground, SECOND).await?, FIRST, validator, 0)?;
    let what = "participant 2 signs as participant 1";
    story.refusal(what, unknown, scene.try_with(validator, &token, &[])).await?;
    let kid = minting::signing_key(ground, FIRST).await?.kid().to_string();
    let token = minting::token(&minting::disguised(ground, SECOND, &kid).await?, FIRST, validator, 0)?;
    let what = "the same, naming participant 1's key";
    story.refusal(what, (Some(401), "bad_signature"), scene.try_with(validator, &token, &[])).await
}

/// Nothing is wrong with it, and it may not do this.
async fn not_agreed(story: &mut Story, scene: Scene<'_>) -> Result<(), Failure> {
    let inspector = &scene.clients.inspector;
    let token = scene.fresh(inspector, INSPECTOR).await?.text;
    let url = format!("{}{VALIDATIONS}", scene.partner.url);
    let work = async { Ok(inspector.post(&url, &token, &json!({"ticketId": "T-1"})).await?.verdict()) };
    story.refusal("an inspector who validates tickets", (Some(403), "not_allowed"), work).await
}

/// Whom the token service gives none.
async fn without_a_token(story: &mut Story, scene: Scene<'_>) -> Result<(), Failure> {
    let stranger = stranger(scene)?;
    let work = async {
        let status = stranger.ask_token(&scene.services.first, VALIDATOR).await?.status;
        scene.reason_in_log(status, &stranger.fingerprint()).await
    };
    story.refusal("a stranger who calls itself validator37", (Some(401), "unknown_certificate"), work).await?;

    let inspector = &scene.clients.inspector;
    let old = scene.fresh(inspector, INSPECTOR).await?;
    let suspend = format!("entity suspend {INSPECTOR}");
    scene.stage.ground.run(story, FIRST.place, &[&suspend], |_| format!("{INSPECTOR} is suspended")).await?;
    let work = async {
        let began = Instant::now();
        let mut answer = inspector.ask_token(&scene.services.first, INSPECTOR).await?;
        while answer.status == 200 && began.elapsed() < PATIENCE {
            sleep(LOOK).await;
            answer = inspector.ask_token(&scene.services.first, INSPECTOR).await?;
        }
        match answer.status {
            200 => Ok(answer.verdict()),
            status => scene.reason_in_log(status, &inspector.fingerprint()).await,
        }
    };
    story.refusal("a suspended inspector who asks for a token", (Some(404), "suspended_entity"), work).await?;
    let left = old.exp - SystemClock.now().as_seconds();
    let verdict = scene.try_with(inspector, &old.text, &[]).await?;
    let ends = if verdict.status == Some(200) {
        format!("its last token counts for {left} s more: suspended is who gets no new one")
    } else {
        format!("its last token is over by now ({verdict})")
    };
    story.note(&ends);
    Ok(())
}

/// A certificate that nobody enrolled, with the name of one that is.
fn stranger(scene: Scene<'_>) -> Result<Caller, Failure> {
    let ground = &scene.stage.ground;
    let (key, now) = (PrivateKey::generate_p256()?, SystemClock.now());
    let validity = (now.plus_seconds(-300), now.plus_seconds(86_400));
    let profile = Profile { common_name: VALIDATOR.to_owned(), validity, purpose: Purpose::Client };
    let certificate = self_signed(&profile, &key, &randomness())?;
    ground.make("stranger")?;
    ground.write("stranger/validator37.pem", certificate.to_pem()?)?;
    ground.write_secret("stranger/validator37.key", &key.to_pkcs8_pem(None)?)?;
    Caller::named(ground, "stranger/validator37")
}

/// A partner whose way to the registry leads past a liar.
async fn sets(story: &mut Story, scene: Scene<'_>) -> Result<(), Failure> {
    let Made { registry, first_set, .. } = scene.made;
    let now = Published::fetch(registry).await?;
    let liar = Liar::start(now.bytes.clone()).await?;
    let lied_to = Registry { set: liar.url(), ca: None, trust: registry.trust.clone() };
    let partner = Fetching::of(keys_from(lied_to, None).await?);

    let key = minting::unpublished("1:thief")?;
    let thief = serde_json::to_value(bare_jwk(key.kid(), key.public_key()))?;
    let false_set = tampered(&now.bytes, FIRST.number(), &thief)?;
    let verdict = SignedSet::verify(&false_set, &anchors(registry)?, SystemClock.now());
    let work = partner.refuses(&liar, false_set, verdict.err());
    story.refusal("a set with a thief's key in it", (None, "metadata_signature"), work).await?;

    let verdict = first_set.set.may_replace(now.set.header());

    let work = partner.refuses(&liar, first_set.bytes.clone(), verdict.err());
    story.refusal("an old set, from before the keys", (None, "metadata_rollback"), work).await?;
    let keys = partner.source.keys().load().set.len();
    let (old, new) = (first_set.serial(), now.serial());
    story.note(&format!("it had serial {old}: the partner goes on with the {keys} keys of serial {new}"));
    Ok(())
}

/// Keys that are fetched for as long as this lives.
struct Fetching {
    source: std::sync::Arc<KeySource>,
    task: tokio::task::JoinHandle<std::convert::Infallible>,
}

impl Fetching {
    fn of(source: std::sync::Arc<KeySource>) -> Self {
        let task = tokio::spawn(std::sync::Arc::clone(&source).run());
        Self { source, task }
    }

    /// Has the liar say this, and waits until the partner has refused it for the reason that the rules give.
    async fn refuses(&self, liar: &Liar, set: Vec<u8>, rules: Option<MetadataError>) -> Result<Verdict, Failure> {
        let Some(rules) = rules else { return Ok(Verdict::without_status("accepted")) };
        liar.says(set);
        let (began, wanted) = (Instant::now(), rules.to_string());
        loop {
            let error = self.source.status().into_iter().find_map(|origin| origin.last_error);
            if error.as_ref() == Some(&wanted) {
                return Ok(Verdict::without_status(rules.reason()));
            }
            if began.elapsed() > PATIENCE {
                return Err(Failure::unexpected("the partner judges otherwise", wanted, error.unwrap_or_default()));
            }
            sleep(LOOK).await;
        }
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The first token of this story, at its end.
async fn expired(story: &mut Story, scene: Scene<'_>) -> Result<(), Failure> {
    let Clients { validator, early, .. } = scene.clients;
    let work = async {
        while SystemClock.now().as_seconds() <= early.exp + i64::from(LEEWAY) {
            sleep(LOOK).await;
        }
        scene.try_with(validator, &early.text, &[]).await
    };
    story.refusal("the first token of the validator, by now", (Some(401), "expired"), work).await
}
