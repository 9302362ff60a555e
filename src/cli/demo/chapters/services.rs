//! The token services of both participants: keys of their own, published by themselves with proof of possession.

use std::time::Duration;

use serde_json::Value;

use super::registry::Made;
use crate::cli::demo::failure::Failure;
use crate::cli::demo::federation::{BOTH, METADATA_KEY, Participant, REGISTRY};
use crate::cli::demo::ground::HERE;
use crate::cli::demo::published::Published;
use crate::cli::demo::stage::Stage;
use crate::cli::demo::story::Story;

/// The services that run.
pub(in crate::cli::demo) struct Services {
    /// The URL of participant 1's.
    pub(in crate::cli::demo) first: String,
}

pub(in crate::cli::demo) const TITLE: &str = "Two participants, each with a token service";
pub(in crate::cli::demo) const ABOUT: &str =
    "Keys are made, published with proof of possession and withdrawn by the services themselves.";

pub(in crate::cli::demo) async fn tell(story: &mut Story, stage: &Stage, made: &Made) -> Result<Services, Failure> {
    for participant in BOTH {
        set_up(story, stage, made, participant).await?;
    }
    let mut urls = Vec::new();
    for participant in BOTH {
        urls.push(start(story, stage, participant).await?);
    }
    let published = story
        .step("both keys are published", until_published(made), |published| {
            let kids = BOTH.map(|one| one.pid().map(|pid| published.kids(pid).join(", ")).unwrap_or_default());
            format!("{} and {} are in the signed set", kids[0], kids[1])
        })
        .await?;
    let proofs = proofs(stage)?;
    story.note(&format!("serial {}; the proofs were signed with {proofs}", published.serial()));
    let first = urls.into_iter().next().ok_or_else(|| Failure::new("there is no token service"))?;
    Ok(Services { first })
}

/// Certificates, keys, configuration; and a metadata key that the registry knows.
async fn set_up(story: &mut Story, stage: &Stage, made: &Made, who: Participant) -> Result<(), Failure> {
    let (ground, number) = (&stage.ground, who.number());
    let init = format!("init {} --pid {number} --name \"{}\"", who.place, who.name);
    ground
        .run(story, HERE, &[&init], |_| format!("participant {number} with a CA, a store, and a key that signs tokens"))
        .await?;
    ground.write(&format!("{}/config.toml", who.place), who.config(&made.url))?;
    ground
        .run(story, who.place, &["registry metadata-key generate > metadata.jwk"], |_| {
            format!("{number}:{METADATA_KEY}, with which it proves to the registry who it is")
        })
        .await?;
    let add = format!("registry-admin metadata-key add {number} ../{}/metadata.jwk", who.place);
    ground
        .run(story, REGISTRY, &[&add], |_| "the registry knows its public half, handed over by hand".to_owned())
        .await?;
    Ok(())
}

async fn start(story: &mut Story, stage: &Stage, who: Participant) -> Result<String, Failure> {
    let Stage { ground, processes, .. } = stage;
    story.command(who.place, "bob-auth serve &");
    let mut command = ground.program(who.place);
    command.arg("serve");
    let pid = processes.start(who.service, command, &ground.path(&format!("{}/log", who.place)))?;
    story.process(who.service, pid);
    story
        .step(&format!("{} starts", who.service), processes.listening(who.service, "token"), |url| {
            format!("{} issues tokens at {url}", who.name)
        })
        .await
}

/// Waits until the set has a key of both.
async fn until_published(made: &Made) -> Result<Published, Failure> {
    for _ in 0..300 {
        let published = Published::fetch(&made.registry).await?;
        let mut missing = false;
        for participant in BOTH {
            missing |= published.kids(participant.pid()?).is_empty();
        }
        if !missing {
            return Ok(published);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(Failure::new("the keys do not turn up in the signed set"))
}

/// The keys that proved what the registry took, as its log has them.
fn proofs(stage: &Stage) -> Result<String, Failure> {
    let lines = stage.processes.lines(REGISTRY);
    let taken = lines.iter().filter(|line| line["action"] == "postAuthtokenPublicKey" && line["status"] == 201);
    let kids: Vec<&str> = taken.filter_map(|line| line["kid"].as_str()).collect();
    if kids.len() < BOTH.len() {
        let seen = Value::from(kids).to_string();
        return Err(Failure::unexpected("the registry's log tells of other proofs", "one of each participant", seen));
    }
    Ok(kids.join(" and "))
}
