//! A key is replaced while clients ask and call without a pause: nobody is refused.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::attacks::Scene;
use super::clients::{INSPECTOR, VALIDATOR};
use super::partner::STATUS;
use crate::cli::demo::failure::Failure;
use crate::cli::demo::federation::FIRST;
use crate::cli::demo::load::{Load, Target};
use crate::cli::demo::minting::{keys_of, signing_key};
use crate::cli::demo::story::Story;
use crate::store::{AuthtokenKey, KeyState};

pub(in crate::cli::demo) const TITLE: &str = "A new key while everybody goes on calling";
pub(in crate::cli::demo) const ABOUT: &str =
    "The service publishes it, waits until every partner can know it, and withdraws the old one after its last token.";

/// How long one state may last.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);
/// So many calls are made before and after, so that both keys are seen at work.
const SOME: u64 = 20;

/// The two keys by their ids.
struct Keys {
    old: String,
    new: String,
}

pub(in crate::cli::demo) async fn tell(story: &mut Story, scene: Scene<'_>) -> Result<(), Failure> {
    let (ground, clients) = (&scene.stage.ground, scene.clients);
    let resume = format!("entity resume {INSPECTOR}");
    ground.run(story, FIRST.place, &[&resume], |_| format!("{INSPECTOR} gets tokens again")).await?;
    // Known to the service before anybody counts.
    clients.inspector.token(&scene.services.first, INSPECTOR).await?;
    let target = Target { tokens: scene.services.first.clone(), api: format!("{}{STATUS}", scene.partner.url) };
    let callers = [(VALIDATOR, &clients.validator), (INSPECTOR, &clients.inspector)];
    let load = Load::start(&target, callers.map(|(entity, caller)| (entity, caller.clone())));
    let began = Instant::now();
    let keys = through_its_life(story, scene, &load).await?;
    let after = load.counted().of_kid(&keys.new);
    let work =
        watched(story, &load, "the new key goes on signing", async || load.counted().of_kid(&keys.new) >= after + SOME);
    work.await?;
    let Keys { old, new } = keys;
    let counted = load.stop().await;
    let (tokens, calls) = (counted.tokens, counted.calls);
    let by_kid = [&old, &new].map(|kid| format!("{} with {kid}", counted.of_kid(kid)));
    let refused = counted.refused.len();
    let what = json!({
        "tokens": tokens, "calls": calls, "refused": refused, "old": old, "new": new,
        "ms": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    story.event("load", &what);
    if let Some(first) = counted.refused.first() {
        return Err(Failure::unexpected("clients were refused", "nobody", format!("{refused}, first: {first}")));
    }
    let text = format!("{tokens} tokens and {calls} calls meanwhile, {refused} refused");
    story.told(&text, began.elapsed());
    story.note(&format!("calls: {}, {}", by_kid[0], by_kid[1]));
    story.accepted(calls);
    Ok(())
}

async fn through_its_life(story: &mut Story, scene: Scene<'_>, load: &Load) -> Result<Keys, Failure> {
    let ground = &scene.stage.ground;
    let old = signing_key(ground, FIRST).await?.kid().to_string();
    watched(story, load, "clients ask and call", async || load.counted().calls >= SOME).await?;
    ground
        .run(story, FIRST.place, &["key generate"], |_| {
            "pending: a key that nobody knows, and that signs nothing".to_owned()
        })
        .await?;
    let keys = keys_of(ground, FIRST).await?;
    let new = keys.iter().find(|key| key.state != KeyState::Active).map(|key| key.kid.to_string());
    let keys = Keys { new: new.ok_or_else(|| Failure::new("there is no new key"))?, old };
    reached(story, (scene, load), (&keys.new, "published with proof of possession"), |key| {
        key.life.published.is_some()
    })
    .await?;
    reached(story, (scene, load), (&keys.new, "seen in the signed set"), |key| key.life.seen.is_some()).await?;
    activated(story, scene, load, &keys).await?;
    reached(story, (scene, load), (&keys.old, "withdrawn: its last token is over"), |key| key.life.withdrawn.is_some())
        .await?;
    reached(story, (scene, load), (&keys.old, "retired: no set has it any more"), |key| key.state == KeyState::Retired)
        .await?;
    Ok(keys)
}

/// Waits until a key is so far.
async fn reached(
    story: &mut Story,
    (scene, load): (Scene<'_>, &Load),
    (kid, words): (&str, &str),
    so: impl Fn(&AuthtokenKey) -> bool,
) -> Result<(), Failure> {
    let is_so = async || {
        let keys = keys_of(&scene.stage.ground, FIRST).await.unwrap_or_default();
        keys.iter().any(|key| key.kid.as_str() == kid && so(key))
    };
    let text = format!("{kid} {words}");
    watched_as(story, load, (&text, &text), is_so).await
}

/// It may sign when every partner can know it, and no earlier.
async fn activated(story: &mut Story, scene: Scene<'_>, load: &Load, keys: &Keys) -> Result<(), Failure> {
    let new = &keys.new;
    let words = ["key".to_owned(), "activate".to_owned(), new.clone()];
    story.command(FIRST.place, &format!("bob-auth key activate {new}"));
    let refused = async || {
        let said = scene.stage.ground.said(FIRST.place, &words).await;
        said.err().map(|failure| failure.what)
    };
    if let Some(why) = refused().await {
        let first = why.lines().next().unwrap_or_default().to_owned();
        story.note(&format!("not yet: {first}"));
    }
    let text = format!("{new} active: from now on it signs");
    watched_as(story, load, (&format!("{new} waits until every partner can know it"), &text), async || {
        refused().await.is_none()
    })
    .await
}

async fn watched(story: &mut Story, load: &Load, doing: &str, so: impl AsyncFnMut() -> bool) -> Result<(), Failure> {
    watched_as(story, load, (doing, doing), so).await
}

/// Waits until it is so, and shows meanwhile how the load does. Who is refused ends it at once.
async fn watched_as(
    story: &mut Story,
    load: &Load,
    (doing, done): (&str, &str),
    mut so: impl AsyncFnMut() -> bool,
) -> Result<(), Failure> {
    let live = story.live();
    let work = async {
        let began = Instant::now();
        while !so().await {
            let counted = load.counted();
            *live.borrow_mut() = format!(
                "{} tokens, {} calls, {} refused; {doing}",
                counted.tokens,
                counted.calls,
                counted.refused.len()
            );
            if let Some(first) = counted.refused.first() {
                return Err(Failure::unexpected("a client was refused", "nobody", first));
            }
            if began.elapsed() > PATIENCE {
                return Err(Failure::new(format!("not after {} s", PATIENCE.as_secs())));
            }
            sleep(LOOK).await;
        }
        Ok(())
    };
    story.step(doing, work, |()| done.to_owned()).await
}
